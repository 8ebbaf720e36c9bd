"""What the unit tests of `doctor` share: surroundings that are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandkube.doctor import Surroundings


@pytest.fixture
def around(state: Path, tmp_path: Path) -> Surroundings:
    """The test's own state and cache folder, an empty PATH, and kernel files that the test writes."""
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    cgroup.mkdir()
    environ = {
        "SANDKUBE_STATE_DIR": str(state),
        "SANDKUBE_CACHE_DIR": str(tmp_path / "cache"),
        "PATH": str(tmp_path / "path"),
    }
    return Surroundings(environ=environ, proc=proc, cgroup=cgroup)
