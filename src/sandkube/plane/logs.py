"""The server's log: its last lines, the lines since a moment, and the lines to come.

The server turns the log by size: ``server.log`` becomes ``server-TIME.log``, and a new file takes its place.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from typing import BinaryIO

from sandkube.errors import UsageError
from sandkube.plane.files import usable

_POLL_SECONDS = 0.1
# How the Go runtime begins to say why it ends the process.
_PANICS = ("panic:", "fatal error:", "runtime:", "SIG")
# Through how many lines of the end a cause is looked for.
_LOOKED_THROUGH = 2000
# What is remarked all the time and means nothing: by the API server at each start; and by k3s, every few
# seconds, which tries to reach itself by the address that it advertises.
_REMARKS = ("The manifest file is empty, ignoring", "Remotedialer proxy error; reconnecting")
_BLOCK = 64 * 1024
# Of a line that is shown with an error, in characters.
_LONGEST = 500

# klog's header (k8s.io/klog/v2, formatHeader): severity, month and day, time of day; local time, and no year.
_HEADER = re.compile(r"[IWEF](\d{2})(\d{2}) (\d{2}):(\d{2}):(\d{2})\.(\d{6}) ")
# logrus' line without a terminal (github.com/sirupsen/logrus, TextFormatter): k3s' own.
_LOGRUS = re.compile(r'time="([^"]+)" level=(\w+) ')
_COMPLAINTS = ("warning", "error", "fatal", "panic")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def tail(path: Path, count: int, behind: int = 0, end: int | None = None) -> list[str]:
    """The last ``count`` lines of one file, without their ends; [] where there is no file.

    Only what stands ``behind`` that many bytes; all of it, if the file is shorter (it was turned since). And
    only what stands before ``end``, if it is given.
    """
    if count <= 0:
        return []
    data = b""
    try:
        with usable(path), path.open("rb") as file:
            position = file.seek(0, os.SEEK_END)
            position = position if end is None else min(position, end)
            start = behind if behind <= position else 0
            while position > start and data.count(b"\n") <= count:
                step = min(_BLOCK, position - start)
                position -= step
                file.seek(position)
                data = file.read(step) + data
    except FileNotFoundError:
        return []
    return data.decode(errors="replace").splitlines()[-count:]


def outcry(path: Path, count: int) -> list[str]:
    """The ``count`` lines of what went to fd 2 that matter most: from a Go panic on, or else the last ones.

    A panic says first what it is, then where every goroutine was. Remarks of libraries (JSON) are left out.
    """
    said = [line for line in _lines_of(path) if not line.startswith('{"level":')]
    panics = (index for index, line in enumerate(said) if line.startswith(_PANICS))
    begin = next(panics, max(0, len(said) - count))
    return said[begin : begin + count]


def gravest(path: Path, count: int, behind: int = 0) -> list[str]:
    """``count`` lines from behind ``behind``, oldest first: the newest half of them, and then complaints.

    Complaints are warnings and errors, the newest first; other lines only fill up.
    """
    said = [
        line for line in tail(path, _LOOKED_THROUGH, behind) if not any(remark in line for remark in _REMARKS)
    ]
    newest = list(range(len(said)))[::-1]
    complaints = [at for at in newest if _is_complaint(said[at])]
    chosen = dict.fromkeys([*newest[: count // 2], *complaints, *newest])
    return [_cut(said[at]) for at in sorted(list(chosen)[:count])]


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"


def _is_complaint(line: str) -> bool:
    if logrus := _LOGRUS.match(line):
        return logrus[2] in _COMPLAINTS
    return line[0:1] in ("W", "E", "F") and _HEADER.match(line) is not None


def files(path: Path) -> list[Path]:
    """The log with the older parts of it, oldest first."""
    older = sorted(path.parent.glob(f"{path.stem}-*{path.suffix}"))
    return [*older, *([path] if path.exists() else [])]


def last_lines(path: Path, count: int, until: Mark | None = None) -> list[str]:
    """The last ``count`` lines of the log, over all its parts, or those that stand before ``until``."""
    found: deque[str] = deque()
    for part, end in reversed(_parts(path, until)):
        missing = count - len(found)
        if missing <= 0:
            break
        found.extendleft(reversed(tail(part, missing, end=end)))
    return list(found)


def lines(path: Path, until: Mark | None = None) -> Iterator[str]:
    """Every line of the log, over all its parts, or those that stand before ``until``."""
    for part, end in _parts(path, until):
        # Meanwhile the last file may have been turned, and another one have its name.
        now = part if end is None else _parts(path, until)[-1][0]
        yield from _lines_of(now, end)


def _parts(path: Path, until: Mark | None) -> list[tuple[Path, int | None]]:
    """The files of the log, oldest first, each with the place at which to stop; None is its end."""
    found: list[tuple[Path, int | None]] = []
    for part in files(path):
        if until is not None:
            if until.file is None and part == path:
                break
            with contextlib.suppress(FileNotFoundError):
                seen = part.stat()
                if (seen.st_dev, seen.st_ino) == until.file:
                    return [*found, (part, until.offset)]
        found.append((part, None))
    return found


def _lines_of(path: Path, end: int | None = None) -> Iterator[str]:
    try:
        with usable(path), path.open("rb") as file:
            position = 0
            for line in file:
                position += len(line)
                if end is not None and position > end:
                    return
                yield line.decode(errors="replace").rstrip("\r\n")
    except FileNotFoundError:  # it was turned while we read
        return


def since(found: Iterable[str], moment: dt.datetime, now: dt.datetime) -> Iterator[str]:
    """The lines from ``moment`` on; one without a time belongs to the one before. Needs time zones."""

    def earlier(line: str) -> bool:
        written = time_of(line, now)
        return written is None or written < moment

    return dropwhile(earlier, found)


def time_of(line: str, now: dt.datetime) -> dt.datetime | None:
    """When a line was written; None where it does not say. The year is the one that fits ``now``."""
    if logrus := _LOGRUS.match(line):
        with contextlib.suppress(ValueError):
            return dt.datetime.fromisoformat(logrus[1].replace("Z", "+00:00"))
    match = _HEADER.match(line)
    if match is None:
        return None
    month, day, hour, minute, second, microsecond = map(int, match.groups())
    for year in (now.year + 1, now.year, now.year - 1):
        try:
            written = dt.datetime(year, month, day, hour, minute, second, microsecond).astimezone()
        except ValueError:  # 29 February
            continue
        if written <= now + dt.timedelta(days=1):
            return written
    return None


def parse_since(text: str, now: dt.datetime) -> dt.datetime:
    """The moment ``--since`` names: a duration before ``now`` (``5m``, ``1h30m``) or an RFC 3339 time."""
    match = _DURATION.fullmatch(text)
    try:
        if match and text:
            days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
            return now - dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        # The first and the last year there are cannot be brought into every time zone.
        return dt.datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text)).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"`{text}` is neither a duration nor a time that can be reckoned with.",
            hint="for example 5m, 1h30m or 2026-11-24T09:45:00Z",
        ) from None


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the log: a file by device and number, None where there was none yet, and an offset in it."""

    file: tuple[int, int] | None
    offset: int


