"""Messages between the processes of a node: lines of JSON over unix sockets, with open files beside them."""

from __future__ import annotations

import json
import os
import socket
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

_AT_ONCE: Final = 1 << 16
_MOST_FILES: Final = 8


class Wire:
    """One end of a connection. The files of a message come with its first byte."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.files: deque[int] = deque()
        self._read = bytearray()
        self._lines: deque[bytes] = deque()

    def fileno(self) -> int:
        """For selectors."""
        return self.socket.fileno()

    def send(self, message: object, files: Sequence[int] = ()) -> None:
        """Send a message, and open files; OSError where the other end is gone."""
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if files:
            sent = socket.send_fds(self.socket, [data], list(files))
            data = data[sent:]
        self.socket.sendall(data)

    def receive(self) -> dict[str, Any] | None:
        """The next message; None at the end. Waits for it, as long as the socket waits."""
        while not self._lines:
            if not self.read():
                return None
        return self._next()

    def arrived(self) -> list[dict[str, Any]] | None:
        """All messages that are there, of a socket that has something to read; None at the end."""
        going = self.read()
        found = []
        while self._lines:
            found.append(self._next())
        return found if going or found else None

    def read(self) -> bool:
        """Read once; whether the other end is still there."""
        try:
            data, files, _, _ = socket.recv_fds(self.socket, _AT_ONCE, _MOST_FILES)
        except ConnectionError:
            return False
        for file in files:
            os.set_inheritable(file, False)
        self.files.extend(files)
        if not data:
            return False
        *lines, rest = (self._read + data).split(b"\n")
        self._read = bytearray(rest)
        self._lines.extend(bytes(line) for line in lines)
        return True

    def take(self, count: int) -> list[int]:
        """The next ``count`` files that came; they are the caller's. ValueError where there are fewer."""
        if len(self.files) < count:
            raise ValueError(f"{count} open files belong to this message, and {len(self.files)} came")
        return [self.files.popleft() for _ in range(count)]

    def close(self) -> None:
        """Close the connection, and the files that nobody took."""
        while self.files:
            os.close(self.files.popleft())
        self.socket.close()

    def _next(self) -> dict[str, Any]:
        found = json.loads(self._lines.popleft())
        if not isinstance(found, dict):
            raise ValueError("a message has to be a JSON object")  # noqa: TRY004 -- what was sent is no good
        return found


def listen(folder: int, name: str, *, waiting: int = 16) -> socket.socket:
    """A socket at ``name`` in an open folder, for its owner alone; the path may be as long as it likes.

    ``waiting`` is how many connections may wait to be accepted.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{name}")
    finally:
        os.umask(before)
    listener.listen(waiting)
    return listener


def connect(path: str, seconds: float | None = None) -> Wire:
    """The other end of a socket; OSError where nobody listens there."""
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(seconds)
        try:
            connection.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        except BaseException:
            connection.close()
            raise
    finally:
        os.close(folder)
    return Wire(connection)
