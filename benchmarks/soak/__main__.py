"""Hours of a realistic mix on one control plane, and whether anything grows, slows down or is lost.

`python benchmarks/soak --minutes 60 --seed 1` prints a table. Eight clients make, change, read and delete
ConfigMaps and Secrets, write over one another where it is shared, renew leases, scale deployments and cycle
namespaces, 50 requests a second in all, drawn from the seed; two watches are resumed wherever they end.
Every ten seconds it records memory, goroutines, descriptors and the size of the data folder, and latencies of
each kind of request. In the end the checker of the tests (tests/checker) compares every acknowledged write,
read and watch event.

A slope is fitted through the least of each minute, after the first ten (`--settle`), with the value that it
is below with a probability of 95 %. The exit status is 1 where the checker found a fault or a request failed.
Where the kernel tells no anonymous memory (gVisor), resident memory stands in for it.

`--gvisor` runs all of it, servers and clients, in a sandbox of gVisor's (systrap) on the host's files; what
it tells is then shown in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

# The tests come first: benchmarks/gvisor has the name of theirs.
sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(2, str(Path(__file__).resolve().parents[1]))

from measuring import api, driver, peers, plot, processes, report, sides
from measuring.report import CannotMeasureError, Document
from measuring.spread import Slope, minima, number, quantile, slope
from measuring.table import table as _table

from sandkube.errors import SandkubeError

EVERY_SECONDS = 10.0
HOUR, MINUTE = 3600.0, 60.0
GVISOR_PATIENCE = 900.0  # seconds beyond the run itself: a start, the check of the history
GROWTH = {
    "memory_mb": "memory, MB",
    "goroutines": "goroutines",
    "descriptors": "descriptors",
    "data_mb": "data, MB",
}


def main() -> int:
    """Run the soak; give the exit status: 1 where something was lost or failed."""
    parser = report.options("soak", __doc__, durability=True)
    parser.set_defaults(durability="normal")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="what the mix is drawn from")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rate", type=float, default=50, help="requests a second, of all clients together")
    parser.add_argument("--settle", type=float, default=10, metavar="MINUTES", help="left out of the slopes")
    parser.add_argument("--side", choices=(sides.OURS, sides.FOUR), default=sides.OURS)
    parser.add_argument("--gvisor", action="store_true", help="in a gVisor sandbox; needs runsc")
    chosen = parser.parse_args()
    if chosen.gvisor:
        return _in_gvisor(chosen)
    found: list[Document] = []

    def keep(chosen: argparse.Namespace) -> Document:
        found.append(measure(chosen))
        return found[0]

    status = report.run(chosen, keep, table, plots)
    return status or (1 if found and is_bad(found[0]) else 0)


def _in_gvisor(chosen: argparse.Namespace) -> int:
    """The same command in a sandbox; what it needs is built before, outside."""
    from gvisor.sandbox import CannotRunError, find_runsc, running
    from sandkube.server import ensure

    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SANDKUBE_CACHE_DIR") if name in os.environ}
    try:
        runsc = find_runsc()
        environ = {**kept, "LANG": "C.UTF-8", "SANDKUBE_SERVER": str(ensure(report.say).binary)}
        peers.ensure()
        with running(runsc, environ=environ) as sandbox:
            command = [sys.executable, str(Path(__file__).resolve().parent), *arguments(chosen)]
            done = sandbox(*command, status=None, seconds=chosen.minutes * MINUTE + GVISOR_PATIENCE)
    except (CannotRunError, CannotMeasureError, SandkubeError) as error:
        report.say(str(error))
        return 2
    report.say(done.stderr.rstrip())
    print(done.stdout, end="")
    return done.returncode


def arguments(chosen: argparse.Namespace) -> list[str]:
    """The options as they were given, with whole paths and without `--gvisor`."""
    words = []
    for name, value in vars(chosen).items():
        if name != "gvisor" and value is not None:
            words += [f"--{name}", str(value.resolve() if isinstance(value, Path) else value)]
    return words


def measure(chosen: argparse.Namespace) -> Document:
    """The whole run."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        history = Path(folder) / "history.jsonl"
        side = sides.prepare(chosen.side, Path(folder), durability=chosen.durability)
        with side.running() as running:
            samples, reports = _soak(side, running, chosen, history)
        report.say("checking the history")
        return {
            **sides.started({side.name: side}),
            "seed": chosen.seed,
            "minutes": chosen.minutes,
            "settle": chosen.settle,
            "rate": chosen.rate,
            "clients": chosen.clients,
            "samples": samples,
            "reports": reports,
            "history": _judge(history),
        }


def _soak(
    side: sides.Side, running: sides.Running, chosen: argparse.Namespace, history: Path
) -> tuple[list[dict[str, float]], list[dict[str, Any]]]:
    """Let the driver work and look at the servers meanwhile."""
    command = driver.command(
        running.access,
        "soak",
        clients=chosen.clients,
        rate=chosen.rate,
        seed=chosen.seed,
        seconds=chosen.minutes * MINUTE,
        history=history,
    )
    samples: list[dict[str, float]] = []
    reports: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        assert process.stdout is not None
        output = process.stdout
        reader = threading.Thread(target=lambda: reports.extend(map(json.loads, output)), daemon=True)
        reader.start()
        client = running.access.client()
        begun = time.monotonic()
        try:
            while process.poll() is None:
                samples.append(_sample(side, running, client, time.monotonic() - begun))
                _tell(samples[-1])
                _wait(process, begun + len(samples) * EVERY_SECONDS)
        except BaseException:
            process.terminate()
            raise
        reader.join()
        said.seek(0)
        if process.returncode != 0:
            raise CannotMeasureError(f"the driver failed: {said.read().strip()}")
    return samples, reports


