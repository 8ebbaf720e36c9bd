"""The wall clock of one process, moved while it runs: nobody else on the machine notices.

A Go program asks the kernel's vDSO for the time, which no preloaded library and no filter of system calls
sees. The vDSO is code in the process's own memory, though, and whoever may debug the process may write
there: here its `clock_gettime` is led to a few instructions that make the system call instead, and add
seconds to the real-time clock. The monotonic clock, by which timers go, runs on, as it does when a person
or NTP sets the clock.
"""

from __future__ import annotations

import errno
import os
import platform
import signal
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from command_line import until

# rdi is the clock, rsi where the time goes; what follows at _SECONDS is added to the seconds of clock 0.
_CODE = bytes.fromhex("b8e4000000 0f05 85c0 750e 85ff 750a 488b0d0a000000 48010e c3")
_SECONDS = 32
_ROOM = 64
_DYNAMIC_SYMBOLS = 11  # SHT_DYNSYM


@dataclass(frozen=True, slots=True)
class Clock:
    """The real-time clock of a process, which is set by an offset in seconds."""

    memory: Path
    offset: int  # where the seconds lie in its memory

    def set(self, seconds: int) -> None:
        """Have it go ahead of the machine's clock by so much, or behind it."""
        with self.memory.open("r+b", buffering=0) as memory:
            memory.seek(self.offset)
            memory.write(struct.pack("<q", seconds))


def clock_of(pid: int) -> Clock:
    """Take the clock of a process into our hands; skips the test where that cannot be."""
    if platform.machine() != "x86_64":
        pytest.skip("needs x86-64, to move a clock")
    memory = Path(f"/proc/{pid}/mem")
    try:
        begin, end = _vdso(pid)
        with memory.open("r+b", buffering=0) as opened:
            _lead(opened, pid, begin, end)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES, errno.EIO):
            raise
        pytest.skip(f"needs the right to debug the server, to move its clock: {error}")
    return Clock(memory, end - _ROOM + _SECONDS)


def _vdso(pid: int) -> tuple[int, int]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith("[vdso]"):
            begin, end = line.split()[0].split("-")
            return int(begin, 16), int(end, 16)
    return pytest.skip("needs a vDSO, to move a clock")


def _lead(memory: BinaryIO, pid: int, begin: int, end: int) -> None:
    """Put the code at the end of the last page, where nothing is, and a jump to it into `clock_gettime`."""
    memory.seek(begin)
    image = memory.read(end - begin)
    if any(image[-_ROOM:]):
        pytest.skip("needs a vDSO with nothing at its end, to move a clock")
    entry = begin + _symbol(image, b"__vdso_clock_gettime")
    memory.seek(end - _ROOM)
    memory.write(_CODE)
    jump = b"\xe9" + struct.pack("<i", end - _ROOM - (entry + 5))

    def led() -> bool:
        os.kill(pid, signal.SIGSTOP)
        try:
            until(lambda: all(state == "T" for state in _states(pid)))
            if any(begin <= place < end for place in _places(pid)):
                return (
                    False  # a thread is in there: it would find itself in the middle of another instruction
                )
            memory.seek(entry)
            memory.write(jump)
            return True
        finally:
            os.kill(pid, signal.SIGCONT)

    until(led)


def _symbol(image: bytes, name: bytes) -> int:
    """Where a dynamic symbol of an ELF file is (System V ABI, chapters 4 and 5; all in 64 bits)."""
    (sections,) = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", image, sections + number * size) for number in range(count)]
    for _, kind, _, _, offset, length, link, _, _, entry in headers:
        if kind != _DYNAMIC_SYMBOLS:
            continue
        names = headers[link][4]
        for at in range(offset, offset + length, entry):
            start, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, at)
            if image.startswith(name + b"\0", names + start):
                return int(value)
    return pytest.skip(f"needs {name.decode()} in the vDSO")


def _states(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [(task / "stat").read_text().rpartition(") ")[2][0] for task in tasks]


def _places(pid: int) -> list[int]:
    """The instruction at which each thread is."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int((task / "syscall").read_text().split()[-1], 16) for task in tasks]
