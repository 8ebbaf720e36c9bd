"""A log that is turned by size, and named as the embedded server's, so that readers know one form."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from pathlib import Path


class TurnedLog:
    """Appends to ``path``; at ``limit`` bytes it becomes ``STEM-TIME.log``, of which ``backups`` are kept."""

    def __init__(self, path: Path, limit: int, backups: int) -> None:
        self._path = path
        self._limit = limit
        self._backups = backups
        self._open()

    def write(self, data: bytes) -> None:
        """Append ``data``, whole lines or not. What a full disk refuses is lost: serving goes on."""
        try:
            if self._size and self._size + len(data) > self._limit:
                self._turn()
            self._size += os.write(self._fd, data)
        except OSError:
            return

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._fd).st_size

    def _turn(self) -> None:
        now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H-%M-%S.%f")
        with contextlib.suppress(FileNotFoundError):  # somebody removed it
            self._path.rename(self._path.with_name(f"{self._path.stem}-{now}{self._path.suffix}"))
        before = self._fd
        self._open()
        os.close(before)
        older = sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"))
        for path in older[: -self._backups]:
            path.unlink(missing_ok=True)
