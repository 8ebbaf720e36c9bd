"""How every benchmark begins and ends: its options, its JSON, its table and its plot.

What was measured is written after every round, so that a run that is ended half way leaves a file that can
be read: `--from FILE` shows it. Its ``complete`` says whether the run came to its end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from measuring import machine
from measuring.targets import Target, are_met
from sandkube.errors import SandkubeError

VERSION = 2
FINE, MISSED, FAILED, INTERRUPTED = 0, 1, 2, 130
FIGURES = 5  # digits of a figure that are kept in the file

Document = dict[str, Any]


class CannotMeasureError(Exception):
    """What was to be measured did not do what it has to; the message says what it said."""


@dataclass(slots=True)
class Kept:
    """What was measured up to now; in the file ``path`` too, where there is one."""

    document: Document
    path: Path | None = None
    _written: bool = field(default=False, init=False)

    def note(self, **words: Any) -> None:
        """Say something of the whole run."""
        self.document.update(words)

    def add(self, **measured: Any) -> None:
        """Append what one round measured, by the name of the list it belongs to, and write the file."""
        for name, one in measured.items():
            self.document.setdefault(name, []).append(one)
        self.save()

    def save(self) -> None:
        """Write the file as a whole: whoever reads it meanwhile finds the one before or this one."""
        self._written = True
        if self.path is None:
            return
        stage = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        stage.write_text(text(self.document), encoding="utf-8")
        stage.replace(self.path)

    @property
    def is_begun(self) -> bool:
        """Whether there is anything to show."""
        return self._written


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What is one benchmark's own: how it measures, and how it shows what it measured."""

    name: str
    doc: str | None
    measure: Callable[[argparse.Namespace, Kept], None]
    table: Callable[[Document], str]
    plot: Callable[[Document], str]
    targets: Callable[[Document], Sequence[Target]] = lambda _document: ()
    is_strict: bool = False  # whether a target that is missed is a failure without `--check` too

    def parser(self, *, rounds: int | None = None, durability: str | None = None) -> argparse.ArgumentParser:
        """The options that benchmarks have in common; with a default for those of this one."""
        line = (self.doc or "").partition("\n")[0]
        parser = argparse.ArgumentParser(prog=f"benchmarks/{self.name}", description=line)
        if rounds is not None:
            parser.add_argument("--rounds", type=_positive, default=rounds, help="how often each is measured")
        if durability is not None:
            choices = ("fast", "normal", "full")
            parser.add_argument("--durability", choices=choices, default=durability, help="of all sides")
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="every figure, written after every round"
        )
        parser.add_argument(
            "--plot", type=Path, metavar="FILE", help="SVG; default: beside the JSON, as .svg"
        )
        parser.add_argument(
            "--from", type=Path, metavar="FILE", dest="read", help="measure nothing: show this JSON"
        )
        if not self.is_strict:
            parser.add_argument("--check", action="store_true", help="exit with 1 where a target is not met")
        return parser


def say(line: str) -> None:
    """Tell what is being done; figures alone go to standard output."""
    print(line, file=sys.stderr, flush=True)


def run(benchmark: Benchmark, chosen: argparse.Namespace) -> int:
    """Measure, or read what was; print the table, draw the plot; give the exit status.

    0: measured. 1: a target was missed (with `--check`, or always where the benchmark is strict). 2: could
    not measure. 130: interrupted. What was measured up to then is shown in any case.
    """
    if chosen.read:
        try:
            return _show(benchmark, chosen, load(chosen.read, benchmark.name))
        except CannotMeasureError as error:
            say(str(error))
            return FAILED
    kept = Kept(begin(benchmark.name), chosen.json)
    with _terminable():
        status = _measure(benchmark, chosen, kept)
    if not kept.is_begun:
        return status
    kept.save()
    shown = _show(benchmark, chosen, kept.document)
    return status or shown


