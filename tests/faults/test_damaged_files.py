"""Files of the state folder that are damaged or gone: mended, or named in an error that says what to do.

Nothing is ever lost by that, and `delete` always works.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Sandkube, until
from lengths import some_of

GARBAGE = {
    "empty": b"",
    "binary": bytes(range(128, 256)) * 8,
    "half": b'{"version": 1, "na',
    "a list": b"[1]",
    "empty object": b"{}",
    "another version": b'{"version": 999}',
    "other types": b'{"version": 1, "name": 5, "pid": "x", "port": [], "durability": {}}',
}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a cluster that was stopped, with something in it. To be copied."""
    from command_line import fresh

    with fresh(tmp_path_factory.mktemp("s")) as made:
        made("up", "--durability", "fast")
        status, body = made.api().put_config_map("kept", "1", create=True)
        assert status == 201, body
        made("down")
        yield made.state


@pytest.fixture
def copied(sandkube: Sandkube, stopped: Path) -> Sandkube:
    """A sandkube with that cluster; its files name no place but their own once it was started."""
    shutil.copytree(stopped, sandkube.state, symlinks=True)
    return sandkube


def nothing_lost(sandkube: Sandkube) -> None:
    """`up` works, and what was in the cluster is there."""
    sandkube("up")
    assert "kept" in sandkube.api().config_maps()[1]


def test_cluster_json(copied: Sandkube) -> None:
    file = copied.folder().spec
    good = file.read_bytes()

    def refused(command: str) -> None:
        done = copied(command, status=2)
        assert f"{file} cannot be understood" in done.stderr
        remedy = "mend the file, or remove the cluster with all its objects: sandkube delete"
        assert f"hint: {remedy}" in done.stderr

    for content in GARBAGE.values():
        file.write_bytes(content)
        refused("up")
    refused("status")
    refused("env")
    assert "unreadable" in copied("list").stdout
    assert copied("down").stderr.strip() == "Cluster `default` was not running."
    assert file.read_bytes() == content
    file.write_bytes(good)
    assert copied.status(status=1)["state"] == "stopped"
    copied("delete")


def test_cluster_json_that_is_gone(copied: Sandkube) -> None:
    copied.folder().spec.unlink()
    nothing_lost(copied)


def test_run_json(copied: Sandkube) -> None:
    file = copied.folder().run

    def refused(command: str) -> None:
        done = copied(command, status=2)
        assert f"{file} cannot be understood" in done.stderr
        assert "hint: `sandkube down default` finds the server without it" in done.stderr

    for content in GARBAGE.values():
        file.write_bytes(content)
        refused("up")
    refused("status")
    assert "unreadable" in copied("list").stdout
    copied("down")
    assert not file.exists()
    assert copied.status(status=1)["state"] == "stopped"


@pytest.mark.parametrize("content", [b"", None], ids=["empty", "gone"])
def test_run_json_of_a_running_server(copied: Sandkube, content: bytes | None) -> None:
    """The server is found without it, and is not started a second time."""
    copied("up")
    pid = copied.pid()
    file = copied.folder().run
    if content is None:
        file.unlink()
        copied("up")
        assert copied.pid() == pid
        assert copied.api()("GET", "/readyz") == (200, "ok")
    else:
        file.write_bytes(content)
    assert "stopped after" in copied("down").stderr
    assert copied.servers() == []
    nothing_lost(copied)


@pytest.mark.parametrize("content", [b"\x80\xff{", None], ids=["garbage", "gone"])
def test_what_is_written_anew_at_every_start(copied: Sandkube, content: bytes | None) -> None:
    for name in ("kubeconfig", "server.json", "events.jsonl", "authentication.yaml"):
        file = copied.folder().path / name
        file.unlink() if content is None else file.write_bytes(content)
    assert copied.status(status=1)["state"] == "stopped"
    nothing_lost(copied)
    assert copied("kubectl", "get", "--raw", "/readyz").stdout == "ok"
    copied("down")
    assert copied.status(status=1)["state"] == "stopped"


