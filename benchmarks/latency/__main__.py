"""How long an API server takes to answer, and how much it answers: ours, and four processes on etcd.

`python benchmarks/latency` prints tables. 1, 10 and 50 clients ask as fast as they are answered, one kind of
request after the other, of ConfigMaps of 1 KB: get one of a hundred, list the hundred, create, patch one's
own.
`watch` is from sending a write (50 a second) to having its event, in each of so many watches. The clients are
one Go process on the same machine (benchmarks/peers/driver, which says why); `driver` is what it used of one
core, so that its part can be judged. Sides are interleaved; each round starts them fresh.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import driver, plot, processes, report, sides
from measuring.report import Document
from measuring.rounds import interleaved
from measuring.spread import Spread, ratio
from measuring.table import table as _table

COMPARED = (sides.OURS, sides.FOUR)
OPERATIONS = ("get", "list", "create", "patch", "watch")
FIGURES = {"p50_ms": "p50, ms", "p99_ms": "p99, ms", "per_second": "per second"}


def main() -> int:
    """Measure; give the exit status."""
    parser = report.options("latency", __doc__, rounds=3, durability=True)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10, 50], help="how many at once")
    parser.add_argument("--seconds", type=float, default=5, help="for each kind of request")
    return report.run(parser.parse_args(), measure, table, plots)


def measure(chosen: argparse.Namespace) -> Document:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        there = {name: sides.prepare(name, Path(folder), durability=chosen.durability) for name in COMPARED}
        return {
            **sides.started(there),
            "seconds": chosen.seconds,
            "rounds": interleaved(COMPARED, chosen.rounds, lambda name: _asked(there[name], chosen)),
        }


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
    """A table for each number of clients, and what driver and servers used."""
    rounds = document["rounds"]
    words = f"{len(rounds)} rounds, interleaved; {document['seconds']:g} s each; {document['durability']}"
    parts = [words, *(_clients(rounds, clients) for clients in rounds[0][sides.OURS])]
    return "\n\n".join([*parts, sides.flags(document)])


def _clients(rounds: list[dict[str, Any]], clients: str) -> str:
    rows: list[tuple[str, ...]] = []
    for operation in OPERATIONS:
        for figure, label in FIGURES.items():
            if operation == "watch" and figure == "per_second":
                continue
            ours, theirs = (_values(rounds, name, clients, operation, figure) for name in COMPARED)
            if ours and theirs:
                rows.append(
                    (
                        f"{operation}: {label}",
                        str(Spread.of(ours)),
                        str(Spread.of(theirs)),
                        str(ratio(ours, theirs)),
                    )
                )
    rows.append(("failed", *(str(_failed(rounds, name, clients)) for name in COMPARED), ""))
    for key, label in (("driver_cpu_seconds", "driver, cores"), ("cpu_seconds", "servers, cores")):
        cells = (
            str(Spread.of([one[name][clients][key] / one[name][clients]["seconds"] for one in rounds]))
            for name in COMPARED
        )
        rows.append((label, *cells, ""))
    return _table((f"{clients} client(s)", *COMPARED, "ours / theirs"), rows)


def plots(document: Document) -> dict[str, str]:
    """The p99 of each kind of request, and creates a second."""
    rounds = document["rounds"]
    found = {}
    for clients in rounds[0][sides.OURS]:
        groups = {
            operation: {
                name: Spread.of(values).median
                for name in COMPARED
                if (values := _values(rounds, name, clients, operation, "p99_ms"))
            }
            for operation in OPERATIONS
        }
        found[f"latency-{clients}"] = plot.bars(f"p99 with {clients} client(s), medians", "ms", groups)
    return found


def _values(
    rounds: list[dict[str, Any]], name: str, clients: str, operation: str, figure: str
) -> list[float]:
    found = (one[name][clients]["operations"][operation] for one in rounds)
    return [one[figure] for one in found if one["count"]]


def _failed(rounds: list[dict[str, Any]], name: str, clients: str) -> int:
    return sum(one["failed"] for r in rounds for one in r[name][clients]["operations"].values())


if __name__ == "__main__":
    sys.exit(main())
