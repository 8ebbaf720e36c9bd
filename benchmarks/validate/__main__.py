"""How long a validation takes, from the command that was typed to its end; N rounds, interleaved.

`python benchmarks/validate --rounds 10` prints tables. ``nothing`` is an empty file: the control plane starts
and is thrown away, and nothing is judged, so what another takes beyond it is what judging takes. ``dry run``
is `kubectl apply --dry-run=server` of the same files against a cluster that runs already, and in which
nothing of them is; it sees fewer faults. In gVisor each is the first command in a sandbox of its own.
Without runsc that is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[0:1] = [str(HERE.parents[1] / "tests"), str(HERE), str(HERE.parent)]

import objects  # noqa: E402 -- beside this file
from measuring import plot, report, targets  # noqa: E402
from measuring.report import Benchmark, CannotMeasureError, Document, Kept  # noqa: E402
from measuring.rounds import interleaved  # noqa: E402
from measuring.spread import Spread, ratio  # noqa: E402
from measuring.table import table as _table  # noqa: E402
from measuring.targets import Target  # noqa: E402

from gvisor.sandbox import CannotRunError, find_runsc, running  # noqa: E402 -- the tests' launcher
from sandkube import Cluster  # noqa: E402

NOTHING, ONE, MANY, DRY_RUN, GVISOR = (
    "nothing",
    "one file",
    "200 files",
    "dry run of 200 files",
    "one file, gVisor",
)
COUNT = 200
# What is asked: seconds.
ONE_SECONDS, GVISOR_SECONDS, MANY_SECONDS = 1.5, 3.0, 2.0


def main() -> int:
    """Run the rounds; give the exit status."""
    return report.run(BENCHMARK, BENCHMARK.parser(rounds=10).parse_args())


def measure(chosen: argparse.Namespace, kept: Kept) -> None:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as name, contextlib.ExitStack() as held:
        folder = Path(name)
        objects.write(folder / "many", COUNT)
        (folder / "nothing.yaml").touch()
        (folder / "one.yaml").write_text(objects.APP.format(number=0))
        os.environ["SANDKUBE_STATE_DIR"] = str(folder / "state")
        cluster = held.enter_context(Cluster(durability="fast"))
        kinds: dict[str, Callable[[], float]] = {
            NOTHING: lambda: _validated(folder / "nothing.yaml"),
            ONE: lambda: _validated(folder / "one.yaml"),
            MANY: lambda: _validated(folder / "many"),
            DRY_RUN: lambda: _dry_run(cluster, folder / "many"),
        }
        with contextlib.suppress(CannotRunError):
            runsc = find_runsc()
            kinds[GVISOR] = lambda: _in_gvisor(runsc, folder / "one.yaml")
        kept.note(kubernetes=cluster.kubectl("version").stdout.splitlines()[-1], files=COUNT)
        for one in interleaved(list(kinds), chosen.rounds, lambda kind: kinds[kind]()):
            kept.add(rounds=one)


def _validated(path: Path) -> float:
    return _timed([sys.executable, "-m", "sandkube", "validate", "--no-config", str(path)], dict(os.environ))


def _dry_run(cluster: Cluster, path: Path) -> float:
    began = time.perf_counter()
    cluster.kubectl("apply", "--dry-run=server", "-f", str(path))
    return time.perf_counter() - began


def _in_gvisor(runsc: Path, path: Path) -> float:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    with running(runsc, environ={**kept, "LANG": "C.UTF-8"}) as sandbox:
        state = sandbox.tmpfs / "state"
        line = ["env", f"SANDKUBE_STATE_DIR={state}", sys.executable, "-m", "sandkube", "validate", str(path)]
        began = time.perf_counter()
        sandbox(*line, seconds=120)
        return time.perf_counter() - began


def _timed(line: Sequence[str], environ: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise CannotMeasureError(
            f"`{' '.join(line)}` ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return took


def table(document: Document) -> str:
    """The report for a reader."""
    rounds = document["rounds"]
    rows = [(kind, str(Spread.of(_values(rounds, kind)))) for kind in rounds[0]]
    words = (
        f"Kubernetes {document['kubernetes']}; {document['files']} files; {len(rounds)} rounds, interleaved"
    )
    against = ratio(_values(rounds, MANY), _values(rounds, DRY_RUN))
    beside = f"200 files, with the start, against the dry run in a cluster that runs already: {against}"
    head = ("s: median (least to most)", "")
    return "\n\n".join([words, _table(head, rows), beside, targets.verdicts(judged(document))])


def judged(document: Document) -> Sequence[Target]:
    """What is asked of it."""
    return list(_judged(document["rounds"]))


def _judged(rounds: list[dict[str, Any]]) -> Iterator[Target]:
    yield Target("one file, with the start", _median(rounds, ONE), most=ONE_SECONDS, unit="s")
    if GVISOR in rounds[0]:
        yield Target(
            "one file in gVisor, with the start", _median(rounds, GVISOR), most=GVISOR_SECONDS, unit="s"
        )
    beyond = _median(rounds, MANY) - _median(rounds, NOTHING)
    yield Target("200 files, beyond the start", beyond, most=MANY_SECONDS, unit="s")


def drawn(document: Document) -> str:
    """Medians as bars."""
    rounds = document["rounds"]
    groups = {"from the command to its end": {kind: _median(rounds, kind) for kind in rounds[0]}}
    return plot.draw(plot.Bars(f"Validation, medians of {len(rounds)} rounds", "s", groups))


def _median(rounds: list[dict[str, Any]], kind: str) -> float:
    return Spread.of(_values(rounds, kind)).median


def _values(rounds: list[dict[str, Any]], kind: str) -> list[float]:
    return [one[kind] for one in rounds]


BENCHMARK = Benchmark("validate", __doc__, measure, table, drawn, judged)

if __name__ == "__main__":
    sys.exit(main())
