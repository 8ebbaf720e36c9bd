"""How many files and processes the server may have."""

from __future__ import annotations

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
    if left is not None and left < PROCESSES:
        yield FEW_PROCESSES.found(f"The cgroup allows {max(left, 0)} more processes and threads.")
    elif unlimited or hard >= COMFORTABLE:
        yield ok("open files: no limit" if unlimited else f"{hard} open files")


def _processes(surroundings: Surroundings) -> int | None:
    left = [
        limit - (number(folder / "pids.current") or 0)
        for folder in cgroups(surroundings, "pids")
        if (limit := number(folder / "pids.max")) is not None
    ]
    return min(left, default=None)


CHECK: Final = Check("limits", "Open files and processes", (FEW_FILES, SOME_FILES, FEW_PROCESSES), look)
