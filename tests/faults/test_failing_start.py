"""A server that dies at its start says why, and leaves things as they were."""

from __future__ import annotations

import pytest

from command_line import Sandkube


def test_a_flag_that_is_none(sandkube: Sandkube) -> None:
    """It is refused before anything runs: status 2 of the server."""
    done = sandkube("up", "--api-server-arg", "--nonsense", status=2)
    assert "Cluster `default` did not start:" in done.stderr
    assert "unknown flag: --nonsense (the server ended with status 2)" in done.stderr
    assert "  | sandkube-server: " in done.stderr
    _as_before(sandkube)


def test_a_file_that_is_not_there(sandkube: Sandkube) -> None:
    """The API server finds that out by itself: status 1, with the part that failed."""
    flag = "--audit-policy-file=/nowhere/policy.yaml"
    done = sandkube("up", "--api-server-arg", flag, status=2)
    assert "Cluster `default` did not start: api-server:" in done.stderr
    assert "/nowhere/policy.yaml" in done.stderr
    assert "(the server ended with status 1)" in done.stderr
    assert sum(line.startswith("  | ") for line in done.stderr.splitlines()) > 3
    _as_before(sandkube)


@pytest.mark.parametrize(
    ("option", "part"),
    [("--controller-manager-arg", "controller-manager"), ("--scheduler-arg", "scheduler")],
)
def test_the_other_parts(sandkube: Sandkube, option: str, part: str) -> None:
    flag = {"controller-manager": "--cluster-signing-cert-file", "scheduler": "--config"}[part]
    done = sandkube("up", option, f"{flag}=/nowhere/file", status=2)
    assert "Cluster `default` did not start:" in done.stderr
    assert "/nowhere/file" in done.stderr
    assert "(the server ended" in done.stderr
    _as_before(sandkube)


def test_one_that_is_not_ready_in_time(sandkube: Sandkube) -> None:
    done = sandkube("up", "--wait", "0.01", status=2)
    assert "Cluster `default` did not start: it was not Ready within" in done.stderr
    assert "hint: give it longer with --wait SECONDS" in done.stderr
    _as_before(sandkube)


def test_a_server_that_cannot_be_run(sandkube: Sandkube) -> None:
    broken = sandkube.root / "broken"
    broken.write_bytes(b"\x7fELF of another machine")
    broken.chmod(0o755)
    done = sandkube("up", status=2, environ={"SANDKUBE_SERVER": str(broken)})
    assert f"`{broken}` cannot be run" in done.stderr
    _as_before(sandkube)


def test_a_cluster_that_was_there_stays_as_it_was(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    sandkube("down")
    before = sandkube.folder().spec.read_text()
    sandkube("up", "--api-server-arg", "--nonsense", status=2)
    assert sandkube.folder().spec.read_text() == before
    assert sandkube.servers() == []
    assert "unknown flag: --nonsense" in sandkube("status", status=1).stdout
    sandkube("up")


@pytest.mark.parametrize("files", [32, 255])
def test_too_few_open_files(sandkube: Sandkube, files: int) -> None:
    done = sandkube.shell(f"ulimit -n {files} && sandkube up", status=2)
    assert f"The server needs 256 open files, and this shell allows {files}." in done.stderr
    assert "hint: ulimit -n 65536" in done.stderr
    _as_before(sandkube)


def test_open_files_up_to_the_hard_limit_are_taken(sandkube: Sandkube) -> None:
    """The least that is enough under a load is tried in test_limits."""
    sandkube.shell("ulimit -S -n 64 && sandkube up")
    assert sandkube.api()("GET", "/readyz") == (200, "ok")


def _as_before(sandkube: Sandkube) -> None:
    assert sandkube.servers() == []
    assert not any(path.is_dir() for path in (sandkube.state / "clusters").iterdir())
