"""Hours of a realistic mix on one control plane, and whether anything grows, slows down or is lost.

`python benchmarks/soak --minutes 60 --seed 1` prints tables and a verdict. Eight clients make, change, read,
list and delete ConfigMaps and Secrets, write over one another where it is shared, install, upgrade and
uninstall a chart as Helm does, renew leases, scale deployments, send events, watch for a moment and cycle
namespaces, 50 requests a second in all, drawn from the seed; two watches are resumed wherever they end. Every
five seconds it records memory, descriptors, and the size of database and write-ahead log; every thirty,
goroutines and the Go heap; every ten, latencies of each kind of request. In the end the checker of the tests
(tests/checker) compares every acknowledged write, read and watch event.

A slope is fitted through the least of each minute, after the first ten (`--settle`), with the value that it
is below with a probability of 95 %. The exit status is 1 where a figure is not what it has to be. Ctrl-C or
TERM lets the clients stop, and what was done up to then is judged; a second one ends at once.

`--gvisor` runs all of it, servers and clients, in a sandbox of gVisor's (systrap) on the host's files.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

# The tests come first: benchmarks/gvisor has the name of theirs.
sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(2, str(Path(__file__).resolve().parents[1]))

import shown
import verdict
from measuring import api, driver, peers, processes, report, sides
from measuring.report import Benchmark, CannotMeasureError, Kept
from measuring.spread import number

from sandkube.errors import SandkubeError

EVERY_SECONDS = 5.0
ASKED_EVERY = 6  # samples: what the server itself tells is 4 MB of text, and making that is work
SAVED_EVERY = 12  # samples
ENDING_SECONDS = 120.0  # what the driver may take for the end of its history
ONE_PRESS = 1.0  # seconds in which a second Ctrl-C is the same
GVISOR_PATIENCE = 900.0  # seconds beyond the run itself: a start, the check of the history
HERE = Path(__file__).resolve().parent
WAL = ("-wal", ".wal")  # SQLite's, and etcd's, which are part of no database file
KEPT_OF_REPORT = ("count", "failed", "why", "p50_ms", "p99_ms")


def main() -> int:
    """Run the soak; give the exit status."""
    parser = BENCHMARK.parser(durability="normal")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="what the mix is drawn from")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rate", type=float, default=50, help="requests a second, of all clients together")
    parser.add_argument("--settle", type=float, default=10, metavar="MINUTES", help="left out of the slopes")
    parser.add_argument("--side", choices=(sides.OURS, sides.FOUR), default=sides.OURS)
    parser.add_argument("--gvisor", action="store_true", help="in a gVisor sandbox; needs runsc")
    parser.add_argument("--outside", help=argparse.SUPPRESS)  # what only the host can say, as JSON
    chosen = parser.parse_args()
    if chosen.gvisor and not chosen.read:
        return _in_gvisor(chosen)
    return report.run(BENCHMARK, chosen)


def _in_gvisor(chosen: argparse.Namespace) -> int:
    """The same command in a sandbox; what it needs is built before, outside."""
    from gvisor.sandbox import CannotRunError, find_runsc, running
    from sandkube.server import ensure

    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SANDKUBE_CACHE_DIR") if name in os.environ}
    signal.signal(signal.SIGTERM, report.interrupt)
    said = report.begin("soak")
    told = {key: said[key] for key in ("command", "load_before")}
    chosen.outside = json.dumps({**told, "machine": f"{said['machine']}; in gVisor"})
    try:
        runsc = find_runsc()
        environ = {**kept, "LANG": "C.UTF-8", "SANDKUBE_SERVER": str(ensure(report.say).binary)}
        peers.ensure()
        with running(runsc, environ=environ) as sandbox:
            pid = sandbox.root / "pid"
            words = [f"--env={key}={value}" for key, value in environ.items()]
            words += [f"--cwd={sandbox.files}", f"--internal-pid-file={pid}", sandbox.id]
            line = [*sandbox.base, "exec", *words, sys.executable, str(HERE), *arguments(chosen)]
            # In a session of its own: Ctrl-C is for us, who pass it on.
            with subprocess.Popen(line, stdin=subprocess.DEVNULL, start_new_session=True) as process:
                end = [*sandbox.base, "kill", "--pid={}", sandbox.id, "TERM"]
                return _wait_for_sandbox(process, end, pid, chosen.minutes)
    except (CannotRunError, CannotMeasureError, SandkubeError) as error:
        report.say(str(error))
        return report.FAILED
    except KeyboardInterrupt:
        return report.INTERRUPTED


def _wait_for_sandbox(process: subprocess.Popen[bytes], end: Sequence[str], pid: Path, minutes: float) -> int:
    """Its exit status. What it says comes as it is said; a first Ctrl-C is passed on, to end it in order."""
    patience = minutes * verdict.MINUTE + GVISOR_PATIENCE
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        raise CannotMeasureError(f"The sandbox did not come to its end within {patience:.0f} s.") from None
    except KeyboardInterrupt:
        number_ = pid.read_text(encoding="utf-8").strip()
        subprocess.run([word.format(number_) for word in end], check=False)
        return _end_of(process, GVISOR_PATIENCE)


def arguments(chosen: argparse.Namespace) -> list[str]:
    """The options as they were given, with whole paths and without `--gvisor`."""
    words: list[str] = []
    for name, value in vars(chosen).items():
        if name != "gvisor" and value is not None:
            words += [f"--{name}", str(value.resolve() if isinstance(value, Path) else value)]
    return words


def measure(chosen: argparse.Namespace, kept: Kept) -> None:
    """The whole run."""
    with tempfile.TemporaryDirectory(prefix="sandkube-bench-") as folder:
        history = Path(folder) / "history.jsonl"
        side = sides.prepare(chosen.side, Path(folder), durability=chosen.durability)
        if chosen.outside:
            kept.note(**json.loads(chosen.outside))
        kept.note(
            **sides.started({side.name: side}),
            seed=chosen.seed,
            minutes=chosen.minutes,
            settle=chosen.settle,
            rate=chosen.rate,
            clients=chosen.clients,
            samples=[],
            reports=[],
            unseen=[],
        )
        with side.running() as running:
            try:
                _soak(side, running, chosen, history, kept)
            finally:
                kept.note(history=_judged(history))


def _soak(
    side: sides.Side, running: sides.Running, chosen: argparse.Namespace, history: Path, kept: Kept
) -> None:
    """Let the driver work, and look at the servers meanwhile."""
    command = driver.command(
        running.access,
        "soak",
        clients=chosen.clients,
        rate=chosen.rate,
        seed=chosen.seed,
        seconds=chosen.minutes * verdict.MINUTE,
        history=history,
    )
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        assert process.stdout is not None
        reader = threading.Thread(target=_read, args=(process.stdout, kept), daemon=True)
        reader.start()
        try:
            _look(side, running, process, kept)
        except KeyboardInterrupt:
            report.say("ending: the clients stop, and what was done is judged")
            process.terminate()
            _end_of(process, ENDING_SECONDS)
            raise
        finally:
            if process.poll() is None:
                process.kill()
            reader.join(ENDING_SECONDS)
        said.seek(0)
        if process.returncode != 0:
            raise CannotMeasureError(f"the driver failed: {said.read().strip()}")


def _end_of(process: subprocess.Popen[Any], patience: float) -> int:
    """Wait for it after a first Ctrl-C, which may come twice: from the terminal, and from what started us.

    A later one is meant, and raises KeyboardInterrupt.
    """
    begun = time.monotonic()
    while True:
        try:
            return process.wait(patience)
        except KeyboardInterrupt:
            if time.monotonic() - begun > ONE_PRESS:
                raise


def _read(output: IO[str], kept: Kept) -> None:
    """Keep what the driver says every few seconds."""
    for one in map(json.loads, output):
        for name, figures in one["operations"].items():
            one["operations"][name] = {key: figures[key] for key in KEPT_OF_REPORT if key in figures}
        kept.document["reports"].append(one)


def _look(side: sides.Side, running: sides.Running, process: subprocess.Popen[str], kept: Kept) -> None:
    """Look at the servers every few seconds, until the driver has come to its end."""
    client = running.access.client()
    samples, begun = kept.document["samples"], time.monotonic()
    while process.poll() is None:
        seconds = time.monotonic() - begun
        samples.append(_sample(side, running, seconds))
        try:
            if len(samples) % ASKED_EVERY == 1:
                metrics = client.text("/metrics")
                samples[-1]["goroutines"] = api.metric(metrics, "go_goroutines")
                samples[-1]["heap_mb"] = api.metric(metrics, "go_memstats_heap_inuse_bytes") / 2**20
        except CannotMeasureError as error:  # a look that failed is told in the end, and no reason to stop
            kept.document["unseen"].append(f"{seconds:.0f} s: {error}")
        if len(samples) % SAVED_EVERY == 1:
            _tell(samples[-1])
            kept.save()
        _wait(process, begun + len(samples) * EVERY_SECONDS)


def _wait(process: subprocess.Popen[str], until: float) -> None:
    try:
        process.wait(max(until - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        return


def _sample(side: sides.Side, running: sides.Running, seconds: float) -> dict[str, float | None]:
    """What the servers hold. CannotMeasureError where one of them has ended."""
    running.check()
    memory = processes.memory(running.pids)
    files = {path.name: path.stat().st_size / 2**20 for path in _files(side.data)}
    logs = [name for name in files if name.endswith(WAL)]
    return {
        "seconds": seconds,
        "memory_mb": memory.anonymous,
        "pss_mb": memory.pss,
        "rss_mb": memory.rss,
        "heap_mb": None,
        "goroutines": None,
        "descriptors": processes.descriptors(running.pids),
        "database_mb": sum(size for name, size in files.items() if name not in logs),
        "wal_mb": sum(files[name] for name in logs),
        "cpu_seconds": processes.cpu_seconds(running.pids),
    }


def _files(folder: Path) -> Iterator[Path]:
    """The files of a datastore; a file that goes away meanwhile is none."""
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                path.stat()
                yield path


def _tell(sample: dict[str, float | None]) -> None:
    words = [
        f"{label} {number(value)}"
        for key, label in shown.GROWTH.items()
        if (value := sample[key]) is not None
    ]
    report.say(f"  {(sample['seconds'] or 0) / verdict.MINUTE:.0f} min: {', '.join(words)}")


def _judged(path: Path) -> dict[str, Any] | None:
    """What the checker says of the history; None where it has no end."""
    import recorded

    from checker.rules import check

    report.say("checking the history")
    try:
        with path.open(encoding="utf-8") as lines:
            history = recorded.read(lines)
    except (OSError, CannotMeasureError) as error:
        report.say(str(error))
        return None
    outcomes = [write.outcome for write in history.writes]
    return {
        "writes": len(outcomes),
        "acknowledged": outcomes.count("done"),
        "refused": outcomes.count("refused"),
        "unknown": outcomes.count("unknown"),
        "reads": len(history.reads),
        "watches": len(history.watchings),
        "events": sum(len(watching.events) for watching in history.watchings),
        "jumps": sum(len(watching.jumps) for watching in history.watchings),
        "faults": [{"kind": fault.kind, "text": fault.text} for fault in check(history)],
    }


BENCHMARK = Benchmark("soak", __doc__, measure, shown.table, shown.drawn, verdict.targets, is_strict=True)

if __name__ == "__main__":
    sys.exit(main())
