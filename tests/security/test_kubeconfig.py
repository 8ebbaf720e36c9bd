"""The person's own kubeconfig: changed only when asked, and only where it is ours."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from command_line import Sandkube

THEIRS = """\
apiVersion: v1
kind: Config
current-context: work
preferences: {}
clusters:
- name: work
  cluster:
    server: https://work.example:6443
    certificate-authority: /etc/work/ca.crt
contexts:
- name: work
  context: {cluster: work, user: me, namespace: "0123"}
users:
- name: me
  user:
    token: 1e3
"""


@pytest.fixture
def theirs(running: Sandkube, tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    path.chmod(0o640)
    return path


def config(running: Sandkube, path: Path, *arguments: str) -> str:
    return running("kubeconfig", *arguments, environ={"KUBECONFIG": str(path)}).stdout


def test_nothing_is_merged_unasked(running: Sandkube) -> None:
    assert not (running.home / ".kube" / "config").exists()


def test_merging_keeps_mode_and_what_was_there(running: Sandkube, theirs: Path) -> None:
    config(running, theirs, "--merge")
    text = theirs.read_text()
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o640
    for line in (
        "current-context: work",
        "server: https://work.example:6443",
        "token: 1e3",
        "preferences: {}",
    ):
        assert line in text
    assert '"0123"' in text or "'0123'" in text
    assert "name: sandkube" in text
    assert sorted(path.name for path in theirs.parent.iterdir()) == ["config"]
    config(running, theirs, "--unmerge")
    after = theirs.read_text()
    assert "sandkube" not in after
    assert "token: 1e3" in after
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o640


def test_a_new_file_is_private_under_any_umask(running: Sandkube, tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    script = f"umask 000; export KUBECONFIG={path}; sandkube kubeconfig --merge"
    running.shell(script)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    done = running.run(
        [str(running.folder().kubectl), "get", "--raw", "/readyz"], environ={"KUBECONFIG": str(path)}
    )
    assert done.stdout == "ok"


def test_a_file_that_others_can_read_is_told_of(running: Sandkube, theirs: Path) -> None:
    """It holds the key of an administrator now."""

    def said() -> str:
        environ = {"KUBECONFIG": str(theirs)}
        return running("kubeconfig", "--merge", environ=environ).stderr

    words = "Others can read it, and with it the cluster's key. Unless that is meant:"
    assert f"{words} chmod go-rwx {theirs}" in said()
    theirs.chmod(0o600)
    assert "Others can read it" not in said()


def test_a_link_stays_a_link(running: Sandkube, theirs: Path) -> None:
    link = theirs.with_name("link")
    link.symlink_to(theirs)
    config(running, link, "--merge")
    assert link.is_symlink()
    assert "name: sandkube" in theirs.read_text()


def test_an_entry_of_somebody_elses_is_not_replaced(running: Sandkube, theirs: Path) -> None:
    text = THEIRS.replace("name: work", "name: sandkube")
    theirs.write_text(text)
    done = running("kubeconfig", "--merge", status=2, environ={"KUBECONFIG": str(theirs)})
    assert f"{theirs} has an entry `sandkube`" in done.stderr
    assert theirs.read_text() == text


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00", b"a: [", b"- a list", b"{}}"])
def test_a_file_that_cannot_be_understood_is_left_alone(
    running: Sandkube, theirs: Path, garbage: bytes
) -> None:
    theirs.write_bytes(garbage)
    done = running("kubeconfig", "--merge", status=2, environ={"KUBECONFIG": str(theirs)})
    assert str(theirs) in done.stderr
    assert theirs.read_bytes() == garbage
    assert [path.name for path in theirs.parent.iterdir()] == ["config"]
