"""Faults while clients write and watchers watch: nothing acknowledged is lost, and no event either.

`checker` records all of it and judges. What a run does follows from a seed, which is printed; SANDKUBE_SEED
repeats one. How long it took until writes were acknowledged again is printed, not judged (`pytest -s`).
SANDKUBE_LONG=1 kills a hundred times, not four, and stops the server for a minute; SANDKUBE_KILLS and
SANDKUBE_PAUSE (seconds) say it otherwise.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.recorder import Recorder
from checker.rules import coverage
from command_line import Sandkube, kill, until
from faults.loading import SEED, TALLY, UNCACHED, judged, load, progress, size
from lengths import LONG

KILLS = int(os.environ.get("SANDKUBE_KILLS") or (100 if LONG else 4))
PAUSE = float(os.environ.get("SANDKUBE_PAUSE") or (60 if LONG else 3))


@pytest.mark.timeout(120 + 10 * KILLS)
def test_killed_at_random_points(sandkube: Sandkube) -> None:
    """Watchers resume where they were; a second look from the beginning shows the same."""
    sandkube("up", UNCACHED)
    chosen = random.Random(SEED)
    with load(sandkube.api(), size=200) as recorder:
        for _ in range(KILLS):
            progress(recorder, chosen.randrange(1, 200))
            time.sleep(chosen.random() / 20)
            sandkube.kill()
            TALLY["kills"] += 1
            killed = time.monotonic()
            sandkube("up")
            progress(recorder, 1)
            print(f"killed, and writing again after {time.monotonic() - killed:.2f} s")
        recorder.stop()
        recorder.again()
    judged(recorder)
    assert recorder.breaks >= KILLS
    assert not any(watching.jumps for watching in recorder.history().watchings)
    print(f"{KILLS} kills: no acknowledged write lost, no event lost, repeated or out of order")


def test_killed_with_the_watch_cache(sandkube: Sandkube) -> None:
    """As it is by default: a watcher that is behind is told so (410), and what it then lists is right."""
    sandkube("up")
    with load(sandkube.api(), seed=1) as recorder:
        for _ in range(2 if LONG else 1):
            progress(recorder, 100)
            sandkube.kill()
            TALLY["kills"] += 1
            sandkube("up")
        progress(recorder, 100)
        recorder.stop()
        sandkube("down")
        sandkube("up", UNCACHED)
        recorder.again()
    judged(recorder)


@pytest.mark.timeout(240 + 20 * KILLS)
def test_killed_during_compaction(sandkube: Sandkube) -> None:
    """It is killed when its log says that it began to compact.

    On a machine so slow that no watcher is back before the next compaction, the record has a hole and says
    nothing: then a second and a third time, on a cluster of its own.
    """
    for attempt in range(3):
        recorder = _killed_during_compaction(sandkube, seed=2 + 10 * attempt)
        if not (holes := list(coverage(recorder.history()))):
            break
        print(*holes, sep="\n")
        sandkube("delete")
    judged(recorder)


def _killed_during_compaction(sandkube: Sandkube, seed: int) -> Recorder:
    """What a load on a new cluster saw while its server was killed, twice or more."""
    sandkube("up", UNCACHED, "--api-server-arg=--etcd-compaction-interval=2s")
    chosen = random.Random(SEED)
    log = sandkube.folder().log
    with load(sandkube.api(), seed=seed, size=500) as recorder:
        for _ in range(max(2, KILLS // 3)):
            progress(recorder, 20)
            seen = log.read_bytes().count(b"COMPACT compactRev=")
            until(lambda: log.read_bytes().count(b"COMPACT compactRev=") > seen)  # noqa: B023
            time.sleep(chosen.random() / 100)
            sandkube.kill()
            TALLY["kills"] += 1
            sandkube("up")
        recorder.stop()
    return recorder


@pytest.mark.parametrize("grace", [None, 0.15], ids=["TERM", "TERM and soon after KILL"])
def test_ended(sandkube: Sandkube, grace: float | None) -> None:
    """By TERM alone it ends well, and leaves no write-ahead log behind."""
    sandkube("up", UNCACHED)
    with load(sandkube.api(), seed=3) as recorder:
        for _ in range(2 if LONG else 1):
            progress(recorder, 50)
            pid = sandkube.pid()
            os.kill(pid, signal.SIGTERM)
            if grace is not None:
                time.sleep(random.Random(SEED).random() * grace)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            until(lambda: not sandkube.servers())
            if grace is None:
                assert sandkube.events()[-1].event == "stopped"
                assert not size(sandkube.folder().database.with_name("state.db-wal"))
            sandkube("up")
        recorder.stop()
        recorder.again()
    judged(recorder)


@pytest.mark.timeout(120 + 10 * KILLS)
def test_killed_at_random_points_of_the_first_start(sandkube: Sandkube) -> None:
    """The next one takes up whatever is there."""
    chosen = random.Random(SEED)
    print(f"\nSANDKUBE_SEED={SEED}")
    for _ in range(max(3, KILLS // 2)):
        popen = sandkube.start("up")
        until(lambda: sandkube.servers() or popen.poll() is not None)  # noqa: B023
        time.sleep(chosen.random() * 1.5)
        popen.kill()
        popen.wait()
        for pid in sandkube.servers():
            kill(pid)
    sandkube("up")
    with load(sandkube.api(), seed=4) as recorder:
        recorder.stop()
    judged(recorder, least=50)


def test_stopped_for_a_while(sandkube: Sandkube) -> None:
    """SIGSTOP, as a suspended machine or a debugger does it."""
    sandkube("up", UNCACHED)
    pid = sandkube.pid()
    with load(sandkube.api(), seed=5) as recorder:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(PAUSE)
        os.kill(pid, signal.SIGCONT)
        continued = time.monotonic()
        progress(recorder, 100)
        recorder.stop()
        recorder.again()
    judged(recorder, since=continued)
    assert sandkube.pid() == pid
    assert sandkube.status()["state"] == "running"


def test_a_second_server_on_the_folder(sandkube: Sandkube) -> None:
    """It refuses, and the first does not notice."""
    sandkube("up", UNCACHED)
    config = json.loads(sandkube.folder().server_config.read_text())
    config["listener"] = {"address": "127.0.0.1:0"}
    second = sandkube.root / "second.json"
    second.write_text(json.dumps(config))
    before = sandkube.events()
    with load(sandkube.api(), seed=6) as recorder:
        for _ in range(3 if LONG else 1):
            done = sandkube.run([str(sandkube.server), "run", f"--config={second}"], status=2)
            assert "another server uses this datastore" in done.stderr
            assert str(sandkube.folder().database) in done.stderr
            assert sandkube.events() == before  # it wrote nothing into the story of the first
            progress(recorder, 60)
        recorder.stop()
        recorder.again()
    judged(recorder)
    assert recorder.breaks == 0


def test_its_parent_is_killed(sandkube: Sandkube) -> None:
    """The server of `up --foreground` ends in good order by itself."""
    popen = sandkube.start("up", "--foreground", UNCACHED)
    until(lambda: any(event.whole_ready for event in sandkube.events()))
    with load(sandkube.api(), seed=7) as recorder:
        popen.kill()
        popen.wait()
        until(lambda: not sandkube.servers())
        assert sandkube.events()[-1].event == "stopped"
        sandkube("up")
        progress(recorder, 50)
        recorder.stop()
        recorder.again()
    judged(recorder)


@contextlib.contextmanager
def memory_group(megabytes: int) -> Iterator[Path]:
    """A control group of cgroup v1 or v2 whose processes may have so much memory together."""
    root = Path("/sys/fs/cgroup")
    old = root / "memory" / "memory.limit_in_bytes"
    group = (root / "memory" if old.exists() else root) / f"sandkube-{os.getpid()}"
    limit = group / ("memory.limit_in_bytes" if old.exists() else "memory.max")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"needs a memory cgroup of its own: {error}")
    try:
        try:
            limit.write_text(str(megabytes << 20))
        except OSError as error:
            pytest.skip(f"needs a memory cgroup with a limit: {error}")
        with contextlib.suppress(OSError):
            (group / "memory.swap.max").write_text("0")
        yield group
    finally:
        until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def test_killed_for_want_of_memory(sandkube: Sandkube) -> None:
    """The kernel kills it; `status` says how it ended, and `up` brings all of it back."""
    sandkube("up", UNCACHED)
    pid = sandkube.pid()
    with memory_group(64) as group, load(sandkube.api(), seed=8) as recorder:
        # All that it has already is charged to where it was; what it takes from now on is charged here.
        (group / "cgroup.procs").write_text(str(pid))
        bodies = ["x" * 900_000] * 400
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            for number, body in enumerate(bodies):
                sandkube.api().put_config_map(f"large-{number}", body, create=True)
        until(lambda: not sandkube.servers())
        assert sandkube.status(status=1)["state"] == "crashed"
        killed = time.monotonic()
        sandkube("up")
        progress(recorder, 50)
        recorder.stop()
        recorder.again()
    judged(recorder, since=killed)
