"""How every benchmark begins and ends: its options, its JSON, its table and its plots."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from measuring import machine
from sandkube.errors import SandkubeError

VERSION = 1

Document = dict[str, Any]


class CannotMeasureError(Exception):
    """What was to be measured did not do what it has to; the message says what it said."""


def say(line: str) -> None:
    """Tell what is being done; figures alone go to standard output."""
    print(line, file=sys.stderr, flush=True)


def options(
    name: str, doc: str | None, *, rounds: int | None = None, durability: bool = False
) -> argparse.ArgumentParser:
    """The options that benchmarks have in common."""
    parser = argparse.ArgumentParser(prog=f"benchmarks/{name}", description=(doc or "").partition("\n")[0])
    if rounds is not None:
        parser.add_argument("--rounds", type=_positive, default=rounds, help="how often each is measured")
    if durability:
        choices = ("fast", "normal", "full")
        parser.add_argument("--durability", choices=choices, default="fast", help="of all sides")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="write plots (SVG) there")
    return parser


def run(
    chosen: argparse.Namespace,
    measure: Callable[[argparse.Namespace], Document],
    table: Callable[[Document], str],
    plots: Callable[[Document], Mapping[str, str]] = lambda _document: {},
) -> int:
    """Measure, write what was asked for, print the table; give the exit status (2: could not measure)."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _interrupt)
    load, stolen = os.getloadavg()[0], machine.stolen_seconds()
    begun = time.time()
    try:
        document = {
            "version": VERSION,
            "machine": machine.describe(),
            "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun)),
            "load_before": load,
            **measure(chosen),
        }
    except (CannotMeasureError, SandkubeError) as error:
        hint = getattr(error, "hint", None)
        say(f"{error}\nhint: {hint}" if hint else str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    document["took_seconds"] = round(time.time() - begun, 1)
    document["stolen_seconds"] = round(machine.stolen_seconds() - stolen, 2)
    if chosen.json:
        chosen.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if chosen.plot:
        chosen.plot.mkdir(parents=True, exist_ok=True)
        for name, svg in plots(document).items():
            (chosen.plot / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(f"{head(document)}\n\n{table(document)}")
    return 0


def head(document: Document) -> str:
    """The machine, and how busy it was with other things."""
    return (
        f"{document['machine']}\n{document['begun']}, {document['took_seconds']:.0f} s; "
        f"load {document['load_before']:.1f} before; "
        f"{document['stolen_seconds']:.1f} CPU-seconds taken by the host"
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as by Ctrl-C, so that no server is left behind."""
    raise KeyboardInterrupt


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value
