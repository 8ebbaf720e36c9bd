"""What went wrong in kine elsewhere, tried against the kine that we ship: a test each.

kine answers etcd's protocol from a SQLite file. Compaction is driven by the API server, here every second
instead of every five minutes.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checker.recorder import PATH
from command_line import Api, Sandkube, until
from faults.loading import COMPACTING, UNCACHED, compactions, connecting, judged, load, progress, size
from lengths import LONG, some_of

MEGABYTE = 1 << 20


def bytes_of_database(sandkube: Sandkube) -> tuple[int, int]:
    """The size of the database, and of its write-ahead log."""
    database = sandkube.folder().database
    return size(database), size(database.with_name("state.db-wal"))


@contextlib.contextmanager
def edited(sandkube: Sandkube) -> Iterator[sqlite3.Connection]:
    """The database of a cluster that is down."""
    with contextlib.closing(sqlite3.connect(sandkube.folder().database)) as database, database:
        yield database


@contextlib.contextmanager
def kept_busy(api: Api, task: Callable[[http.client.HTTPConnection], None], *, times: int) -> Iterator[None]:
    """Do it again and again on so many connections."""
    over = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        with contextlib.closing(connecting(api)()) as connection:
            try:
                while not over.is_set():
                    task(connection)
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures, failures


def lists(connection: http.client.HTTPConnection) -> None:
    """Read everything, from the datastore."""
    connection.request("GET", PATH)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200


def test_the_database_is_never_locked_and_compaction_goes_on(sandkube: Sandkube) -> None:
    """Once `database is locked` was met, compaction stopped for good, and the file grew (k3s 8234, 11269)."""
    sandkube("up", UNCACHED, COMPACTING)
    with load(sandkube.api(), seed=40, clients=8, size=2000) as recorder:
        for _ in range(6 if LONG else 3):
            seen = compactions(sandkube.folder().log)
            progress(recorder, 100)
            until(lambda: compactions(sandkube.folder().log) > seen)  # noqa: B023
        recorder.stop()
    judged(recorder)
    log = sandkube.folder().log.read_text()
    assert "database is locked" not in log
    assert "Compact failed" not in log


def overwrite(connection: http.client.HTTPConnection, name: str, number: int, *, create: bool) -> None:
    """Write 400 kB into a ConfigMap."""
    body = {"metadata": {"name": name}, "data": {"x": f"{number} " + "x" * 400_000}}
    method, path = ("POST", PATH) if create else ("PUT", f"{PATH}/{name}")
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status in (200, 201), said


def test_size_stays_bounded_while_somebody_always_reads(sandkube: Sandkube) -> None:
    """The write-ahead log was never written back under constant readers (kine 582); nothing was compacted.

    A version that is replaced is kept twice until it is compacted, so sixty megabytes are written here, or a
    hundred in the long form.
    """
    sandkube("up", "--durability", "fast", UNCACHED, COMPACTING)
    api = sandkube.api()
    largest = (0, 0)
    with kept_busy(api, lists, times=2), contextlib.closing(connecting(api)()) as connection:
        for number in range(120 if LONG else 75):
            overwrite(connection, f"big-{number % 5}", number, create=number < 5)
            now = bytes_of_database(sandkube)
            largest = max(largest[0], now[0]), max(largest[1], now[1])
            if number % 15 == 14:
                seen = compactions(sandkube.folder().log)
                until(lambda: compactions(sandkube.folder().log) > seen)  # noqa: B023
    print(f"largest: database {largest[0] >> 20} MB, log {largest[1] >> 20} MB")
    assert sum(largest) < (60 if LONG else 45) * MEGABYTE, largest
    seen = compactions(sandkube.folder().log)
    until(lambda: compactions(sandkube.folder().log) > seen + 2)
    sandkube("down")
    with edited(sandkube) as database:
        rows = database.execute(
            "SELECT COUNT(*) FROM kine WHERE name LIKE '/registry/configmaps/default/big-%'"
        )
        assert rows.fetchone()[0] <= 10  # old versions are gone from the file, whose space is used again
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert bytes_of_database(sandkube)[1] == 0


def test_it_starts_when_every_key_is_older_than_the_compacted_revision(sandkube: Sandkube) -> None:
    """A restart failed then (kine 311)."""
    sandkube("up", "--durability", "fast")
    assert sandkube.api().put_config_map("kept", "1", create=True)[0] == 201
    sandkube("down")
    with edited(sandkube) as database:
        (newest,) = database.execute("SELECT MAX(id) FROM kine").fetchone()
        database.execute("UPDATE kine SET prev_revision = ? WHERE name = 'compact_rev_key'", (newest,))
    sandkube("up", UNCACHED)
    assert sandkube.api().config_maps()[1]["kept"][0] == "1"
    with load(sandkube.api(), seed=41) as recorder:
        recorder.stop()
        recorder.again()
    judged(recorder, least=50)


def test_garbage_in_the_shared_memory_file(sandkube: Sandkube) -> None:
    """It says nothing of the data, and is made anew."""
    sandkube("up", UNCACHED)
    with load(sandkube.api(), seed=42) as recorder:
        for content in (b"", b"x", os.urandom(32768)) if LONG else (os.urandom(32768),):
            sandkube.kill()
            sandkube.folder().database.with_name("state.db-shm").write_bytes(content)
            sandkube("up")
            progress(recorder, 20)
        recorder.stop()
        recorder.again()
    judged(recorder, least=50)


def test_a_database_put_back_beside_a_log_of_later(sandkube: Sandkube) -> None:
    """A write-ahead log is replayed over whatever lies beside it (k0s 7941).

    After `down` there is none. After a crash there is: what was put back is then either whole, or refused.
    """
    sandkube("up", "--durability", "fast")
    assert sandkube.api().put_config_map("kept", "1", create=True)[0] == 201
    sandkube("down")
    database = sandkube.folder().database
    assert bytes_of_database(sandkube)[1] == 0
    saved = database.read_bytes()
    sandkube("up")
    for number in range(30):
        assert sandkube.api().put_config_map(f"later-{number}", "x" * 20_000, create=True)[0] == 201
    sandkube("down")
    sandkube("up")
    for number in range(30, 60):
        assert sandkube.api().put_config_map(f"later-{number}", "x" * 20_000, create=True)[0] == 201
    sandkube.kill()
    assert bytes_of_database(sandkube)[1] > 0
    database.write_bytes(saved)
    done = sandkube.run([*sandkube.command, "up"], status=None)
    if done.returncode:
        assert f"{database} " in done.stderr
        assert "sandkube delete default" in done.stderr
        assert sandkube.servers() == []
        for suffix in ("-wal", "-shm"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)
            sandkube("up")
    found = sandkube.api().config_maps()[1]
    assert found["kept"][0] == "1"
    sandkube("down")
    with edited(sandkube) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    "cached",
    some_of([False, True], False),
    ids={False: "from the datastore", True: "from the watch cache"}.get,
)
def test_a_burst_reaches_the_watchers(sandkube: Sandkube, cached: bool) -> None:  # noqa: FBT001
    """kine wakes its watchers by a queue of 1024 numbers; what does not fit must not be lost."""
    sandkube("up", "--durability", "fast", *([] if cached else [UNCACHED]))
    with load(sandkube.api(), seed=43, clients=12, watchers=3, keys=400) as recorder:
        progress(recorder, 1100)
        began = time.monotonic()
        recorder.stop()
        print(f"the last watcher had everything {time.monotonic() - began:.2f} s after the last write")
    judged(recorder, least=1100)


def token(api: Api) -> str:
    """Where a list that was cut off after one object goes on."""
    status, body = api("GET", f"{PATH}?limit=1")
    assert status == 200
    return str(body["metadata"]["continue"])


def test_an_old_list_token_expires(sandkube: Sandkube) -> None:
    """With kine's usual retention of 1000 revisions it never would on a quiet cluster.

    The API server's own cache keeps what was compacted for some seconds more.
    """
    sandkube("up", "--durability", "fast", UNCACHED, COMPACTING)
    api = sandkube.api()
    for name in ("one", "two", "three"):
        assert api.put_config_map(name, "1", create=True)[0] == 201
    old = token(api)
    status, body = api("GET", f"{PATH}?limit=1&continue={old}")
    assert status == 200, body
    assert api.put_config_map("one", "2", create=False)[0] == 200
    until(lambda: api("GET", f"{PATH}?limit=1&continue={old}")[0] == 410)
    status, body = api("GET", f"{PATH}?limit=1&continue={old}")
    assert (status, body["reason"]) == (410, "Expired"), body
    # What the answer offers instead goes on with what is there now.
    status, body = api("GET", f"{PATH}?limit=5&continue={body['metadata']['continue']}")
    assert status == 200, body


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not LONG, reason="takes eleven minutes: SANDKUBE_LONG=1")
def test_an_old_list_token_expires_by_default_within_ten_minutes(sandkube: Sandkube) -> None:
    """Upstream's test of conformance waits no longer. Nobody writes meanwhile."""
    sandkube("up", "--durability", "fast")
    api = sandkube.api()
    for name in ("one", "two", "three"):
        assert api.put_config_map(name, "1", create=True)[0] == 201
    old, began = token(api), time.monotonic()
    while api("GET", f"{PATH}?limit=1&continue={old}")[0] != 410:
        assert time.monotonic() < began + 600
        time.sleep(5)
    print(f"expired after {time.monotonic() - began:.0f} s")
