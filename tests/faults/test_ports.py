"""A port that somebody else has."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from command_line import Sandkube


@contextlib.contextmanager
def taken(port: int = 0) -> Iterator[int]:
    """A port that this process listens on."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_was_asked_for_is_named(sandkube: Sandkube) -> None:
    with taken() as port:
        done = sandkube("up", "--port", str(port), status=2)
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr
    if Path("/proc/net/tcp").exists():
        assert f"(pid {os.getpid()})" in done.stderr
    assert "hint: ask for another with --port" in done.stderr
    assert not sandkube.folder().exists()
    assert sandkube.servers() == []


def test_a_remembered_port_gives_way(sandkube: Sandkube) -> None:
    """Nobody asked for it: the cluster moves, says so, and its kubeconfig goes along."""
    sandkube("up", "--durability", "fast")
    port = sandkube.status()["port"]
    sandkube("down")
    with taken(port):
        done = sandkube("up")
        moved = sandkube.status()["port"]
        assert moved != port
        assert f"Port {port} is taken: cluster `default` is on port {moved} now." in done.stderr
        assert f"https://127.0.0.1:{moved}" in sandkube.folder().kubeconfig.read_text()
        assert sandkube("kubectl", "get", "--raw", "/readyz").stdout == "ok"


def test_a_pinned_port_does_not(sandkube: Sandkube) -> None:
    """The cluster stays as it was: stopped, with that port."""
    with taken() as port:
        pass
    sandkube("up", "--port", str(port), "--durability", "fast")
    sandkube("down")
    with taken(port):
        assert f"Port {port} on 127.0.0.1 is taken" in sandkube("up", status=2).stderr
    assert sandkube.status(status=1)["state"] == "stopped"
    sandkube("up")
    assert sandkube.status()["port"] == port
