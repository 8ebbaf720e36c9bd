"""Memory and cores: what the machine has, and what cgroups (version 1 or 2) and the shell leave of it.

The bounds are measured: with 180 MB a start is killed, with 200 MB it needs all of that.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings

MB: Final = 10**6
NEEDED: Final = 256 * MB
COMFORTABLE: Final = 512 * MB
# Go reserves far more addresses than it uses: 1.0 GB is too little, 2.0 GB do.
ADDRESSES: Final = 1_500 * MB
DATA: Final = 400 * MB
_UNLIMITED: Final = 1 << 60  # version 1 writes its lack of a limit as a huge number

TOO_LITTLE: Final = Kind(
    "memory-too-little",
    "problem",
    "Too little memory",
    "A control plane takes 200 MB and more. With less, the kernel kills it: at its start, or as soon as "
    "there are "
    "some objects.",
    "free -m  # end something else, or give the container or machine 512 MB",
)
LOW: Final = Kind(
    "memory-low",
    "note",
    "Little memory",
    "A control plane takes 200 MB and more, and grows with what is in it.",
    "free -m  # 512 MB are enough for most",
)
SHELL: Final = Kind(
    "memory-shell-limit",
    "problem",
    "The shell limits memory",
    "The server's runtime reserves more addresses than it ever uses. Under this limit it ends with `out of "
    "memory`.",
    "ulimit -v unlimited; ulimit -d unlimited",
)
CORES: Final = Kind(
    "cores-few",
    "note",
    "Less than a core",
    "A start takes a second or two of one core; with a part of a core, several times that.",
    "sandkube up --wait 180",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Tell what there is, and what limits it."""
    amounts = [(amount, what) for amount, what in _amounts(surroundings) if amount is not None]
    least, what = min(amounts, default=(None, ""))
    cores = _cores(surroundings)
    limited = list(_shell())
    yield from limited
    if least is not None and least < COMFORTABLE:
        # What a cluster that runs has taken, it need not be given again.
        running = any(known.running for known in surroundings.clusters())
        kind = TOO_LITTLE if least < NEEDED and not running else LOW
        yield kind.found(f"{least // MB} MB of memory are to be had: {what}.")
    if cores < 1:
        yield CORES.found(f"The cgroup gives {cores:.2f} of a core.")
    elif not limited and (least is None or least >= COMFORTABLE):
        yield ok(f"{f'{least / 10**9:.1f} GB, ' if least else ''}{cores:.3g} cores")


def _amounts(surroundings: Surroundings) -> Iterator[tuple[int | None, str]]:
    yield _available(surroundings.proc / "meminfo"), "so much is free on this machine"
    for folder in cgroups(surroundings, "memory"):
        for limit, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            allowed = number(folder / limit)
            if allowed is not None:
                left = allowed - (number(folder / used) or 0) + _reclaimable(folder / "memory.stat")
                yield min(left, allowed), f"the cgroup's limit is {allowed // MB} MB ({folder / limit})"


def _available(meminfo: Path) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        free = int(lines["MemAvailable"].split()[0]) + int(lines.get("SwapFree", "0").split()[0])
    except (OSError, KeyError, ValueError, IndexError):
        return None
    return free * 1024


def _reclaimable(stat: Path) -> int:
    """The page cache that the cgroup is charged for, which gives way."""
    try:
        rows = dict(line.split() for line in stat.read_text().splitlines())
    except (OSError, ValueError):
        return 0
    prefix = "total_" if "total_inactive_file" in rows else ""
    return int(rows.get(f"{prefix}inactive_file", 0)) + int(rows.get(f"{prefix}active_file", 0))


def _shell() -> Iterator[Finding]:
    for kind, needed, flag in ((resource.RLIMIT_AS, ADDRESSES, "-v"), (resource.RLIMIT_DATA, DATA, "-d")):
        limit = resource.getrlimit(kind)[0]
        if limit not in (resource.RLIM_INFINITY, -1) and limit < needed:
            yield SHELL.found(
                f"`ulimit {flag}` is {limit // MB} MB, and the server needs {needed // MB} MB of that."
            )


def _cores(surroundings: Surroundings) -> float:
    affinity = getattr(os, "sched_getaffinity", None)
    cores = float(len(affinity(0)) if affinity else (os.cpu_count() or 1))
    for folder in cgroups(surroundings, "cpu"):
        try:
            if (folder / "cpu.max").exists():
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota, period = (
                    (folder / name).read_text() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
                )
            if quota != "max" and int(quota) > 0:
                cores = min(cores, int(quota) / int(period))
        except (OSError, ValueError):
            continue
    return cores


def cgroups(surroundings: Surroundings, controller: str) -> Iterator[Path]:
    """The folders of this process's cgroups for ``controller``, its own first, then those above.

    cgroups(7): `0::/path` is version 2, `4:memory:/path` version 1. In a container the path may be one of
    the host's, which is not there; then the folder at the top is its own.
    """
    try:
        lines = (surroundings.proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number_, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number_ == "0" and not controllers:
            roots = [surroundings.cgroup, surroundings.cgroup / "unified"]
        elif controller in controllers.split(","):
            roots = [surroundings.cgroup / controllers, surroundings.cgroup / controller]
        else:
            continue
        for root in roots:
            own = root / path.strip("/")
            for folder in (own, *own.parents):
                if folder.is_dir() and folder.is_relative_to(root):
                    yield folder


def number(path: Path) -> int | None:
    """The number in a file of a cgroup; None where it is missing, `max`, or as good as that."""
    try:
        found = int(path.read_text())
    except (OSError, ValueError):
        return None
    return found if found < _UNLIMITED else None


CHECK: Final = Check("memory", "Memory and cores", (TOO_LITTLE, LOW, SHELL, CORES), look)
