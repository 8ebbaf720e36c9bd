"""How many files and processes the server may have."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from typing import Final

from sandkube.doctor.checks.memory import cgroups, number
from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings

FILES: Final = 256
COMFORTABLE: Final = 1024
PROCESSES: Final = 64

FEW_FILES: Final = Kind(
    "open-files-too-few",
    "problem",
    "Too few open files",
    "Each connection and each watch is an open file of the server. Below 256 it starts, and answers nothing.",
    "ulimit -n 65536  # in a shell where that is allowed",
)
SOME_FILES: Final = Kind(
    "open-files-few",
    "note",
    "Few open files",
    "Each connection and each watch is an open file of the server; with many clients they run out.",
    "ulimit -n 65536  # in a shell where that is allowed",
)
FEW_PROCESSES: Final = Kind(
    "processes-too-few",
    "problem",
    "Too few processes",
    "The server runs a thread for each core and each file that it waits for, some dozens in all.",
    "docker run --pids-limit -1 …  # or whatever sets the limit of this container",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Tell the limits; the server takes open files up to the hard one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    unlimited = hard == resource.RLIM_INFINITY
    if not unlimited and hard < COMFORTABLE:
        kind = FEW_FILES if hard < FILES else SOME_FILES
        yield kind.found(f"A process may have {hard} open files (`ulimit -Hn`).")
    left = _processes(surroundings)
    allowed = _of_user(surroundings)
    if left is not None and left < PROCESSES:
        yield FEW_PROCESSES.found(f"The cgroup allows {max(left, 0)} more processes and threads.")
    elif allowed is not None and allowed < PROCESSES:
        yield FEW_PROCESSES.found_with(
            f"This user may have {max(allowed, 0)} more processes and threads (`ulimit -u`).",
            "ulimit -u unlimited  # in a shell where that is allowed; or end other processes",
        )
    elif unlimited or hard >= COMFORTABLE:
        yield ok("open files: no limit" if unlimited else f"{hard} open files")


def _processes(surroundings: Surroundings) -> int | None:
    left = [
        limit - (number(folder / "pids.current") or 0)
        for folder in cgroups(surroundings, "pids")
        if (limit := number(folder / "pids.max")) is not None
    ]
    return min(left, default=None)


def _of_user(surroundings: Surroundings) -> int | None:
    """How many processes and threads RLIMIT_NPROC leaves this user; None where it does not count."""
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if os.getuid() == 0 or limit == resource.RLIM_INFINITY:
        return None
    used = 0
    for entry in surroundings.proc.glob("[0-9]*"):
        try:
            if entry.stat().st_uid == os.getuid():
                used += len(list((entry / "task").iterdir()))
        except OSError:
            continue
    return limit - used


CHECK: Final = Check("limits", "Open files and processes", (FEW_FILES, SOME_FILES, FEW_PROCESSES), look)
