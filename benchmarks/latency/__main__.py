"""How long an API server takes to answer, and how much it answers: ours, and four processes on etcd.

`python benchmarks/latency` prints tables. 1, 10 and 50 clients ask as fast as they are answered, one kind of
request after the other, of ConfigMaps of 1 KB: get one of a hundred, list the hundred, create, patch one's
own. `watch` is from sending a write (50 a second) to having its event, in each of so many watches. The
clients are one Go process on the same machine (benchmarks/peers/driver, which says why); `driver` is what it
used of one core, so that its part can be judged. Sides are interleaved; each number of clients has servers
that were started fresh and asked for two seconds before.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import driver, plot, processes, report, sides, targets
from measuring.report import Benchmark, Document, Kept
from measuring.rounds import interleaved
from measuring.spread import Spread, ratio
from measuring.table import table as _table
from measuring.targets import Target

COMPARED = (sides.OURS, sides.FOUR)
OPERATIONS = ("get", "list", "create", "patch", "watch")
RATE = "per_second"
FIGURES = {"p50_ms": "p50, ms", "p99_ms": "p99, ms", RATE: "per second"}
CREATE_P99_MS = 10.0


def main() -> int:
    """Measure; give the exit status."""
    parser = BENCHMARK.parser(rounds=5, durability="fast")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10, 50], help="how many at once")
    parser.add_argument("--seconds", type=float, default=5, help="for each kind of request")
    return report.run(BENCHMARK, parser.parse_args())


def measure(chosen: argparse.Namespace, kept: Kept) -> None:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        there = {name: sides.prepare(name, Path(folder), durability=chosen.durability) for name in COMPARED}
        kept.note(**sides.started(there), seconds=chosen.seconds)
        for one in interleaved(COMPARED, chosen.rounds, lambda name: _asked(there[name], chosen)):
            kept.add(rounds=one)


def _asked(side: sides.Side, chosen: argparse.Namespace) -> dict[str, Any]:
    """One side, fresh for each number of clients: what one left behind would slow the next."""
    found: dict[str, Any] = {}
    for clients in chosen.clients:
        with side.running() as running:
            before = processes.cpu_seconds(running.pids)
            found[str(clients)] = driver.run(
                running.access, "latency", clients=clients, seconds=chosen.seconds
            )
            found[str(clients)]["cpu_seconds"] = processes.cpu_seconds(running.pids) - before
        _warn(side.name, clients, found[str(clients)]["operations"])
    return found


def _warn(name: str, clients: int, operations: dict[str, Any]) -> None:
    for operation, figures in operations.items():
        if figures["failed"]:
            report.say(
                f"  {name}, {clients} clients: {figures['failed']} of {operation} failed: {figures['why']}"
            )


def table(document: Document) -> str:
    """A table for each number of clients with what driver and servers used, then what is to be shown."""
    rounds = document["rounds"]
    words = f"{len(rounds)} rounds, interleaved; {document['seconds']:g} s each; {document['durability']}"
    parts = [words, *(_clients(rounds, clients) for clients in rounds[0][sides.OURS])]
    found = judged(document)
    parts.append(targets.verdicts(found))
    if worse := [target.what for target in found if target.is_met is False]:
        parts.append("not met: " + "; ".join(worse))
    return "\n\n".join([*parts, sides.flags(document)])


def _clients(rounds: list[dict[str, Any]], clients: str) -> str:
    rows: list[tuple[str, ...]] = [
        (f"{operation}: {FIGURES[figure]}", *(str(Spread.of(one)) for one in both), str(ratio(*both)))
        for operation, figure, both in _known(rounds, clients)
    ]
    rows.append(("failed", *(str(_failed(rounds, name, clients)) for name in COMPARED), ""))
    for key, label in (("driver_cpu_seconds", "driver, cores"), ("cpu_seconds", "servers, cores")):
        cells = (
            str(Spread.of([one[name][clients][key] / one[name][clients]["seconds"] for one in rounds]))
            for name in COMPARED
        )
        rows.append((label, *cells, ""))
    return _table((f"{clients} client(s)", *COMPARED, "ours / theirs"), rows)


def judged(document: Document) -> Sequence[Target]:
    """No latency higher, and no fewer creates a second; and what ours aims at for itself."""
    rounds = document["rounds"]
    found = [
        targets.no_worse(
            f"{clients} client(s), {operation}: {FIGURES[figure]}",
            ratio(*both),
            more_is_better=figure == RATE,
        )
        for clients in rounds[0][sides.OURS]
        for operation, figure, both in _known(rounds, clients)
        if figure != RATE or operation == "create"
    ]
    if values := "1" in rounds[0][sides.OURS] and _values(rounds, sides.OURS, "1", "create", "p99_ms"):
        found.append(
            Target("ours: create p99, 1 client", Spread.of(values).median, most=CREATE_P99_MS, unit="ms")
        )
    failed = sum(_failed(rounds, sides.OURS, clients) for clients in rounds[0][sides.OURS])
    return [*found, Target("ours: requests that failed", failed, most=0)]


def _known(
    rounds: list[dict[str, Any]], clients: str
) -> Iterator[tuple[str, str, tuple[list[float], list[float]]]]:
    """Kind of request, figure, and the values of ours and theirs, where there are both."""
    for operation in OPERATIONS:
        for figure in FIGURES:
            ours, theirs = (_values(rounds, name, clients, operation, figure) for name in COMPARED)
            if ours and theirs and (operation, figure) != ("watch", RATE):
                yield operation, figure, (ours, theirs)


def drawn(document: Document) -> str:
    """The p50 and p99 of each kind of request by clients, and creates a second."""
    rounds = document["rounds"]
    charts = []
    for clients in rounds[0][sides.OURS]:
        groups: dict[str, dict[str, float]] = {}
        for operation, figure, both in _known(rounds, clients):
            if figure != RATE:
                label = f"{operation} {figure.partition('_')[0]}"
                groups[label] = dict(zip(COMPARED, (Spread.of(one).median for one in both), strict=True))
        charts.append(plot.Bars(f"Latency with {clients} client(s), medians of rounds", "ms", groups))
    rates = {
        f"{clients} client(s)": dict(zip(COMPARED, (Spread.of(one).median for one in both), strict=True))
        for clients in rounds[0][sides.OURS]
        for operation, figure, both in _known(rounds, clients)
        if (operation, figure) == ("create", RATE)
    }
    return plot.draw(*charts, plot.Bars("Creates a second, medians of rounds", "1/s", rates))


def _values(
    rounds: list[dict[str, Any]], name: str, clients: str, operation: str, figure: str
) -> list[float]:
    found = (one[name][clients]["operations"][operation] for one in rounds)
    return [one[figure] for one in found if one["count"]]


def _failed(rounds: list[dict[str, Any]], name: str, clients: str) -> int:
    return sum(one["failed"] for r in rounds for one in r[name][clients]["operations"].values())


BENCHMARK = Benchmark("latency", __doc__, measure, table, drawn, judged)

if __name__ == "__main__":
    sys.exit(main())
