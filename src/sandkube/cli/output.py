"""What a person sees: lines on stderr, one of them rewritten while something is being done on a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

import click

from sandkube.errors import SandkubeError

if TYPE_CHECKING:
    from rich.status import Status
    from typing_extensions import Self

JSON_VERSION = 1


def talk(text: str) -> None:
    """A line for the person, on stderr. Where nobody reads any more, it is lost: what is told of goes on."""
    try:
        click.echo(text, err=True, color=colored(sys.stderr, os.environ))
    except OSError:
        let_go(sys.stderr)


def let_go(stream: TextIO) -> None:
    """Put /dev/null behind ``stream``: what is still in it would fail again when Python ends."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def colored(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to write colours: NO_COLOR (no-color.org) forbids it, FORCE_COLOR asks for it."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def print_error(error: SandkubeError) -> None:
    """The error, the end of the log it comes with, and what to do."""
    talk(f"{click.style('error:', fg='red', bold=True)} {error.message}")
    for line in error.tail.splitlines() if error.tail else ():
        talk(f"  | {line}")
    if error.hint:
        talk(f"{click.style('hint:', fg='cyan', bold=True)} {error.hint}")


def print_json(document: Mapping[str, object]) -> None:
    """A versioned document on stdout."""
    import json

    click.echo(json.dumps({"version": JSON_VERSION, **document}, indent=2, default=str))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows of one length on stdout, the first of them the headings, in columns as wide as they need to be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class Teller:
    """Tells what is being done (a :class:`sandkube.cluster.Report`); to be used as a context manager.

    On a terminal each step replaces the one before, and nothing is left of them at the end; elsewhere each is
    a line. ``quiet`` shows no steps, but still what is said.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._status: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def step(self, text: str) -> None:
        """Show what is being done now."""
        if self._quiet:
            return
        if not (sys.stderr.isatty() and os.environ.get("TERM") != "dumb"):
            talk(text)
            return
        with contextlib.suppress(OSError):  # the terminal may be gone
            if self._status is not None:
                self._status.update(f"{text} …")
                return
            from rich.console import Console

            self._status = Console(stderr=True, highlight=False).status(f"{text} …")
            self._status.start()

    def say(self, text: str) -> None:
        """Show a line that stays."""
        self._clear()
        talk(text)

    def _clear(self) -> None:
        if self._status is not None:
            with contextlib.suppress(OSError):
                self._status.stop()
            self._status = None
