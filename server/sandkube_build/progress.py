"""How far a build is: a live line on a terminal, plain lines at intervals elsewhere."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["Counter", "Progress", "is_package", "is_terminal"]

INTERVAL = 15.0  # seconds between two plain lines
_PACKAGE = re.compile(r"[A-Za-z0-9][^\s:]*(?:\.[^\s:]*|/[^\s:]*|)$")


def is_package(line: str) -> bool:
    """Whether a line of `go build -v` names a package (and is not a message, an error or a `# heading`)."""
    return _PACKAGE.fullmatch(line) is not None


def is_terminal(stream: TextIO, term: str | None) -> bool:
    """Whether a line on the stream can be written over."""
    try:
        return stream.isatty() and term not in (None, "", "dumb")
    except ValueError:  # closed
        return False


class Progress:
    """Says how far a build is. ``live`` is the terminal, or None for plain lines through ``report``."""

    def __init__(
        self,
        report: Callable[[str], None],
        live: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._live = live
        self._clock = clock
        self._said_at = clock()
        self._shown = False

    def say(self, line: str) -> None:
        """A line that stays."""
        self.clear()
        self._report(line)
        self._said_at = self._clock()

    def show(self, line: str) -> None:
        """The state of things: written over on a terminal, at intervals elsewhere."""
        if self._live is not None:
            width = shutil.get_terminal_size().columns - 1
            self._live.write(f"\r\x1b[2K{line[:width]}")
            self._live.flush()
            self._shown = True
        elif self._clock() - self._said_at >= INTERVAL:
            self.say(line)

    def clear(self) -> None:
        """Take the live line away, so that others may write."""
        if self._shown and self._live is not None:
            self._live.write("\r\x1b[2K")
            self._live.flush()
            self._shown = False


class Counter:
    """Counts what `go build -v` and `go list` say on their standard error, and shows it.

    ``total`` is the number of packages to compile, None while modules are read and fetched.
    """

    def __init__(
        self, progress: Progress, total: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._progress = progress
        self._total = total
        self._clock = clock
        self._began = clock()
        self.compiled = 0
        self.downloaded = 0
        self._doing = ""

    def line(self, line: str) -> None:
        """Take in one line."""
        if line.startswith("go: downloading "):
            self.downloaded += 1
            self._doing = line.removeprefix("go: downloading ")
        elif is_package(line):
            self.compiled += 1
            self._doing = line
        self.tick()

    def tick(self) -> None:
        """Show the state."""
        self._progress.show(self.text())

    def text(self) -> str:
        """Give the state as a line, such as `compiled 12 of 2950 packages, 0:08 (k8s.io/api/core/v1)`."""
        seconds = int(self._clock() - self._began)
        elapsed = f"{seconds // 60}:{seconds % 60:02d}"
        if self._total is None:
            done = f"downloaded {self.downloaded} modules" if self.downloaded else "reading the modules"
            return f"{done}, {elapsed}" + (f" ({self._doing})" if self._doing else "")
        if not self._total:
            return f"linking, {elapsed}"
        if self.compiled >= self._total:
            return f"compiled {self._total} of {self._total} packages, {elapsed} (linking)"
        doing = f" ({self._doing})" if self._doing else ""
        return f"compiled {self.compiled} of {self._total} packages, {elapsed}{doing}"
