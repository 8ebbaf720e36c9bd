"""`up --quiet`: silent when it is well, one line when it is not, and never longer than --wait."""

from __future__ import annotations

import fcntl
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import PATIENCE, Done, Sandkube, until

MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: here}
"""


def the_line(done: Done) -> str:
    """The only line that was said."""
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return line


@pytest.fixture
def held(sandkube: Sandkube) -> Iterator[None]:
    """A cluster's lock, held by another process than `up` for as long as the test lasts."""
    lock = sandkube.folder().lock
    lock.parent.mkdir(parents=True, mode=0o700)
    lock.parents[1].chmod(0o700)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def never_ready(sandkube: Sandkube) -> Path:
    """A server that says its version, and does nothing when it is to serve."""
    server = sandkube.root / "never-ready"
    server.write_text(f'#!/bin/sh\n[ "$1" = run ] || exec {sandkube.server} "$@"\nexec sleep 600\n')
    server.chmod(0o700)
    sandkube.environ["SANDKUBE_SERVER"] = str(server)
    return server


def test_it_is_silent_when_it_is_well(sandkube: Sandkube) -> None:
    manifest = sandkube.home / "m.yaml"
    manifest.write_text(MANIFEST)
    for arguments in ((), (), ("--apply", "m.yaml"), ("--wait", "0")):
        done = sandkube("up", "--quiet", *arguments)
        assert (done.stdout, done.stderr) == ("", "")
    assert sandkube("kubectl", "get", "configmap", "here", "-o", "name").stdout == "configmap/here\n"


def test_a_moved_port_is_well_too(sandkube: Sandkube) -> None:
    sandkube("up", "--quiet")
    assert sandkube("down", "--quiet").stderr == ""
    assert sandkube("up", "--quiet", "--port", "0").stderr == ""


def test_no_build_begins(sandkube: Sandkube) -> None:
    done = sandkube("up", "--quiet", environ={"SANDKUBE_SERVER": None}, status=2)
    assert "sandkube prepare" in the_line(done)
    assert not (sandkube.root / "cache" / "server").exists()
    assert sandkube.servers() == []


def test_a_cluster_that_runs_needs_no_server_binary(sandkube: Sandkube) -> None:
    sandkube("up", "--quiet")
    assert sandkube("up", "--quiet", environ={"SANDKUBE_SERVER": None}).stderr == ""


def test_a_start_that_fails_is_one_line(sandkube: Sandkube) -> None:
    done = sandkube("up", "--quiet", "--api-server-arg", "--nonsense", status=2)
    assert "unknown flag: --nonsense" in the_line(done)
    assert sandkube.servers() == []


@pytest.mark.parametrize("how", [("--foreground",), ("--dry-run",), ("--wait", "0")])
def test_what_is_not_bounded_is_one_line_too(sandkube: Sandkube, how: tuple[str, ...]) -> None:
    done = sandkube("up", "--quiet", *how, "--api-server-arg", "no flag at all", status=2)
    assert "no flag at all" in the_line(done)


def test_what_cannot_be_applied_is_one_line(sandkube: Sandkube) -> None:
    (sandkube.home / "m.yaml").write_text(MANIFEST.replace("ConfigMap", "NoSuchKind"))
    done = sandkube("up", "--quiet", "--apply", "m.yaml", status=2)
    assert "NoSuchKind" in the_line(done)
    assert sandkube.status()["state"] == "running"


@pytest.mark.usefixtures("held")
def test_a_lock_is_waited_for_no_longer_than_asked(sandkube: Sandkube) -> None:
    begun = time.monotonic()
    done = sandkube("up", "--quiet", "--wait", "2", status=2)
    # An `up` that is not quiet waits 20 seconds more for the lock.
    assert time.monotonic() - begun < 15
    assert the_line(done).endswith("was not Ready within 2 seconds.")


@pytest.mark.usefixtures("never_ready")
def test_what_is_late_is_undone_when_nobody_waits_any_more(sandkube: Sandkube) -> None:
    done = sandkube("up", "--quiet", "--wait", "3", status=2)
    assert the_line(done).endswith("was not Ready within 3 seconds.")
    until(lambda: not sandkube.folder().path.exists())
    assert sandkube.servers() == []


@pytest.mark.usefixtures("never_ready")
def test_an_interrupted_one_is_undone_first(sandkube: Sandkube) -> None:
    popen = sandkube.start("up", "--quiet")
    until(sandkube.folder().run.exists)
    popen.send_signal(signal.SIGINT)
    _, said = popen.communicate(timeout=PATIENCE)
    assert popen.returncode == 130
    assert said.split() == ["Interrupted."]
    assert not sandkube.folder().path.exists()
    assert sandkube.servers() == []


def test_a_service_manager_sees_an_orderly_stop(sandkube: Sandkube) -> None:
    """`up --foreground`, as a systemd unit has it, ended by SIGTERM."""
    popen = sandkube.start("up", "--foreground")
    until(lambda: sandkube.run([*sandkube.command, "status"], status=None).returncode == 0)
    popen.terminate()
    popen.communicate(timeout=PATIENCE)
    assert popen.returncode == 128 + signal.SIGTERM
    assert sandkube.servers() == []
    assert sandkube.status(status=1)["state"] == "stopped"
