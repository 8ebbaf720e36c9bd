"""The processes below another, as /proc shows them."""

from __future__ import annotations

import contextlib
import os


def descendants(*pids: int) -> list[int]:
    """All processes that ``pids`` or one of these started, and that live or were not waited for."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parents.setdefault(int(stat(name)[1]), []).append(int(name))
    found, left = [], list(pids)
    while left:
        below = parents.get(left.pop(), [])
        found += below
        left += below
    return found


def stat(pid: int | str) -> list[bytes]:
    """The fields of proc_pid_stat(5) from the third on. OSError where there is no such process."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()
