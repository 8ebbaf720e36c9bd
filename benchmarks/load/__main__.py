"""The highest rate of requests that is held with a p99 under one second: ours, and four processes on etcd.

`python benchmarks/load` prints a table. The driver asks at a fixed rate whether or not it was answered, and
counts from the moment at which each request was due. The mix: 50 % get, 5 % list of a hundred, 20 % patch,
25 % create, of ConfigMaps of 1 KB. A rate is held if all was answered well, p99 stayed under 1 s, and no
backlog was left. The rate is doubled until it is not held, and then searched for to within ten percent. Each
round starts each side fresh; sides are interleaved.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import searching
from measuring import driver, plot, report, sides
from measuring.report import Document
from measuring.rounds import interleaved
from measuring.spread import Spread, number, ratio
from measuring.table import table as _table

RECOVERY_SECONDS = 3.0  # what one rate left behind is no part of the next
COMPARED = (sides.OURS, sides.FOUR)


def main() -> int:
    """Measure; give the exit status."""
    parser = report.options("load", __doc__, rounds=3, durability=True)
    parser.add_argument("--clients", type=int, default=64, help="how many at once")
    parser.add_argument("--seconds", type=float, default=10, help="how long a rate has to be held")
    parser.add_argument(
        "--begin", type=float, default=500, metavar="RATE", help="the first rate, requests a second"
    )
    parser.add_argument("--near", type=float, default=0.1, help="how near the rate is searched for")
    return report.run(parser.parse_args(), measure, table, plots)


def measure(chosen: argparse.Namespace) -> Document:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        there = {name: sides.prepare(name, Path(folder), durability=chosen.durability) for name in COMPARED}
        return {
            **sides.started(there),
            "clients": chosen.clients,
            "seconds": chosen.seconds,
            "rounds": interleaved(COMPARED, chosen.rounds, lambda name: _searched(there[name], chosen)),
        }


def _searched(side: sides.Side, chosen: argparse.Namespace) -> dict[str, Any]:
    tried: list[dict[str, Any]] = []

    def held(rate: float) -> bool:
        found = driver.run(running.access, "load", rate=rate, clients=chosen.clients, seconds=chosen.seconds)
        found["held"] = searching.is_held(found)
        tried.append(found)
        said = "held" if found["held"] else "not held"
        report.say(f"  {rate:.0f}/s: p99 {found['requests']['p99_ms']:.0f} ms, {said}")
        time.sleep(RECOVERY_SECONDS)
        return bool(found["held"])

    with side.running() as running:
        return {"held": searching.highest(held, chosen.begin, chosen.near), "tried": tried}


def table(document: Document) -> str:
    """The rates of both sides and their ratio; then p50 and p99 at each rate tried."""
    rounds = document["rounds"]
    rates = {name: [one[name]["held"] or 0.0 for one in rounds] for name in COMPARED}
    words = (
        f"{len(rounds)} rounds, interleaved; {document['clients']} clients; each rate "
        f"{document['seconds']:g} s; {document['durability']}"
    )
    first = _table(
        ("requests a second: median (least to most)", *COMPARED, "ours / theirs"),
        [
            (
                "held with p99 < 1 s",
                *(str(Spread.of(rates[name])) for name in COMPARED),
                str(ratio(*rates.values())),
            )
        ],
    )
    tried = [(name, one) for r in rounds for name in COMPARED for one in r[name]["tried"]]
    second = _table(
        (
            "every rate tried",
            "asked, /s",
            "answered, /s",
            "failed",
            "p50, ms",
            "p99, ms",
            "driver, cores",
            "",
        ),
        [
            (
                name,
                number(one["rate"]),
                number(one["requests"]["count"] / one["seconds"]),
                str(one["requests"]["failed"]),
                number(one["requests"]["p50_ms"]),
                number(one["requests"]["p99_ms"]),
                number(one["driver_cpu_seconds"] / one["seconds"]),
                "held" if one["held"] else "",
            )
            for name, one in tried
        ],
    )
    return "\n\n".join([words, first, second, sides.flags(document)])


def plots(document: Document) -> dict[str, str]:
    """The p99 over the rate, below three seconds."""
    series = {
        name: sorted(
            (one["rate"], one["requests"]["p99_ms"])
            for r in document["rounds"]
            for one in r[name]["tried"]
            if one["requests"]["p99_ms"] < 3 * searching.LIMIT_MS
        )
        for name in COMPARED
    }
    return {"load": plot.lines("p99 over the rate asked for", "requests a second", "ms", series)}


if __name__ == "__main__":
    sys.exit(main())