def load(path: Path, name: str | None = None) -> Document:
    """The document that an earlier run of the benchmark ``name``, or of any, wrote.

    CannotMeasureError where it is none.
    """
    try:
        document: Document = json.loads(path.read_text(encoding="utf-8"))
        version, of = document["version"], document["benchmark"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotMeasureError(f"{path} is no benchmark's JSON: {error!r}") from error
    if version != VERSION or name not in (None, of):
        expected = f"benchmarks/{name or of}, version {VERSION}"
        raise CannotMeasureError(f"{path} is of benchmarks/{of}, version {version}; expected: {expected}.")
    return document


def text(document: Document) -> str:
    """JSON with a line for each round or sample: short, and a diff shows what differs."""
    lines = []
    for key, value in document.items():
        plain = _rounded(value)
        if isinstance(plain, list) and plain and isinstance(plain[0], dict | list):
            shown = "[\n" + ",\n".join("  " + json.dumps(one) for one in plain) + "\n ]"
        else:
            shown = json.dumps(plain, indent=1).replace("\n", "\n ")
        lines.append(f" {json.dumps(key)}: {shown}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def head(document: Document) -> str:
    """The machine, and how busy it was with other things."""
    ended = (
        "" if document["complete"] else "\nended before its time: what follows is a part of what was asked"
    )
    return (
        f"{document['machine']}\n{document['begun']}, {document.get('took_seconds', 0):.0f} s; "
        f"load {document['load_before']:.1f} before; "
        f"{document.get('stolen_seconds', 0):.1f} CPU-seconds taken by the host{ended}"
    )


def begin(name: str) -> Document:
    """What can be said before anything is measured: machine, load, command."""
    return {
        "version": VERSION,
        "benchmark": name,
        "complete": False,
        "command": " ".join(["python", f"benchmarks/{name}", *_without_files(sys.argv[1:])]),
        "machine": machine.describe(),
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load_before": os.getloadavg()[0],
    }


def _without_files(words: Sequence[str]) -> list[str]:
    """The options without those that say where to write: they change nothing that is measured."""
    found, kept = list(words), []
    while found:
        word = found.pop(0)
        if word in {"--json", "--plot"}:
            del found[:1]
        elif not word.startswith(("--json=", "--plot=")):
            kept.append(word)
    return kept


def _measure(benchmark: Benchmark, chosen: argparse.Namespace, kept: Kept) -> int:
    begun, stolen = time.monotonic(), machine.stolen_seconds()
    status = FINE
    try:
        benchmark.measure(chosen, kept)
        kept.note(complete=True)
    except (CannotMeasureError, SandkubeError) as error:
        hint = getattr(error, "hint", None)
        say(f"{error}\nhint: {hint}" if hint else str(error))
        kept.note(failure=str(error))
        status = FAILED
    except KeyboardInterrupt:
        say("interrupted")
        status = INTERRUPTED
    kept.note(
        took_seconds=round(time.monotonic() - begun, 1),
        stolen_seconds=round(machine.stolen_seconds() - stolen, 2),
    )
    return status


def _show(benchmark: Benchmark, chosen: argparse.Namespace, document: Document) -> int:
    plot = chosen.plot or (chosen.json and chosen.json.with_suffix(".svg"))
    if plot:
        plot.parent.mkdir(parents=True, exist_ok=True)
        plot.write_text(benchmark.plot(document), encoding="utf-8")
    print(f"{head(document)}\n\n{benchmark.table(document)}")
    checked = benchmark.is_strict or chosen.check
    return FINE if not checked or are_met(benchmark.targets(document)) else MISSED


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{FIGURES}g}") if value == value else None  # noqa: PLR0124 -- nan is no JSON
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Within: TERM ends as Ctrl-C does, so that no server is left behind."""
    os.umask(0o077)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """What a signal does that ends as Ctrl-C does."""
    raise KeyboardInterrupt


def _positive(words: str) -> int:
    value = int(words)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value