def test_events_that_are_garbage_do_not_hide_a_server(copied: Sandkube) -> None:
    """Half a line, as a power cut leaves it, and then a server whose run.json is gone."""
    with copied.folder().events.open("ab") as file:
        file.write(b'{"time": "2026-')
    copied("up")
    pid = copied.pid()
    copied.folder().run.unlink()
    copied("up")
    assert copied.servers() == [copied.pid()] == [pid]


def test_a_database_that_is_none(copied: Sandkube) -> None:
    database = copied.folder().database
    good = database.read_bytes()
    for content in (b"garbage " * 4096, b"SQLite format 3\0" + b"\xff" * 65536):
        database.write_bytes(content)
        done = copied("up", status=2)
        assert "Cluster `default` did not start: datastore:" in done.stderr
        assert str(database) in done.stderr
        assert "hint: if its file is damaged, begin anew: sandkube delete default" in done.stderr
        assert copied.servers() == []
        assert database.read_bytes() == content  # whatever can be saved of it is there to be saved
    database.write_bytes(good)
    nothing_lost(copied)


def test_a_database_that_a_crash_damaged(copied: Sandkube) -> None:
    copied("up")
    for number in range(50):
        assert copied.api().put_config_map(f"more-{number}", "x" * 2000, create=True)[0] == 201
    copied.kill()
    database = copied.folder().database
    assert Path(f"{database}-wal").stat().st_size > 0
    with database.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    done = copied("up", status=2)
    assert "did not start: datastore:" in done.stderr
    assert str(database) in done.stderr
    assert "sandkube delete default" in done.stderr
    copied("delete")
    copied("up", "--durability", "fast")


@pytest.mark.parametrize(
    "name",
    some_of(
        ["admin.crt", "apiserver.key", "ca.crt", "ca.key", "sa.key", "sa.pub", "pki.json"],
        "apiserver.key",
        "ca.crt",
        "sa.key",
    ),
)
def test_a_certificate_or_key_that_is_gone_is_made_again(copied: Sandkube, name: str) -> None:
    (copied.folder().pki / name).unlink()
    nothing_lost(copied)
    assert copied("kubectl", "get", "--raw", "/readyz").stdout == "ok"
    _tokens_work(copied)


def _tokens_work(sandkube: Sandkube) -> None:
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    status, answer = sandkube.api()("POST", f"{account}/token", body)
    assert status == 201, answer
    token = answer["status"]["token"]
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token},
    }
    _, answer = sandkube.api()("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert answer["status"]["authenticated"], answer


@pytest.mark.parametrize(
    ("name", "kept"),
    some_of(
        [
            ("admin.crt", 0),
            ("admin.key", 60),
            ("apiserver.crt", 60),
            ("apiserver.key", 0),
            ("ca.crt", 60),
            ("ca.key", 0),
            ("sa.key", 60),
            ("sa.pub", 0),
        ],
        ("admin.key", 60),
        ("ca.key", 0),
        ("sa.pub", 0),
    ),
)
def test_a_certificate_or_key_that_a_power_cut_cut_off_is_made_again(
    copied: Sandkube, name: str, kept: int
) -> None:
    file = copied.folder().pki / name
    file.write_bytes(file.read_bytes()[:kept])
    nothing_lost(copied)
    assert copied("kubectl", "get", "--raw", "/readyz").stdout == "ok"
    _tokens_work(copied)


def test_a_key_that_is_none_is_named(copied: Sandkube) -> None:
    file = copied.folder().pki / "sa.pub"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], "bm90IGEga2V5", lines[-1], ""]))
    done = copied("up", status=2)
    assert str(file) in done.stderr
    assert "hint: if the file is damaged, remove it: `up` makes a new one" in done.stderr
    assert copied.servers() == []
    file.unlink()
    nothing_lost(copied)


