"""`sandkube prepare` with a real server, and starts after it that have nothing but loopback."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from command_line import Sandkube


def prepared(sandkube: Sandkube, *arguments: str, status: int = 0) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        sandkube("prepare", *arguments, "--output", "json", status=status).stdout
    )
    return found


def test_a_named_server_is_ready(sandkube: Sandkube) -> None:
    assert prepared(sandkube, "--check") == prepared(sandkube)
    assert prepared(sandkube)["server"] == str(sandkube.server)


def test_a_server_that_does_not_run_is_not(sandkube: Sandkube) -> None:
    broken = sandkube.root / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o700)
    sandkube.environ["SANDKUBE_SERVER"] = str(broken)
    assert prepared(sandkube, "--check", status=1)["ready"] is False
    assert "is not a sandkube server" in sandkube("prepare", status=2).stderr


def test_a_check_changes_nothing(sandkube: Sandkube) -> None:
    for server in (str(sandkube.server), None):
        sandkube("prepare", "--check", status=0 if server else 1, environ={"SANDKUBE_SERVER": server})
    assert not (sandkube.root / "cache").exists()
    assert not sandkube.state.exists()


def test_a_plain_user_installs_prepares_and_starts(as_nobody: Sandkube) -> None:
    as_nobody("server", "install", str(as_nobody.server))
    del as_nobody.environ["SANDKUBE_SERVER"]
    found = prepared(as_nobody)
    assert found["ready"] is True
    assert found["template"] is not None
    assert as_nobody("up", "--quiet").stderr == ""


def test_what_is_prepared_starts_without_a_network(sandkube: Sandkube) -> None:
    """In a network namespace of its own, with loopback alone and no way out."""
    alone = ["unshare", "--net", "--map-root-user", "sh", "-c"]
    script = 'ip link set lo up && exec "$@"'
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("needs `unshare` and `ip`")
    if subprocess.run([*alone, "ip link set lo up"], capture_output=True, check=False).returncode:
        pytest.skip("needs a network namespace, which this machine does not give")
    prepared(sandkube)
    inner = f"{' '.join(sandkube.command)} up --quiet && {' '.join(sandkube.command)} kubectl get ns -o name"
    done = sandkube.run([*alone, script, "sh", "sh", "-c", inner])
    assert "namespace/default" in done.stdout.splitlines()
    assert done.stderr == ""
