"""What a build takes, said and checked before it begins. The figures are measured (two cores, Go 1.26.8)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError

__all__ = ["Machine", "Needs", "announce", "check", "estimate", "machine", "size"]

GB = 10**9
MB = 10**6

DOWNLOAD = 320 * MB  # the modules as they come
MODULES_DISK = 1_400 * MB  # the module cache after a cold build
CACHE_DISK = 4_200 * MB  # the build cache after a cold build
OUTPUT_DISK = 400 * MB  # the binary while it is linked, and the template
MEMORY = 2_000 * MB  # compilers side by side; the linker maps 2.7 GB more, which the system may take back
CPU_SECONDS = 12 * 60  # of all packages
LINK_SECONDS = 12  # linking, template, notices: not spread over the cores
UNCHECKED = "SANDKUBE_BUILD_UNCHECKED"


@dataclass(frozen=True)
class Needs:
    """What is still to be done: seconds without downloading, and bytes per folder."""

    seconds: float
    modules: int
    cache: int
    output: int = OUTPUT_DISK
    memory: int = MEMORY


@dataclass(frozen=True)
class Machine:
    """What there is: processors, available memory in bytes (None where it cannot be told)."""

    cores: int
    memory: int | None


def estimate(*, modules_present: bool, cores: int, stale: int, packages: int) -> Needs:
    """Give what is needed to compile ``stale`` of ``packages`` packages on ``cores`` processors."""
    share = stale / packages if packages else 1.0
    return Needs(
        seconds=CPU_SECONDS * share / max(cores, 1) + LINK_SECONDS,
        modules=0 if modules_present else MODULES_DISK,
        cache=round(CACHE_DISK * share),
    )


def announce(needs: Needs) -> str:
    """Say in a sentence what a build will take."""
    minutes = needs.seconds / 60
    time = f"{minutes:.0f} minutes" if minutes >= 1.5 else f"{max(needs.seconds, 1):.0f} seconds"  # noqa: PLR2004
    more = f", a download of {size(DOWNLOAD)}" if needs.modules else ""
    disk = size(needs.modules + needs.cache + needs.output)
    return f"This takes about {time}{more}, {disk} of disk and up to {size(needs.memory)} of memory."


def check(needs: Needs, here: Machine, folders: Mapping[str, Path], environ: Mapping[str, str]) -> None:
    """Raise BuildError where disk or memory will not do. ``folders`` has `modules`, `cache` and `output`.

    Folders on one file system are counted together. SANDKUBE_BUILD_UNCHECKED=1 skips the check.
    """
    if environ.get(UNCHECKED):
        return
    wanted: dict[int, tuple[int, Path]] = {}
    for name, folder in folders.items():
        existing = _existing(folder)
        device = existing.stat().st_dev
        before, _ = wanted.get(device, (0, existing))
        wanted[device] = (before + getattr(needs, name), existing)
    for amount, folder in wanted.values():
        free = shutil.disk_usage(folder).free
        if free < amount:
            raise BuildError(
                f"Building needs {size(amount)} of disk under {folder}, and {size(free)} are free",
                hint="make room, or point GOMODCACHE and GOCACHE at a larger disk",
            )
    if here.memory is not None and here.memory < needs.memory:
        raise BuildError(
            f"Building needs up to {size(needs.memory)} of memory, and {size(here.memory)} are available",
            hint=f"close something, or set {UNCHECKED}=1 to try all the same",
        )


def machine() -> Machine:
    """Look at the machine: the processors this process may use, and memory within its cgroup's limit."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    amounts = [
        amount for amount in (_available(Path("/proc/meminfo")), _cgroup(Path("/sys/fs/cgroup"))) if amount
    ]
    return Machine(cores, min(amounts) if amounts else None)


def size(amount: float) -> str:
    """Give bytes as `1.3 GB` or `160 MB`."""
    return f"{amount / GB:.1f} GB" if amount >= GB else f"{amount / MB:.0f} MB"


def _available(meminfo: Path) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        return (int(lines["MemAvailable"].split()[0]) + int(lines.get("SwapFree", "0").split()[0])) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _cgroup(root: Path) -> int | None:
    """Give what the cgroup (version 2) still allows; page cache counts as free."""
    try:
        limit = int((root / "memory.max").read_text())
        used = int((root / "memory.current").read_text())
        stat = dict(line.split() for line in (root / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no cgroup, no limit ("max"), or not readable
        return None
    return limit - used + int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))


def _existing(folder: Path) -> Path:
    """Give the nearest folder upwards that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
