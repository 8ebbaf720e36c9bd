"""What a control plane holds in memory: ours, and the same Kubernetes as four processes on etcd.

`python benchmarks/memory` prints a table; all figures are sums over the processes of a side, in MB, by
/proc/PID/smaps_rollup. `anonymous` is what no file backs; `PSS` adds the pages of binaries, shared ones
by their share. Each side is started fresh, and looked at after 30 s without a request; then with 1,000
ConfigMaps of 1 KB, and with 5,000, each 30 s after the last was made. `ten at once` is ten clusters, one
started after the other, 30 s after the last: per cluster. Sides and rounds are interleaved.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import driver, plot, processes, report, sides, targets
from measuring.report import Benchmark, Document, Kept
from measuring.rounds import interleaved
from measuring.spread import Spread, ratio
from measuring.table import table as _table
from measuring.targets import Target

COMPARED = (sides.OURS, sides.FOUR)
IDLE = "idle"
FIGURES = {"pss": ("PSS", 0.55), "anonymous": ("anonymous", 0.6)}


def main() -> int:
    """Measure; give the exit status."""
    parser = BENCHMARK.parser(rounds=3, durability="fast")
    parser.add_argument(
        "--idle", type=float, default=30, metavar="SECONDS", help="how long nothing is asked first"
    )
    parser.add_argument("--objects", type=int, nargs="*", default=[1000, 5000], help="looked at with so many")
    parser.add_argument("--clusters", type=int, default=10, help="how many at once; 0: leave that out")
    return report.run(BENCHMARK, parser.parse_args())


def measure(chosen: argparse.Namespace, kept: Kept) -> None:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        root = Path(folder)
        there = {name: _prepare(name, root, chosen) for name in COMPARED}
        kept.note(**sides.started(there), idle_seconds=chosen.idle, clusters=chosen.clusters)
        for one in interleaved(COMPARED, chosen.rounds, lambda name: _grown(there[name], chosen)):
            kept.add(rounds=one)
        if chosen.clusters:
            crowds = {name: _crowd(name, root, chosen) for name in COMPARED}
            report.say(f"{chosen.clusters} clusters at once")
            for each in interleaved(
                COMPARED, chosen.rounds, lambda name: _together(crowds[name], chosen.idle)
            ):
                kept.add(at_once=each)


def _grown(side: sides.Side, chosen: argparse.Namespace) -> dict[str, dict[str, float | None]]:
    with side.running() as running:
        time.sleep(chosen.idle)
        found = {IDLE: _look(running.pids)}
        for objects in sorted(chosen.objects):
            report.say(f"  {objects} objects")
            driver.run(running.access, "fill", objects=objects)
            time.sleep(chosen.idle)
            found[_stage(objects)] = _look(running.pids)
    return found


def _crowd(name: str, root: Path, chosen: argparse.Namespace) -> list[sides.Side]:
    return [_prepare(name, root, chosen, f"bench-{number}") for number in range(chosen.clusters)]


def _prepare(name: str, root: Path, chosen: argparse.Namespace, cluster: str = "bench") -> sides.Side:
    """A side whose binary is nobody else's: other clusters would take a share of its pages."""
    side = sides.prepare(name, root, durability=chosen.durability, cluster=cluster)
    copy = root / side.server.name
    if not copy.exists():
        shutil.copy2(side.server, copy)
    return replace(side, server=copy)


def _together(crowd: Sequence[sides.Side], idle: float) -> dict[str, float | None]:
    """What one of many costs, on average."""
    with contextlib.ExitStack() as stack:
        pids = [pid for side in crowd for pid in stack.enter_context(side.running()).pids]
        time.sleep(idle)
        found = _look(pids)
    return {key: None if value is None else value / len(crowd) for key, value in found.items()}


def _look(pids: Sequence[int]) -> dict[str, float | None]:
    found = processes.memory(pids)
    return {"pss": found.pss, "anonymous": found.anonymous, "rss": found.rss}


def _stage(objects: int) -> str:
    return f"{objects:,} objects"


def table(document: Document) -> str:
    """Each stage with both sides, then the ratios of ours to theirs."""
    rows = [
        (f"{stage}: {label}", *(str(Spread.of(values[name][figure])) for name in COMPARED))
        for stage, figure, label, values in _known(document)
    ]
    words = f"{len(document['rounds'])} rounds, interleaved; after {document['idle_seconds']:.0f} s idle"
    parts = [
        f"{words}; {document['durability']}",
        _table(("MB: median (least to most)", *COMPARED), rows),
        targets.verdicts(judged(document)),
        sides.flags(document),
    ]
    return "\n\n".join(parts)


def judged(document: Document) -> Sequence[Target]:
    """The ratio of ours to theirs at every stage."""
    return [
        targets.at_most(
            f"{stage}: {label}, ours / theirs",
            ratio(values[sides.OURS][figure], values[sides.FOUR][figure]),
            FIGURES[figure][1],
        )
        for stage, figure, label, values in _known(document)
    ]


def _known(document: Document) -> Iterator[tuple[str, str, str, dict[str, dict[str, list[float]]]]]:
    """Stage, figure, its label and all values, where both sides have some."""
    for stage, values in _stages(document).items():
        for figure, (label, _) in FIGURES.items():
            if all(values[name][figure] for name in COMPARED):
                yield stage, figure, label, values


def drawn(document: Document) -> str:
    """PSS and anonymous memory as bars."""
    charts = []
    for figure, (label, _) in FIGURES.items():
        groups = {
            stage: {name: Spread.of(values[name][figure]).median for name in COMPARED}
            for stage, one, _, values in _known(document)
            if one == figure
        }
        charts.append(plot.Bars(f"{label} memory, medians", "MB", groups))
    return plot.draw(*charts)


def _stages(document: Document) -> dict[str, dict[str, dict[str, list[float]]]]:
    """The values of all rounds: by stage, side and figure."""
    found = {
        stage: {name: _values([one[name][stage] for one in document["rounds"]]) for name in COMPARED}
        for stage in document["rounds"][0][sides.OURS]
    }
    if document.get("at_once"):
        label = f"{document['clusters']} at once, each"
        found[label] = {name: _values([one[name] for one in document["at_once"]]) for name in COMPARED}
    return found


def _values(looks: Sequence[dict[str, float | None]]) -> dict[str, list[float]]:
    return {figure: [look[figure] for look in looks if look[figure] is not None] for figure in FIGURES}  # type: ignore[misc]


BENCHMARK = Benchmark("memory", __doc__, measure, table, drawn, judged)

if __name__ == "__main__":
    sys.exit(main())
