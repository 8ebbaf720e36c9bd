"""Nobody but the owner can read or enter anything in the state folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from command_line import NOBODY, Sandkube


def open_to_others(root: Path) -> dict[str, str]:
    """Every entry below ``root`` whose mode is not 0700 for a folder and 0600 for all else; links aside."""
    found = {}
    for path in (root, *root.rglob("*")):
        mode = path.lstat().st_mode
        wanted = 0o700 if stat.S_ISDIR(mode) else 0o600
        if "cache" in path.relative_to(root).parts:
            continue  # kubectl's own, of what every server of this version offers; its parents are closed
        if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) != wanted:
            found[str(path.relative_to(root))] = oct(stat.S_IMODE(mode))
    return found


def test_the_walk_finds_an_open_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "open").touch(mode=0o600)
    assert not open_to_others(tmp_path)
    (tmp_path / "open").chmod(0o640)
    assert open_to_others(tmp_path) == {"open": "0o640"}


def test_modes_while_running(running: Sandkube) -> None:
    assert (running.folder().database.parent / "kine.sock").is_socket()
    assert not open_to_others(running.state)


def test_modes_when_stopped_crashed_and_prepared(sandkube: Sandkube) -> None:
    sandkube.shell("umask 022; sandkube up --durability fast")
    sandkube.kill()
    assert not open_to_others(sandkube.state)
    sandkube.shell("umask 000; sandkube up && sandkube down && sandkube up other --dry-run")
    assert sandkube.folder("other").kubeconfig.exists()
    assert not open_to_others(sandkube.state)


def test_a_crash_report_is_private(sandkube: Sandkube) -> None:
    # A fault of ours, made by a file where no code of ours expects one.
    code = (
        "import sys; from sandkube.cli.crash import write_report; print(write_report(OSError('x'), ['up']))"
    )
    done = sandkube.run([*sandkube.python, "-c", f"import os; os.umask(0); {code}"])
    assert Path(done.stdout.strip()).read_text().startswith("command:")
    assert not open_to_others(sandkube.state)


def test_a_state_folder_that_others_can_write_to_is_refused(sandkube: Sandkube) -> None:
    sandkube.state.mkdir(mode=0o700)
    sandkube.state.chmod(0o777)
    done = sandkube("up", status=2)
    assert f"Others can write to {sandkube.state}" in done.stderr
    assert "hint: chmod go-w" in done.stderr
    assert not any(sandkube.state.iterdir())


def test_a_cluster_folder_of_another_user_is_refused(sandkube: Sandkube) -> None:
    """What lies in it was put there by them: certificates that they hold the keys of, for one."""
    if os.getuid() != 0:
        pytest.skip("needs root, to give a folder away")
    folder = sandkube.folder().path
    folder.mkdir(parents=True, mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    for command in ("up", "down", "status", "delete", "logs", "env"):
        assert f"{folder} belongs to the user with the number {NOBODY}" in sandkube(command, status=2).stderr
    assert folder.stat().st_uid == NOBODY
