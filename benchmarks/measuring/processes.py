"""What processes hold and use: memory, processor, descriptors; summed over all of one control plane."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB (2**20 bytes).

    ``pss`` counts a page that n processes share as an n-th for each; ``anonymous`` is what no file backs.
    Where the kernel does not tell a figure it is None: gVisor has no ``pss``, since it takes every page for
    unshared.
    """

    rss: float
    pss: float | None
    anonymous: float

    def __add__(self, other: Memory) -> Memory:
        pss = None if self.pss is None or other.pss is None else self.pss + other.pss
        return Memory(self.rss + other.rss, pss, self.anonymous + other.anonymous)


def memory(pids: Iterable[int]) -> Memory:
    """The memory of all these processes together."""
    first, *others = (_memory(pid) for pid in pids)
    return sum(others, first)


def parse_maps(text: str) -> Memory:
    """Read what smaps_rollup says, or smaps of every mapping (kB)."""
    found: Counter[str] = Counter()
    for words in map(str.split, text.splitlines()):
        if words[0].endswith(":") and words[-1] == "kB":
            found[words[0]] += int(words[1])
    return Memory(found["Rss:"] / 1024, found["Pss:"] / 1024, found["Anonymous:"] / 1024)


def cpu_seconds(pids: Iterable[int]) -> float:
    """The CPU-seconds that these processes have used, in user mode and in the kernel."""
    return sum(_cpu(pid) for pid in pids)


def descriptors(pids: Iterable[int]) -> int:
    """How many files and sockets these processes have open."""
    return sum(len(list((_PROC / str(pid) / "fd").iterdir())) for pid in pids)


def _memory(pid: int) -> Memory:
    folder = _PROC / str(pid)
    try:
        return parse_maps((folder / "smaps_rollup").read_text())
    except FileNotFoundError:
        return replace(parse_maps((folder / "smaps").read_text()), pss=None)


def _cpu(pid: int) -> float:
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
