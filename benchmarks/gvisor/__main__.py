"""How long a start takes in gVisor, and beside it natively; N rounds, interleaved.

`python benchmarks/gvisor --rounds 10` prints tables on stdout; `--json FILE` keeps every figure. They are
those of benchmarks/start for a new cluster from the template: ``ready`` is from exec of the server to Ready,
by the server's own clock; ``up`` and ``down`` are the commands. Each start in gVisor is the first in a
sandbox of its own (systrap), once with the state on the host's files and once on gVisor's own.

The targets hold for the median of ten rounds on a machine with two cores that does nothing else; `--check`
makes the exit status 1 where one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# The tests' launcher comes first: this folder has the name of theirs.
sys.path[0:1] = [str(HERE.parents[1] / "tests"), str(HERE.parent / "start"), str(HERE.parent)]

import starting  # noqa: E402 -- beside benchmarks/start
from measuring import plot, report, targets  # noqa: E402
from measuring.report import Benchmark, CannotMeasureError, Document, Kept  # noqa: E402
from measuring.rounds import interleaved  # noqa: E402
from measuring.spread import Spread, ratio  # noqa: E402
from measuring.table import table as _table  # noqa: E402
from measuring.targets import Target  # noqa: E402

from gvisor.sandbox import CannotRunError, find_runsc, running  # noqa: E402 -- the tests' launcher

NATIVE = "native"
KINDS = (NATIVE, "gvisor, host's files", "gvisor, tmpfs")
FIGURES = ("ready", "up", "down")
TARGET_SECONDS = 1.8
TARGET_RATIO = 2.5


def main() -> int:
    """Run the rounds; give the exit status."""
    return report.run(BENCHMARK, BENCHMARK.parser(rounds=10).parse_args())


def measure(chosen: argparse.Namespace, kept: Kept) -> None:
    """All rounds, and what they were measured on."""
    try:
        runsc = find_runsc()
        version = subprocess.run([runsc, "--version"], capture_output=True, text=True, check=True).stdout
        with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
            bench = starting.Bench.make(Path(folder))
            kept.note(server=bench.server_version(), runsc=version.partition("\n")[0])
            for one in interleaved(KINDS, chosen.rounds, lambda kind: _once(runsc, bench, kind)):
                kept.add(rounds=one)
    except CannotRunError as error:
        raise CannotMeasureError(str(error)) from error


def _once(runsc: Path, bench: starting.Bench, kind: str) -> dict[str, Any]:
    """One start of that kind."""
    if kind == NATIVE:
        line = _command(bench.state, bench)
        said = subprocess.run(line, env=_environ(), stdout=subprocess.PIPE, text=True, check=True).stdout
    else:
        with running(runsc, environ=_environ()) as sandbox:
            state = (sandbox.tmpfs if kind.endswith("tmpfs") else sandbox.files) / "state"
            said = sandbox(*_command(state, bench), seconds=180).stdout
    found: dict[str, Any] = json.loads(said)
    return found


def _command(state: Path, bench: starting.Bench) -> list[str]:
    return [sys.executable, str(HERE / "once.py"), str(state), str(bench.warm)]


def _environ() -> dict[str, str]:
    """The same for all kinds, with nothing of the person's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8"}


def table(document: Document) -> str:
    """The report for a reader: medians between the extremes, ratios to native, and the targets."""
    rounds = document["rounds"]
    rows = [
        (
            kind,
            *(str(Spread.of(_values(rounds, kind, figure))) for figure in FIGURES),
            str(ratio(_values(rounds, kind, "ready"), _values(rounds, NATIVE, "ready"))),
        )
        for kind in KINDS
    ]
    words = f"{document['server']}; {document['runsc']}; {len(rounds)} rounds, interleaved"
    head = ("s: median (least to most)", *FIGURES, "ready / native")
    return "\n\n".join([words, _table(head, rows), targets.verdicts(judged(document))])


def judged(document: Document) -> Sequence[Target]:
    """Ready in so many seconds, and in no more than so many times what it takes natively."""
    rounds = document["rounds"]
    found = []
    for kind in KINDS[1:]:
        ready = _values(rounds, kind, "ready")
        found.append(Target(f"{kind}: ready", Spread.of(ready).median, most=TARGET_SECONDS, unit="s"))
        times = ratio(ready, _values(rounds, NATIVE, "ready"))
        found.append(targets.at_most(f"{kind}: ready / native", times, TARGET_RATIO))
    return found


def drawn(document: Document) -> str:
    """Medians as bars."""
    rounds = document["rounds"]
    groups = {
        figure: {kind: Spread.of(_values(rounds, kind, figure)).median for kind in KINDS}
        for figure in FIGURES
    }
    return plot.draw(plot.Bars(f"From the template, medians of {len(rounds)} rounds", "s", groups))


def _values(rounds: list[dict[str, Any]], kind: str, figure: str) -> list[float]:
    return [one[kind][figure] for one in rounds]


BENCHMARK = Benchmark("gvisor", __doc__, measure, table, drawn, judged)

if __name__ == "__main__":
    sys.exit(main())
