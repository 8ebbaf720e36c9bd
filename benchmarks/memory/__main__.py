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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import driver, plot, processes, report, sides
from measuring.report import Document
from measuring.rounds import interleaved
from measuring.spread import Spread, ratio
from measuring.table import table as _table

COMPARED = (sides.OURS, sides.FOUR)
IDLE = "idle"
FIGURES = {"pss": ("PSS", 0.55), "anonymous": ("anonymous", 0.6)}


def main() -> int:
    """Measure; give the exit status."""
    parser = report.options("memory", __doc__, rounds=3, durability=True)
    parser.add_argument(
        "--idle", type=float, default=30, metavar="SECONDS", help="how long nothing is asked first"
    )
    parser.add_argument("--objects", type=int, nargs="*", default=[1000, 5000], help="looked at with so many")
    parser.add_argument("--clusters", type=int, default=10, help="how many at once; 0: leave that out")
    return report.run(parser.parse_args(), measure, table, plots)


def measure(chosen: argparse.Namespace) -> Document:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        root = Path(folder)
        there = {name: _prepare(name, root, chosen) for name in COMPARED}
        rounds = interleaved(COMPARED, chosen.rounds, lambda name: _grown(there[name], chosen))
        many: list[dict[str, Any]] = []
        if chosen.clusters:
            crowds = {name: _crowd(name, root, chosen) for name in COMPARED}
            many = interleaved(COMPARED, 1, lambda name: _together(crowds[name], chosen.idle))
        return {
            **sides.started(there),
            "idle_seconds": chosen.idle,
            "clusters": chosen.clusters,
            "rounds": rounds,
            "at_once": many,
        }


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
    """Each stage with both sides and the ratio of ours to theirs."""
    rows = []
    for stage, values in _stages(document).items():
        for figure, (label, most) in FIGURES.items():
            ours, theirs = values[sides.OURS][figure], values[sides.FOUR][figure]
            if ours and theirs:
                rows.append(
                    (
                        f"{stage}: {label}",
                        str(Spread.of(ours)),
                        str(Spread.of(theirs)),
                        f"{ratio(ours, theirs)}",
                        f"{most}",
                    )
                )
    head = ("MB: median (least to most)", sides.OURS, sides.FOUR, "ours / theirs", "at most")
    words = f"{len(document['rounds'])} rounds, interleaved; after {document['idle_seconds']:.0f} s idle"
    return "\n\n".join([f"{words}; {document['durability']}", _table(head, rows), sides.flags(document)])


def plots(document: Document) -> dict[str, str]:
    """PSS and anonymous memory as bars."""
    return {
        f"memory-{figure}": plot.bars(
            f"{label} memory, medians",
            "MB",
            {
                stage: {
                    name: Spread.of(values[name][figure]).median for name in COMPARED if values[name][figure]
                }
                for stage, values in _stages(document).items()
            },
        )
        for figure, (label, _) in FIGURES.items()
    }


def _stages(document: Document) -> dict[str, dict[str, dict[str, list[float]]]]:
    """The values of all rounds: by stage, side and figure."""
    found = {
        stage: {name: _values([one[name][stage] for one in document["rounds"]]) for name in COMPARED}
        for stage in document["rounds"][0][sides.OURS]
    }
    if document["at_once"]:
        label = f"{document['clusters']} at once, each"
        found[label] = {name: _values([one[name] for one in document["at_once"]]) for name in COMPARED}
    return found


def _values(looks: Sequence[dict[str, float | None]]) -> dict[str, list[float]]:
    return {figure: [look[figure] for look in looks if look[figure] is not None] for figure in FIGURES}  # type: ignore[misc]


if __name__ == "__main__":
    sys.exit(main())
