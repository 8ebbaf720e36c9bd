"""Whether a change made sandkube slower: two revisions of this repository, interleaved, and their ratios.

`python benchmarks/compare REV` compares REV with the work tree; `python benchmarks/compare REV OTHER` two
revisions. Each is checked out into the cache and has its own server built from its own source. In each round,
of each, in an order that alternates: `up` of a new cluster, `status`, `down`, `up` again (`restart`), `down`
and `delete`, all as typed; `ready` is by the server's own clock; `anonymous` and `resident` are memory after
`--idle` seconds. A ratio above 1 is a slower or larger second one; it is marked where the rounds tell the two
apart with 95 %, of which five are the least that can.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

import revisions
from measuring import plot, processes, report, targets
from measuring.report import Benchmark, CannotMeasureError, Document, Kept
from measuring.rounds import interleaved
from measuring.spread import Ratio, Spread, ratio
from measuring.table import table as _table
from measuring.targets import Target

NAME = "bench"
FIGURES = {
    "ready": "ready, s",
    "up": "up, s",
    "restart": "up again, s",
    "status": "status, s",
    "down": "down, s",
    "anonymous": "anonymous, MB",
    "resident": "resident, MB",
}


def main() -> int:
    """Compare; give the exit status."""
    parser = BENCHMARK.parser(rounds=10)
    parser.add_argument("revision", metavar="REV", nargs="?", help="what is compared with")
    parser.add_argument("other", metavar="OTHER", nargs="?", help="what is compared; default: the work tree")
    parser.add_argument(
        "--idle", type=float, default=10, metavar="SECONDS", help="before memory is looked at"
    )
    chosen = parser.parse_args()
    if not (chosen.revision or chosen.read):
        parser.error("a revision to compare with is needed")
    return report.run(BENCHMARK, chosen)


def measure(chosen: argparse.Namespace, kept: Kept) -> None:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        root = Path(folder)
        before = _revision(chosen.revision, root / "a")
        after = _revision(chosen.other, root / "b") if chosen.other else _work_tree(root / "b")
        if before.name == after.name:
            raise CannotMeasureError(f"{chosen.revision} and {chosen.other} are the same commit.")
        both = {one.name: one for one in (before, after)}
        for one in both.values():
            one.build()
        kept.note(before=before.name, after=after.name, idle_seconds=chosen.idle)
        for lives in interleaved(list(both), chosen.rounds, lambda name: _life(both[name], chosen.idle)):
            kept.add(rounds=lives)


def _revision(name: str, state: Path) -> revisions.Revision:
    commit = revisions.resolve(name)
    shown = commit[:12] if commit.startswith(name) else f"{name} ({commit[:12]})"
    return revisions.Revision(shown, revisions.check_out(commit), state)


def _work_tree(state: Path) -> revisions.Revision:
    return revisions.Revision(revisions.WORK_TREE, revisions.ROOT, state)


def _life(revision: revisions.Revision, idle: float) -> dict[str, float]:
    """One cluster's whole life, as typed."""
    found = {"up": _run(revision, "up", NAME)}
    try:
        started = _events(revision)
        found["ready"] = next(
            event["seconds"] for event in started if event["event"] == "ready" and "component" not in event
        )
        found["status"] = _run(revision, "status", NAME)
        time.sleep(idle)
        memory = processes.memory([next(event["pid"] for event in started if event["event"] == "starting")])
        found["resident"] = memory.rss
        found["anonymous"] = memory.anonymous
        found["down"] = _run(revision, "down", NAME)
        found["restart"] = _run(revision, "up", NAME)
    finally:
        _run(revision, "delete", NAME)
    return found


def _run(revision: revisions.Revision, *arguments: str) -> float:
    """The seconds that a command took, from exec to exit."""
    begun = time.perf_counter()
    done = subprocess.run(
        revision.command(*arguments),
        env=revision.environ(),
        cwd=revision.state.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - begun
    if done.returncode != 0:
        words = " ".join(arguments)
        raise CannotMeasureError(f"`sandkube {words}` of {revision.name} failed:\n{done.stderr.strip()}")
    return took


def _events(revision: revisions.Revision) -> list[dict[str, Any]]:
    (file,) = revision.state.rglob(f"{NAME}/events.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def table(document: Document) -> str:
    """Both revisions and the ratio of each figure."""
    before, after, rounds = document["before"], document["after"], document["rounds"]
    rows = []
    for figure, label in FIGURES.items():
        old, new = ([one[name][figure] for one in rounds] for name in (before, after))
        found = ratio(new, old)
        rows.append((label, str(Spread.of(old)), str(Spread.of(new)), str(found), verdict(found, figure)))
    words = f"{len(rounds)} rounds, interleaved; memory after {document['idle_seconds']:g} s idle"
    head = ("median (least to most)", before, after, "ratio (95 % range)", "")
    return "\n\n".join([words, _table(head, rows), targets.verdicts(judged(document))])


def verdict(found: Ratio, figure: str) -> str:
    """A word where the rounds tell the two apart."""
    if not found.is_certain:
        return ""
    more, less = ("larger", "smaller") if figure in {"anonymous", "resident"} else ("slower", "faster")
    return more if found.value > 1 else less


def judged(document: Document) -> list[Target]:
    """No figure certainly worse than before: what `--check` asks."""
    before, after, rounds = document["before"], document["after"], document["rounds"]
    return [
        targets.no_worse(label, ratio(*([one[name][figure] for one in rounds] for name in (after, before))))
        for figure, label in FIGURES.items()
    ]


def drawn(document: Document) -> str:
    """Medians of what takes time."""
    groups = {
        figure: {
            name: Spread.of([one[name][figure] for one in document["rounds"]]).median
            for name in (document["before"], document["after"])
        }
        for figure in ("ready", "up", "restart", "status", "down")
    }
    return plot.draw(plot.Bars("Two revisions, medians", "s", groups))


BENCHMARK = Benchmark("compare", __doc__, measure, table, drawn, judged)

if __name__ == "__main__":
    sys.exit(main())
