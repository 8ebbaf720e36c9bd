"""What processes hold and use: memory, processor, descriptors; summed over all of one control plane."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB (2**20 bytes).

    ``pss`` counts a page that n processes share as an n-th for each; ``anonymous`` is what no file backs.
    Where the kernel does not tell them (gVisor), both are None, and ``rss`` is all there is.
    """

    rss: float
    pss: float | None
    anonymous: float | None

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.rss + other.rss, _sum(self.pss, other.pss), _sum(self.anonymous, other.anonymous))


def memory(pids: Iterable[int]) -> Memory:
    """The memory of all these processes together."""
    first, *others = (_memory(pid) for pid in pids)
    return sum(others, first)


def parse_rollup(text: str) -> Memory:
    """Read what smaps_rollup says (kB)."""
    found = {line.partition(":")[0]: line.split() for line in text.splitlines()[1:]}
    megabytes = {key: int(words[1]) / 1024 for key, words in found.items()}
    return Memory(megabytes["Rss"], megabytes["Pss"], megabytes["Anonymous"])


def cpu_seconds(pids: Iterable[int]) -> float:
    """The CPU-seconds that these processes have used, in user mode and in the kernel."""
    return sum(_cpu(pid) for pid in pids)


def descriptors(pids: Iterable[int]) -> int:
    """How many files and sockets these processes have open."""
    return sum(len(list((_PROC / str(pid) / "fd").iterdir())) for pid in pids)


def _memory(pid: int) -> Memory:
    folder = _PROC / str(pid)
    try:
        return parse_rollup((folder / "smaps_rollup").read_text())
    except FileNotFoundError:
        status = (folder / "status").read_text().splitlines()
        (resident,) = (line.split()[1] for line in status if line.startswith("VmRSS:"))
        return Memory(int(resident) / 1024, None, None)


def _cpu(pid: int) -> float:
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
