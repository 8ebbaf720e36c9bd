"""A load on a cluster, as the tests of faults put it on, and its verdict."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from checker.history import History
from checker.recorder import Load, Recorder
from checker.rules import check, recovery
from command_line import Api, until

SEED = int(os.environ.get("SANDKUBE_SEED") or random.SystemRandom().randrange(10**6))

# What was found without a fault in this run, and what was done to it: for the closing line of a long one.
TALLY: Counter[str] = Counter()

# Watches come from the datastore itself: a restarted API server would answer older versions by 410.
UNCACHED = "--api-server-arg=--watch-cache-sizes=configmaps#0"
COMPACTING = "--api-server-arg=--etcd-compaction-interval=1s"


def connecting(api: Api, *, timeout: float = 20) -> Callable[[], http.client.HTTPConnection]:
    """What opens a connection to the API server, as its administrator."""
    return lambda: http.client.HTTPSConnection("127.0.0.1", api._port, context=api._context, timeout=timeout)


@contextlib.contextmanager
def load(api: Api, seed: int = 0, **settings: int) -> Iterator[Recorder]:
    """A load on the cluster; its seed is printed."""
    print(f"\nSANDKUBE_SEED={SEED}")
    with Recorder(Load(seed=SEED + seed, **settings), connecting(api)) as recorder:
        until(lambda: recorder.written > 50)
        yield recorder


def judged(recorder: Recorder, *, since: float | None = None, least: int = 100) -> History:
    """The history of a load that is over, after it was found to be without a fault."""
    history = recorder.history()
    done = sum(write.outcome == "done" for write in history.writes)
    unknown = sum(write.outcome == "unknown" for write in history.writes)
    events = sum(len(watching.events) for watching in history.watchings)
    print(f"{done} writes acknowledged, {unknown} unknown, {events} events, {recorder.breaks} resumptions")
    if since is not None:
        seconds = recovery(history, since)
        print("no write after the fault" if seconds is None else f"recovered after {seconds:.2f} s")
    found = check(history)
    assert not found, "\n".join(map(str, found[:20]))
    assert done > least
    TALLY.update(loads=1, writes=done, events=events, resumptions=recorder.breaks)
    return history


def progress(recorder: Recorder, writes: int) -> None:
    """Wait until so many writes more were acknowledged."""
    goal = recorder.written + writes
    until(lambda: recorder.written >= goal)


def size(path: Path) -> int:
    """Bytes; 0 for what is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended has no command line, whoever may still wait for it."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def compactions(log: Path) -> int:
    """How many compactions a server's log tells of."""
    return log.read_bytes().count(b"COMPACT deleted")
