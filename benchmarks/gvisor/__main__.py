"""How long a start takes in gVisor, and beside it natively; N rounds, interleaved.

`python benchmarks/gvisor --rounds 10` prints a table on stdout; `--json FILE` keeps every figure. They are
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
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# The tests' launcher comes first: this folder has the name of theirs.
sys.path[0:1] = [str(HERE.parents[1] / "tests"), str(HERE.parent / "start"), str(HERE.parent)]

import starting  # noqa: E402 -- beside benchmarks/start
from measuring import machine  # noqa: E402

from gvisor.sandbox import CannotRunError, find_runsc, running  # noqa: E402 -- the tests' launcher

KINDS = ("native", "gvisor, host's files", "gvisor, tmpfs")
FIGURES = ("ready", "up", "down")
TARGET_SECONDS = 1.8
TARGET_RATIO = 2.5


def main() -> int:
    """Run the rounds; give the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks/gvisor", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="how often each kind of start is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--check", action="store_true", help="fail where a target is missed")
    options = parser.parse_args()
    try:
        report = measure(find_runsc(), options.rounds)
    except CannotRunError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(table(report))
    return 1 if options.check and missed(report) else 0


def measure(runsc: Path, rounds: int) -> dict[str, Any]:
    """All rounds, and what they were measured on."""
    version = subprocess.run([runsc, "--version"], capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        bench = starting.Bench.make(Path(folder))
        return {
            "version": 1,
            "machine": machine.describe(),
            "server": bench.server_version(),
            "runsc": version.partition("\n")[0],
            "load before": os.getloadavg()[0],
            "rounds": [_round(runsc, bench, number, rounds) for number in range(rounds)],
        }


def _round(runsc: Path, bench: starting.Bench, number: int, of: int) -> dict[str, Any]:
    """One start of each kind, in an order that changes from round to round."""
    order = KINDS[number % len(KINDS) :] + KINDS[: number % len(KINDS)]
    found = {}
    for kind in order:
        print(f"round {number + 1} of {of}: {kind}", file=sys.stderr, flush=True)
        found[kind] = _native(bench) if kind == "native" else _in_gvisor(runsc, bench, kind)
    return found


def _native(bench: starting.Bench) -> dict[str, Any]:
    done = subprocess.run(
        _once(bench.state, bench), env=_environ(), stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _in_gvisor(runsc: Path, bench: starting.Bench, kind: str) -> dict[str, Any]:
    with running(runsc, environ=_environ()) as sandbox:
        state = (sandbox.tmpfs if kind.endswith("tmpfs") else sandbox.files) / "state"
        found: dict[str, Any] = json.loads(sandbox(*_once(state, bench), seconds=180).stdout)
    return found


def _once(state: Path, bench: starting.Bench) -> list[str]:
    return [sys.executable, str(HERE / "once.py"), str(state), str(bench.warm)]


def _environ() -> dict[str, str]:
    """The same for all kinds, with nothing of the person's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8"}


def table(report: dict[str, Any]) -> str:
    """The report for a reader: medians between the extremes, ratios to native, and the targets."""
    lines = [
        report["machine"],
        f"{report['server']}; {report['runsc']}; load {report['load before']:.1f} before",
        f"{len(report['rounds'])} rounds, interleaved; seconds: median (least to most)",
        "",
        f"{'':<22}" + "".join(f"{figure:>24}" for figure in FIGURES) + f"{'ready / native':>18}",
    ]
    for kind in KINDS:
        cells = [_spread(_values(report, kind, figure)) for figure in FIGURES]
        ratio = f"{_ratio(report, kind):.2f}"
        lines.append(f"{kind:<22}" + "".join(f"{cell:>24}" for cell in cells) + f"{ratio:>18}")
    said = missed(report) or [f"met: at most {TARGET_SECONDS} s, and {TARGET_RATIO} times native"]
    return "\n".join([*lines, "", *said])


def missed(report: dict[str, Any]) -> list[str]:
    """A line for each target that the report misses."""
    found = []
    for kind in KINDS[1:]:
        ready, ratio = statistics.median(_values(report, kind, "ready")), _ratio(report, kind)
        if ready > TARGET_SECONDS:
            found.append(f"missed: {kind}: Ready after {ready:.2f} s, the target is {TARGET_SECONDS} s")
        if ratio > TARGET_RATIO:
            found.append(f"missed: {kind}: {ratio:.2f} times native, the target is {TARGET_RATIO}")
    return found


def _values(report: dict[str, Any], kind: str, figure: str) -> list[float]:
    return [one[kind][figure] for one in report["rounds"]]


def _ratio(report: dict[str, Any], kind: str) -> float:
    native = statistics.median(_values(report, "native", "ready"))
    return statistics.median(_values(report, kind, "ready")) / native


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
