"""`up` that is interrupted, ended or killed, at every step of a start."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from command_line import PATIENCE, Sandkube, until
from lengths import some_of

# A file that is there then, or an event or the part that it tells of.
FILES = ("clusters", "clusters/default.lock", "clusters/default/pki/ca.key", "clusters/default/run.json")
EVENTS = ("starting", "datastore", "listening", "api-server", "controller-manager")
MOMENTS = (*FILES, *EVENTS)


def started_until(sandkube: Sandkube, moment: str, *arguments: str) -> subprocess.Popen[str]:
    """`up`, as far as ``moment``."""
    popen = sandkube.start("up", *arguments)
    until(lambda: popen.poll() is not None or _came(sandkube, moment))
    assert popen.poll() is None, popen.communicate()[1]
    return popen


def _came(sandkube: Sandkube, moment: str) -> bool:
    if moment in FILES:
        return (sandkube.state / moment).exists()
    return any(moment in (event.event, event.component) for event in sandkube.events())


@pytest.mark.parametrize(
    "moment",
    some_of(
        MOMENTS, "clusters", "clusters/default.lock", "clusters/default/run.json", "starting", "api-server"
    ),
)
def test_ctrl_c_leaves_nothing_behind(sandkube: Sandkube, moment: str) -> None:
    popen = started_until(sandkube, moment)
    os.killpg(popen.pid, signal.SIGINT)  # as a terminal does: to all processes in the foreground
    _, err = popen.communicate(timeout=PATIENCE)
    assert popen.returncode == 130, err
    assert err.endswith("Interrupted.\n")
    assert "Traceback" not in err
    _nothing_is_left(sandkube)


@pytest.mark.parametrize(
    "moment",
    some_of(["clusters/default.lock", "clusters/default/run.json", "listening"], "listening"),
)
def test_nor_does_term(sandkube: Sandkube, moment: str) -> None:
    popen = started_until(sandkube, moment)
    popen.terminate()
    _, err = popen.communicate(timeout=PATIENCE)
    assert popen.returncode == 143, err
    assert "Traceback" not in err
    _nothing_is_left(sandkube)


def _nothing_is_left(sandkube: Sandkube) -> None:
    assert sandkube.servers() == []
    assert not sandkube.folder().exists()
    assert [path.name for path in (sandkube.state / "clusters").iterdir()] in ([], ["default.lock"])


def test_a_second_ctrl_c_leaves_nothing_behind_either(sandkube: Sandkube) -> None:
    """The server that is being stopped, and does not, is not left to run."""
    popen = started_until(sandkube, "listening")
    (server,) = sandkube.servers()
    os.kill(server, signal.SIGSTOP)  # it will not stop when it is asked to
    os.killpg(popen.pid, signal.SIGINT)
    until(lambda: popen.poll() is not None or _is_pending(server, signal.SIGTERM))
    with contextlib.suppress(ProcessLookupError):  # it may be over
        os.killpg(popen.pid, signal.SIGINT)
    _, err = popen.communicate(timeout=PATIENCE)
    assert popen.returncode == 130, err
    _nothing_is_left(sandkube)


def _is_pending(pid: int, number: signal.Signals) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it is gone
        return False
    masks = [line.split()[1] for line in lines if line.startswith(("SigPnd", "ShdPnd"))]
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def test_ctrl_c_takes_nothing_from_a_cluster_that_was_there(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    assert sandkube.api().put_config_map("kept", "1", create=True)[0] == 201
    sandkube("down")
    before = sandkube.folder().spec.read_text()
    popen = sandkube.start("up", "--durability", "full", "--api-server-arg=--v=1")
    until(lambda: [event.event for event in sandkube.events()].count("listening") == 2)
    os.killpg(popen.pid, signal.SIGINT)
    _, err = popen.communicate(timeout=PATIENCE)
    assert popen.returncode == 130, err
    assert sandkube.servers() == []
    assert sandkube.folder().spec.read_text() == before
    assert sandkube.status(status=1)["state"] == "stopped"
    sandkube("up")
    assert "kept" in sandkube.api().config_maps()[1]


@pytest.mark.parametrize(
    "moment",
    some_of(MOMENTS, "clusters/default/pki/ca.key", "clusters/default/run.json", "starting", "listening"),
)
def test_after_a_kill_of_up_the_next_one_works(sandkube: Sandkube, moment: str) -> None:
    """Whatever the first one had started is taken over, or is begun anew: there is one server."""
    popen = started_until(sandkube, moment)
    popen.kill()
    popen.wait()
    sandkube("up")
    assert sandkube.servers() == [sandkube.pid()]
    assert sandkube.api()("GET", "/readyz") == (200, "ok")
    sandkube("down")
    assert sandkube.servers() == []


@pytest.mark.parametrize("command", ["down", "delete"])
def test_after_a_kill_of_up_its_server_can_be_ended(sandkube: Sandkube, command: str) -> None:
    popen = started_until(sandkube, "starting")
    popen.kill()
    popen.wait()
    assert sandkube.status(status=1)["state"] == "starting"
    sandkube(command)
    assert sandkube.servers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_ends_with_its_command(sandkube: Sandkube, number: signal.Signals) -> None:
    popen = sandkube.start("up", "--foreground", "--durability", "fast")
    assert popen.stderr is not None
    assert "Ctrl-C stops it. In another shell:\n" in iter(popen.stderr.readline, "")
    os.killpg(popen.pid, number)
    _, err = popen.communicate(timeout=PATIENCE)
    assert popen.returncode in (0, 128 + number), err
    assert sandkube.servers() == []
    assert sandkube.status(status=1)["state"] == "stopped"


def test_the_foregrounds_server_does_not_outlive_it(sandkube: Sandkube) -> None:
    popen = started_until(sandkube, "controller-manager", "--foreground", "--durability", "fast")
    popen.kill()
    popen.wait()
    until(lambda: not sandkube.servers())
    assert "parent ended" in [event.reason for event in sandkube.events() if event.event == "stopping"]
    sandkube("up")
