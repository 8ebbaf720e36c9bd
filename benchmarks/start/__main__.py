"""How long a start takes: from the template, as a restart, and cold; N rounds, interleaved.

`python benchmarks/start --rounds 10` prints a table on stdout; `--json FILE` keeps every figure. All commands
are run as a user types them, in a state folder of their own. What is measured, in seconds:

* ``ready``: from exec of the server to Ready, by the server's own clock (events.jsonl);
* ``up``: from exec of `sandkube up` to its exit;
* ``down``: from exec of `sandkube down` to its exit.

Rounds are interleaved, so that what else the machine does falls on all kinds of start alike. Absolute figures
are this machine's; compare those of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import machine
import starting

KINDS = ("template", "restart", "cold")
FIGURES = ("ready", "up", "down")


def main() -> int:
    """Run the rounds; give the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks/start", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="how often each kind of start is measured")
    parser.add_argument(
        "--idle",
        type=float,
        default=30,
        metavar="SECONDS",
        help="memory and CPU after this long; 0: not at all",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        bench = starting.Bench.make(Path(folder))
        rounds = [_round(bench, number, options.rounds) for number in range(options.rounds)]
        report = {
            "version": 1,
            "machine": machine.describe(),
            "server": bench.server_version(),
            "rounds": rounds,
            "idle": bench.idle(options.idle) if options.idle else None,
        }
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(table(report))
    return 0


def _round(bench: starting.Bench, number: int, of: int) -> dict[str, Any]:
    """One start of each kind, in an order that changes from round to round."""
    order = KINDS[number % len(KINDS) :] + KINDS[: number % len(KINDS)]
    found = {}
    for kind in order:
        print(f"round {number + 1} of {of}: {kind}", file=sys.stderr, flush=True)
        found[kind] = bench.measure(kind)
    return found


def table(report: dict[str, Any]) -> str:
    """The report for a reader: medians between the extremes, and the phases of a start."""
    rounds = report["rounds"]
    lines = [
        report["machine"],
        f"{report['server']}; {len(rounds)} rounds, interleaved; seconds: median (least to most)",
        "",
    ]
    lines.append(f"{'':<10}" + "".join(f"{figure:>24}" for figure in FIGURES))
    for kind in KINDS:
        cells = [_spread([one[kind][figure] for one in rounds]) for figure in FIGURES]
        lines.append(f"{kind:<10}" + "".join(f"{cell:>24}" for cell in cells))
    lines += ["", "phases (medians, seconds since exec of the server)"]
    for phase in rounds[0]["template"]["phases"]:
        cells = [f"{_median([one[kind]['phases'].get(phase) for one in rounds]):>12}" for kind in KINDS]
        lines.append(f"  {phase:<28}" + "".join(cells))
    if report["idle"]:
        lines += ["", _idle(report["idle"])]
    return "\n".join(lines)


def _idle(idle: dict[str, float]) -> str:
    return (
        f"after {idle['seconds']:.0f} s idle: {idle['anonymous_mb']:.0f} MB anonymous, "
        f"{idle['rss_mb']:.0f} MB resident, {idle['cpu_percent']:.1f} % of a core"
    )


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _median(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.2f}" if known else "-"


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