def test_garbage_in_the_index_of_certificates(copied: Sandkube) -> None:
    index = copied.folder().pki / "pki.json"
    for content in (*GARBAGE.values(), b'{"version": 1, "certificates": [1]}'):
        index.write_bytes(content)
        done = copied.run([*copied.command, "up", "--dry-run"], status=None)
        assert done.returncode == 0 or (str(index) in done.stderr and "hint: remove" in done.stderr)


@pytest.mark.parametrize("command", some_of(["down", "up", "delete"], "down", "up"))
def test_another_process_with_the_servers_number_is_left_alone(copied: Sandkube, command: str) -> None:
    copied("up")
    dead = copied.kill()
    with subprocess.Popen(["sleep", "1000"]) as bystander:
        try:
            run = json.loads(copied.folder().run.read_text())
            assert run["pid"] == dead
            run["pid"] = bystander.pid
            copied.folder().run.write_text(json.dumps(run))
            text = copied.folder().events.read_text().replace(f'"pid":{dead}', f'"pid":{bystander.pid}')
            copied.folder().events.write_text(text)
            assert copied.status(status=1)["state"] == "crashed"
            copied(command)
            copied.folder().run.unlink(missing_ok=True)  # without it, the events say which process it is
            copied.run([*copied.command, command], status=None)
            assert bystander.poll() is None
        finally:
            bystander.send_signal(signal.SIGKILL)


def test_a_folder_that_is_removed_under_a_running_server(copied: Sandkube) -> None:
    copied("up")
    shutil.rmtree(copied.folder().path)
    assert "There is no cluster `default`" in copied("status", status=2).stderr
    assert "There is no cluster `default`" in copied("down", status=2).stderr
    assert "There are no clusters" in copied("list").stderr
    copied("up", "--durability", "fast")
    assert copied.api()("GET", "/readyz") == (200, "ok")
    assert copied.pid() in copied.servers()


def test_the_whole_state_folder_removed_under_a_running_server(copied: Sandkube) -> None:
    copied("up")
    shutil.rmtree(copied.state)
    assert "There is no cluster `default`" in copied("delete", status=2).stderr
    assert "There are no clusters" in copied("list").stderr


def test_what_a_removal_left_behind_is_removed(copied: Sandkube) -> None:
    rest = copied.state / "clusters" / "other.removing-0123abcd"
    shutil.copytree(copied.folder().path, rest, symlinks=True)
    assert json.loads(copied("list", "-o", "json").stdout)["clusters"][0]["name"] == "default"
    copied("up")
    assert not rest.exists()


@pytest.mark.parametrize("command", ["down", "status", "delete", "logs", "env", "kubeconfig", "shell"])
def test_a_cluster_that_is_not_there(sandkube: Sandkube, command: str) -> None:
    done = sandkube(command, "absent", status=2)
    assert "There is no cluster `absent`." in done.stderr
    assert "hint: sandkube up absent" in done.stderr
    assert done.stdout == ""
    assert not sandkube.state.exists()


def test_commands_on_a_stopped_cluster(copied: Sandkube) -> None:
    assert copied("down").stderr.strip() == "Cluster `default` was not running."
    assert "state:         stopped" in copied("status", status=1).stdout
    assert copied("logs").stdout.count("\n") > 10
    assert copied("logs", "--follow").stdout == copied("logs").stdout  # and it ends
    assert "is stopped. To start it:" in copied("env").stderr
    assert "Cluster `default` is stopped." in copied("shell", status=2).stderr
    assert "is not running; to start it:" in copied("kubectl", "version", "--client").stderr
    assert "stopped" in copied("list").stdout
    assert "There is no cluster `other`; there are: default." in copied("down", "other", status=2).stderr
    assert "Cluster `default` is deleted." in copied("delete").stderr
    until(lambda: not copied.folder().exists())
