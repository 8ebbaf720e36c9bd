from __future__ import annotations

from pathlib import Path

import pytest

from sandkube.errors import Locked
from sandkube.plane.folder import ClusterFolder
from sandkube.plane.lock import locked, locked_at_once


@pytest.fixture
def folder(tmp_path: Path) -> ClusterFolder:
    return ClusterFolder.of(tmp_path, "demo")


def test_a_second_holder_waits_says_so_and_gives_up(folder: ClusterFolder) -> None:
    told: list[str] = []
    with locked(folder, 1.0), pytest.raises(Locked, match="`demo`"), locked(folder, 0.01, told.append):
        pass
    assert len(told) == 1
    with locked(folder, 0.01):  # free again
        pass


def test_at_once_says_whether(folder: ClusterFolder) -> None:
    with locked_at_once(folder) as held, locked_at_once(folder) as again:
        assert (held, again) == (True, False)


def test_a_folder_can_be_removed_while_it_is_held(folder: ClusterFolder) -> None:
    with locked(folder, 1.0):
        folder.create()
        folder.remove()
        assert folder.lock.exists()
