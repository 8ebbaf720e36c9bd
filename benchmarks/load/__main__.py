"""The highest rate of requests that is held with a p99 under one second: ours, and four processes on etcd.

`python benchmarks/load` prints tables. The driver asks at a fixed rate whether or not it was answered, over
64 connections at most, and counts from the moment at which each request was due. The mix: 50 % get, 5 % list
of a hundred, 20 % patch, 25 % create, of ConfigMaps of 1 KB. A rate is held if all was answered well, p99
stayed under 1 s, and no backlog was left. Rates are doubled until one is not held, and then searched for to
within ten percent; the highest has to be held twice. Every rate is asked of servers that were started fresh
and asked for two seconds before, so that what one rate left behind is no part of the next. Sides are
interleaved.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import searching
from measuring import driver, plot, processes, report, sides, targets
from measuring.report import Benchmark, Document, Kept
from measuring.rounds import interleaved
from measuring.spread import Spread, number, ratio
from measuring.table import table as _table
from measuring.targets import Target

COMPARED = (sides.OURS, sides.FOUR)
LEFT_OUT = ("failed", "unanswered", "unsent")
CORES = ("servers, cores", "driver, cores")
SHOWN_MS = 3 * searching.LIMIT_MS


def main() -> int:
    """Measure; give the exit status."""
    parser = BENCHMARK.parser(rounds=5, durability="fast")
    parser.add_argument("--clients", type=int, default=64, help="how many connections at most")
    parser.add_argument("--seconds", type=float, default=10, help="how long a rate has to be held")
    parser.add_argument(
        "--begin", type=float, default=500, metavar="RATE", help="the first rate, requests a second"
    )
    parser.add_argument("--near", type=float, default=0.1, help="how near the rate is searched for")
    return report.run(BENCHMARK, parser.parse_args())


def measure(chosen: argparse.Namespace, kept: Kept) -> None:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        there = {name: sides.prepare(name, Path(folder), durability=chosen.durability) for name in COMPARED}
        kept.note(**sides.started(there), clients=chosen.clients, seconds=chosen.seconds)
        for one in interleaved(COMPARED, chosen.rounds, lambda name: _searched(there[name], chosen)):
            kept.add(rounds=one)


def _searched(side: sides.Side, chosen: argparse.Namespace) -> dict[str, Any]:
    tried: list[dict[str, Any]] = []

    def attempt(rate: float) -> dict[str, Any]:
        tried.append(_offered(side, rate, chosen))
        return tried[-1]

    return {"held": searching.highest(attempt, chosen.begin, chosen.near), "tried": tried}


def _offered(side: sides.Side, rate: float, chosen: argparse.Namespace) -> dict[str, Any]:
    """What came of one rate."""
    with side.running() as running:
        before = processes.cpu_seconds(running.pids)
        found = driver.run(running.access, "load", rate=rate, clients=chosen.clients, seconds=chosen.seconds)
        found["cpu_seconds"] = processes.cpu_seconds(running.pids) - before
    found["held"] = searching.is_held(found)
    found["achieved"] = searching.achieved(found)
    said = "held" if found["held"] else "not held"
    late = found["requests"]["p99_ms"]
    report.say(f"  {rate:.0f}/s: {found['achieved']:.0f}/s answered, p99 {late:.0f} ms, {said}")
    return found


def table(document: Document) -> str:
    """The rates of both sides and their ratio; then all figures of every rate that was tried."""
    rates = _rates(document)
    words = (
        f"{len(document['rounds'])} rounds, interleaved; at most {document['clients']} connections; "
        f"each rate {document['seconds']:g} s; {document['durability']}"
    )
    first = _table(
        ("requests a second: median (least to most)", *COMPARED),
        [("held with p99 < 1 s", *(str(Spread.of(rates[name])) for name in COMPARED))],
    )
    head = ("every rate tried", "offered, /s", "achieved, /s", "p50, ms", "p99, ms", *LEFT_OUT, *CORES, "")
    second = _table(head, _steps(document))
    return "\n\n".join([words, first, targets.verdicts(judged(document)), second, sides.flags(document)])


def _steps(document: Document) -> Iterator[tuple[str, ...]]:
    for number_, one_round in enumerate(document["rounds"], 1):
        for name in COMPARED:
            for one in one_round[name]["tried"]:
                requests, seconds = one["requests"], one["wall_seconds"]
                yield (
                    f"round {number_}, {name}",
                    number(one["rate"]),
                    number(one["achieved"]),
                    number(requests["p50_ms"]),
                    number(requests["p99_ms"]),
                    str(requests["failed"]),
                    str(one["unanswered"]),
                    str(one["unsent"]),
                    number(one["cpu_seconds"] / seconds),
                    number(one["driver_cpu_seconds"] / seconds),
                    "held" if one["held"] else "",
                )


def judged(document: Document) -> Sequence[Target]:
    """No lower a rate."""
    rates = _rates(document)
    found = ratio(rates[sides.OURS], rates[sides.FOUR])
    return [targets.no_worse("rate held, ours / theirs", found, more_is_better=True)]


def _rates(document: Document) -> dict[str, list[float]]:
    return {name: [one[name]["held"] or 0.0 for one in document["rounds"]] for name in COMPARED}


def drawn(document: Document) -> str:
    """The p99 and what was achieved, over the rate."""
    tried = {name: [one for r in document["rounds"] for one in r[name]["tried"]] for name in COMPARED}
    late = {
        name: sorted((one["rate"], one["requests"]["p99_ms"]) for one in steps if one["requests"]["count"])
        for name, steps in tried.items()
    }
    done = {name: sorted((one["rate"], one["achieved"]) for one in steps) for name, steps in tried.items()}
    return plot.draw(
        plot.Lines(
            "p99 over the rate offered (all rounds; held is below the line)",
            "requests a second",
            "ms",
            late,
            limit=searching.LIMIT_MS,
            top=SHOWN_MS,
        ),
        plot.Lines("Answered over the rate offered", "requests a second", "1/s", done),
    )


BENCHMARK = Benchmark("load", __doc__, measure, table, drawn, judged)

if __name__ == "__main__":
    sys.exit(main())
