"""What unit tests share: folders of their own, and a stand-in for the server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandkube.cluster import stop
from sandkube.config import state_dir
from sandkube.plane import process
from sandkube.plane.folder import all_folders
from sandkube.plane.process import Identity
from unit import fake_server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, with nothing of the user's settings around it."""
    for name in os.environ:
        if name.startswith(("SANDKUBE_", "XDG_")) or name in ("KUBECONFIG", "NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def state(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own; what runs in it at the end of the test is ended."""
    folder = tmp_path / "state"
    monkeypatch.setenv("SANDKUBE_STATE_DIR", str(folder))
    monkeypatch.setattr(stop, "TERM_SECONDS", 1.0)
    yield folder
    for root in {folder, state_dir()}:  # a test may have gone elsewhere
        for found in all_folders(root):
            stop.stop_server(found)


@pytest.fixture
def stand_in(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server binary that keeps the contract and serves nothing; see fake_server."""
    binary = tmp_path / "sandkube-server"
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{fake_server.__file__}" "$@"\n')
    binary.chmod(0o700)
    monkeypatch.setenv("SANDKUBE_SERVER", str(binary))
    return binary


@pytest.fixture
def me() -> Identity:
    """The process that the test runs in."""
    found = process.identity(os.getpid())
    assert found is not None
    return found
