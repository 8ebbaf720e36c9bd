"""A container's log, as the kubelet reads it (`k8s.io/cri-api`, ContainerConfig.log_path).

Each line is ``TIME STREAM TAG TEXT``: the time in RFC 3339 with nanoseconds, ``stdout`` or ``stderr``, ``F``
for a line that is whole and ``P`` for one that goes on in the next.
"""

from __future__ import annotations

import os
import time
from typing import Final

LONGEST: Final = 16 * 1024  # bytes of a line; containerd's and Docker's, which readers are made for


class CriLog:
    """Appends to ``name`` in the open folder ``folder``. What a full disk refuses is lost."""

    def __init__(self, folder: int, name: str) -> None:
        self._folder, self._name = folder, name
        self._rest: dict[str, bytes] = {}
        self._second = (0, "")
        self._file = self._open()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._name, flags, 0o640, dir_fd=self._folder)

    def reopen(self) -> None:
        """Go on in a file of this name that may be a new one: the kubelet has renamed the one before."""
        before, self._file = self._file, self._open()
        os.close(before)

    def write(self, stream: str, data: bytes) -> None:
        """Append what came from a stream; the beginning of a line waits for its end."""
        *lines, rest = (self._rest.get(stream, b"") + data).split(b"\n")
        before = self._before(stream)
        out = bytearray()
        for line in lines:
            while len(line) > LONGEST:
                out += b"%sP %s\n" % (before, line[:LONGEST])
                line = line[LONGEST:]  # noqa: PLW2901 -- cut into pieces
            out += b"%sF %s\n" % (before, line)
        while len(rest) >= LONGEST:
            out += b"%sP %s\n" % (before, rest[:LONGEST])
            rest = rest[LONGEST:]
        self._rest[stream] = rest
        self._append(out)

    def end(self, stream: str) -> None:
        """The stream has ended: a line without an end is one."""
        rest = self._rest.pop(stream, b"")
        if rest:
            self._append(b"%sF %s\n" % (self._before(stream), rest))

    def _before(self, stream: str) -> bytes:
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if self._second[0] != seconds:
            self._second = (seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)))
        return f"{self._second[1]}.{nanoseconds:09}Z {stream} ".encode()

    def _append(self, data: bytes | bytearray) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            return
