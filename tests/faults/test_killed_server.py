"""`kill -9` of the server: nothing that was acknowledged is lost, and the next `up` works."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass, field

import pytest

from command_line import PATIENCE, Api, Sandkube, kill, until
from lengths import LONG, some_of
from sandkube.config import DURABILITIES


@dataclass
class Writer:
    """Creates and replaces ConfigMaps until the server is gone; writes down what was acknowledged."""

    api: Api
    name: str
    tried: int = 0
    acknowledged: dict[str, tuple[int, int]] = field(default_factory=dict)  # the value, the resourceVersion
    newest: int = 0

    def run(self) -> None:
        """Each object is written five times, each time with a higher value."""
        while True:
            name, create = f"{self.name}-{self.tried // 5}", self.tried % 5 == 0
            self.tried += 1
            try:
                status, body = self.api.put_config_map(name, str(self.tried), create=create)
            except (OSError, ValueError):  # cut off, perhaps in the middle of an answer
                return
            if status not in (200, 201):
                return
            version = int(body["metadata"]["resourceVersion"])
            assert version > self.newest
            self.newest = version
            self.acknowledged[name] = (self.tried, version)


def write_and_kill(sandkube: Sandkube, round_: int, *, writes: int) -> list[Writer]:
    """Kill the server while four writers write, after ``writes`` of their writes at least."""
    pid = sandkube.pid()
    writers = [Writer(sandkube.api(), f"r{round_}-w{number}") for number in range(4)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    until(lambda: sum(writer.tried for writer in writers) >= writes)
    kill(pid)
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return writers


def check(sandkube: Sandkube, writers: list[Writer]) -> None:
    """What each writer was told is there, or what it tried next, which may have arrived without an answer."""
    revision, found = sandkube.api().config_maps()
    for writer in writers:
        assert writer.acknowledged
        assert revision >= writer.newest
        for name, (value, version) in writer.acknowledged.items():
            there, at = found[name]
            assert int(there) == value or int(there) == writer.tried, f"{name} is {there}, not {value}"
            assert at == version or (int(there) == writer.tried and at > version)


@pytest.mark.parametrize("durability", some_of(DURABILITIES, "fast", "full"))
def test_what_was_acknowledged_is_there(sandkube: Sandkube, durability: str) -> None:
    sandkube("up", "--durability", durability)
    written: list[Writer] = []
    for round_ in range(2 if LONG else 1):
        written += write_and_kill(sandkube, round_, writes=150)
        assert sandkube.status(status=1)["state"] == "crashed"
        sandkube("up")
        check(sandkube, written)
        newest = max(writer.newest for writer in written)
        status, body = sandkube.api().put_config_map(f"after-{round_}", "1", create=True)
        assert status == 201, body
        assert int(body["metadata"]["resourceVersion"]) > newest


def test_a_crash_is_told_with_the_last_event_and_the_log(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    sandkube.kill()
    done = sandkube("status", status=1)
    assert "state:         crashed" in done.stdout
    assert "last event:    ready" in done.stdout
    assert "reason:        it ended without saying why" in done.stdout
    assert sum(line.startswith("  | ") for line in done.stdout.splitlines()) >= 10
    last = sandkube.folder().log.read_text().splitlines()[-1]
    assert last in done.stdout
    assert "crashed" in sandkube("list").stdout
    assert sandkube("logs", "--tail", "1").stdout == f"{last}\n"
    assert "`default` is crashed. To start it:" in sandkube("env").stderr
    assert "Cluster `default` was not running." in sandkube("down").stderr
    assert sandkube.status(status=1)["state"] == "stopped"


def test_a_crashed_cluster_can_be_deleted(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    sandkube.kill()
    assert "Cluster `default` is deleted." in sandkube("delete").stderr
    assert not sandkube.folder().exists()


def test_term_ends_the_server_with_status_0(sandkube: Sandkube) -> None:
    """Run as a child of ours, so that its exit status reaches us."""
    sandkube("up", "--durability", "fast")
    sandkube("down")
    config = json.loads(sandkube.folder().server_config.read_text())
    port = json.loads(sandkube.folder().spec.read_text())["last_port"]
    config["listener"] = {"address": f"127.0.0.1:{port}"}  # which otherwise comes with a listener from Python
    changed = sandkube.folder().path / "child.json"
    changed.write_text(json.dumps(config))
    since = len(sandkube.events())
    with subprocess.Popen(
        [str(sandkube.server), "run", f"--config={changed}"], env=sandkube.environ
    ) as server:
        until(lambda: server.poll() is not None or any(e.whole_ready for e in sandkube.events()[since:]))
        server.terminate()
        assert server.wait(PATIENCE) == 0
    assert sandkube.events()[-1].event == "stopped"
    assert not sandkube.folder().database.with_name("state.db-wal").exists()


def test_a_server_that_does_not_answer_is_ended_all_the_same(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    os.kill(sandkube.pid(), signal.SIGSTOP)
    done = sandkube("down")
    assert "did not stop by itself, and was killed" in done.stderr
    assert sandkube.servers() == []
    sandkube("up")
    assert sandkube.api()("GET", "/readyz") == (200, "ok")


# How far a start has come: a file that is there, and then an event or the part that an event tells of.
FILES = ("pki/ca.key", "run.json", "db/state.db")
EVENTS = ("starting", "datastore", "listening", "api-server", "scheduler")


# In the short form each is killed half as often.
MOMENTS = {
    "by the template": ("pki/ca.key", "run.json", "listening", "scheduler"),
    "by the API server": ("db/state.db", "starting", "datastore", "api-server"),
}


@pytest.mark.parametrize("seeded", MOMENTS)
def test_killed_again_and_again_at_the_first_start(sandkube: Sandkube, seeded: str) -> None:
    """Nobody tidies up: `up` is killed first. The folder is what a power cut would leave."""
    if seeded == "by the API server":
        alone = sandkube.root / "alone" / "sandkube-server"  # with no template beside it
        alone.parent.mkdir()
        shutil.copy(sandkube.server, alone)
        sandkube.environ["SANDKUBE_SERVER"] = str(alone)
    for moment in (*FILES, *EVENTS) if LONG else MOMENTS[seeded]:
        since = len(sandkube.events())
        popen = sandkube.start("up", "--durability", "full")
        until(lambda: came(sandkube, moment, since) or popen.poll() is not None)  # noqa: B023
        assert popen.poll() is None, popen.communicate()
        popen.kill()
        popen.wait()
        for pid in sandkube.servers():
            kill(pid)
    assert sandkube.folder().exists()
    sandkube("up")
    namespaces = sandkube("kubectl", "get", "namespaces", "-o", "name").stdout.split()
    assert sorted(namespaces) == sorted(
        f"namespace/{name}" for name in ("default", "kube-node-lease", "kube-public", "kube-system")
    )
    status, roles = sandkube.api()("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles")
    assert status == 200
    assert len(roles["items"]) > 60


def came(sandkube: Sandkube, moment: str, since: int) -> bool:
    """Whether a start has come to that moment, with ``since`` events told before it."""
    if moment in FILES:
        return (sandkube.folder().path / moment).exists()
    return any(moment in (event.event, event.component) for event in sandkube.events()[since:])