class Follower:
    """The lines that are written from the moment it is made, over the turning of the log.

    A line that was half written then is one of them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._current = _Open(path, at_end=True)

    @property
    def mark(self) -> Mark:
        """Where it stands: the lines so far are those before it."""
        return self._current.mark()

    def lines(self, ended: Callable[[], bool], *, poll: float = _POLL_SECONDS) -> Iterator[str]:
        """Each line as it comes, until ``ended``, asked every ``poll`` seconds, says that no more will."""
        while True:
            last_round = ended()
            yield from self._current.new()
            if self._current.was_turned():
                yield from self._current.new()  # what was written between the two questions
                self._current.close()
                self._current = _Open(self._path, at_end=False)
            elif last_round:
                yield from self._current.rest()
                self._current.close()
                return
            else:
                time.sleep(poll)


class _Open:
    """An open log file, which may be renamed while it is read."""

    def __init__(self, path: Path, *, at_end: bool) -> None:
        self._path = path
        self._rest = b""
        self._file: BinaryIO | None = None
        with contextlib.suppress(FileNotFoundError):
            self._file = path.open("rb")
        if self._file is not None and at_end:
            _seek_last_line(self._file)

    def mark(self) -> Mark:
        if self._file is None:
            return Mark(None, 0)
        mine = os.fstat(self._file.fileno())
        return Mark((mine.st_dev, mine.st_ino), self._file.tell())

    def new(self) -> Iterator[str]:
        if self._file is None:
            return
        data = self._rest + self._file.read()
        whole, newline, self._rest = data.rpartition(b"\n")
        if newline:
            yield from whole.decode(errors="replace").split("\n")

    def rest(self) -> Iterator[str]:
        """A last line that nobody ended."""
        if self._rest:
            yield self._rest.decode(errors="replace")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def was_turned(self) -> bool:
        """Whether another file has the name now; then this one is to be read to its end and left."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        if self._file is None:
            return True
        mine = os.fstat(self._file.fileno())
        return (mine.st_dev, mine.st_ino) != (found.st_dev, found.st_ino)


def _seek_last_line(file: BinaryIO) -> None:
    """Go to the end, or to the beginning of a last line that is not ended."""
    end = file.seek(0, os.SEEK_END)
    position = end
    while position > 0:
        step = min(_BLOCK, position)
        position = file.seek(position - step)
        found = file.read(step).rfind(b"\n")
        if found >= 0:
            position += found + 1
            break
    file.seek(position)
