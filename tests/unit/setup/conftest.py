"""The command line within the test's own process, in a project of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from unit.cli.conftest import Run, run

__all__ = ["Run", "project", "run"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, in which the test is."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