def _wait(process: subprocess.Popen[str], until: float) -> None:
    try:
        process.wait(max(until - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        return


def _sample(side: sides.Side, running: sides.Running, client: api.Client, seconds: float) -> dict[str, float]:
    memory = processes.memory(running.pids)
    metrics = client.text("/metrics")
    return {
        "seconds": seconds,
        "memory_mb": memory.rss if memory.anonymous is None else memory.anonymous,
        "rss_mb": memory.rss,
        "goroutines": api.metric(metrics, "go_goroutines"),
        "descriptors": processes.descriptors(running.pids),
        "data_mb": sum(path.stat().st_size for path in side.data.rglob("*") if path.is_file()) / 2**20,
        "cpu_seconds": processes.cpu_seconds(running.pids),
    }


def _tell(sample: dict[str, float]) -> None:
    if round(sample["seconds"] / EVERY_SECONDS) % 6 == 0:
        words = ", ".join(f"{label} {number(sample[key])}" for key, label in GROWTH.items())
        report.say(f"  {sample['seconds'] / MINUTE:.0f} min: {words}")


def _judge(path: Path) -> dict[str, Any]:
    """What the checker says of the history."""
    import recorded

    from checker.rules import check

    with path.open(encoding="utf-8") as lines:
        history = recorded.read(lines)
    faults = check(history)
    return {
        "writes": len(history.writes),
        "acknowledged": sum(write.outcome == "done" for write in history.writes),
        "unknown": sum(write.outcome == "unknown" for write in history.writes),
        "reads": len(history.reads),
        "events": sum(len(watching.events) for watching in history.watchings),
        "jumps": sum(len(watching.jumps) for watching in history.watchings),
        "faults": [str(fault) for fault in faults],
    }


def is_bad(document: Document) -> bool:
    """Whether something was lost, or a request failed."""
    return bool(document["history"]["faults"] or _failures(document["reports"]))


def growth(samples: Sequence[dict[str, float]], key: str, settle: float) -> Slope | None:
    """How much a figure grows in an hour, by the least of each minute after the first ``settle`` minutes."""
    points = [(sample["seconds"], sample[key]) for sample in samples if sample["seconds"] >= settle * MINUTE]
    return slope([(x / HOUR, y) for x, y in minima(points, MINUTE)])


def table(document: Document) -> str:
    """What grew, how long requests took at the beginning and at the end, and what the checker said."""
    samples, settle = document["samples"], document["settle"]
    rows = []
    for key, label in GROWTH.items():
        values = [sample[key] for sample in samples]
        found = growth(samples, key, settle)
        slopes = (number(found.value), number(found.upper)) if found else ("-", "-")
        rows.append(
            (label, number(values[0]), number(min(values)), number(max(values)), number(values[-1]), *slopes)
        )
    head = (f"after {settle:g} min, by minute", "first", "least", "most", "last", "slope/h", "upper 95 %")
    words = (
        f"{document['minutes']:g} min, seed {document['seed']}: {document['clients']} clients, "
        f"{document['rate']:g} requests a second; {document['durability']}"
    )
    parts = [words, _table(head, rows), _latencies(document["reports"]), _verdict(document)]
    return "\n\n".join([*parts, sides.flags(document)])


def _latencies(reports: Sequence[dict[str, Any]]) -> str:
    """The first and the last third of the run beside one another: medians of what ten seconds gave."""
    third = max(len(reports) // 3, 1)
    names = list(dict.fromkeys(name for one in reports for name in one["operations"]))
    rows = []
    for name in names:
        cells = [str(sum(one["operations"][name]["count"] for one in reports if name in one["operations"]))]
        for part in (reports[:third], reports[-third:]):
            known = [one["operations"][name] for one in part if name in one["operations"]]
            for figure in ("p50_ms", "p99_ms"):
                values = [one[figure] for one in known if one["count"]]
                cells.append(number(quantile(values, 0.5)) if values else "-")
        rows.append((name, *cells))
    return _table(("ms: first and last third", "requests", "p50", "p99", "p50", "p99"), rows)


def _verdict(document: Document) -> str:
    history, failures = document["history"], _failures(document["reports"])
    lines = [
        f"{history['acknowledged']} of {history['writes']} recorded writes acknowledged, ",
        f"{history['unknown']} not answered; {history['reads']} reads; ",
        f"{history['events']} events in two watches, ",
        f"{history['jumps']} stretches passed over; {len(history['faults'])} faults\n",
        f"{sum(failures.values())} requests failed",
    ]
    details = [f"  {why} ({count})" for why, count in failures.items()]
    return "\n".join(["".join(lines), *details, *(f"  {fault}" for fault in history["faults"][:20])])


def _failures(reports: Sequence[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in reports:
        for name, figures in one["operations"].items():
            if figures["failed"]:
                why = f"{name}: {figures['why'].strip()[:160]}"
                found[why] = found.get(why, 0) + cast(int, figures["failed"])
    return found


def plots(document: Document) -> dict[str, str]:
    """Memory, goroutines, descriptors and data over time; p99 over time."""
    found = {}
    for key, label in GROWTH.items():
        line = [(sample["seconds"] / MINUTE, sample[key]) for sample in document["samples"]]
        found[f"soak-{key.partition('_')[0]}"] = plot.lines(label, "minutes", "", {label: line})
    series: dict[str, list[tuple[float, float]]] = {}
    for one in document["reports"]:
        for name in ("get", "list", "create", "update"):
            if name in one["operations"]:
                series.setdefault(name, []).append(
                    (one["seconds"] / MINUTE, one["operations"][name]["p99_ms"])
                )
    found["soak-latency"] = plot.lines("p99 in each ten seconds", "minutes", "ms", series)
    return found


if __name__ == "__main__":
    sys.exit(main())
