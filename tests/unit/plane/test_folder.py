from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sandkube.errors import StateUnusable, UsageError
from sandkube.plane.folder import ClusterFolder, all_folders, remove_doomed


def test_everything_lies_in_the_folder_but_the_lock(tmp_path: Path) -> None:
    folder = ClusterFolder.of(tmp_path, "demo")
    names = [name for name in dir(ClusterFolder) if isinstance(getattr(ClusterFolder, name), property)]
    paths = [path for name in names if isinstance(path := getattr(folder, name), Path)]
    assert [path for path in paths if folder.path not in path.parents] == [folder.lock]
    assert folder.lock == tmp_path / "clusters" / "demo.lock"


def test_a_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    for name in ("..", "a/b", "demo.lock"):
        with pytest.raises(UsageError):
            ClusterFolder.of(tmp_path, name)


def test_create_says_whether_it_made_it(tmp_path: Path) -> None:
    folder = ClusterFolder.of(tmp_path / "state", "demo")
    assert not folder.exists()
    assert folder.create() is True
    assert folder.create() is False
    assert folder.exists()
    for path in (tmp_path / "state", folder.path.parent, folder.path, folder.pki, folder.bin):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_state_folder_of_the_users_own_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    ClusterFolder.of(tmp_path, "demo").create()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_folder_opened_to_others_is_refused(tmp_path: Path) -> None:
    folder = ClusterFolder.of(tmp_path, "demo")
    folder.create()
    folder.path.chmod(0o777)
    with pytest.raises(StateUnusable):
        folder.check()


def test_removed_is_gone_and_can_be_removed_again(tmp_path: Path) -> None:
    folder = ClusterFolder.of(tmp_path, "demo")
    folder.create()
    (tmp_path / "theirs").write_text("")
    (folder.path / "link").symlink_to(tmp_path)
    folder.remove()
    folder.remove()
    assert list(folder.path.parent.iterdir()) == []
    assert (tmp_path / "theirs").exists()


def test_a_broken_off_removal_is_no_cluster_and_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ClusterFolder.of(tmp_path, "demo")
    folder.create()

    def broken(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", broken)
        with pytest.raises(KeyboardInterrupt):
            folder.remove()
    assert not folder.exists()
    assert list(all_folders(tmp_path)) == []
    remove_doomed(tmp_path)
    assert list(folder.path.parent.iterdir()) == []


def test_all_folders(tmp_path: Path) -> None:
    assert list(all_folders(tmp_path)) == []
    for name in ("b", "a"):
        ClusterFolder.of(tmp_path, name).create()
    (tmp_path / "clusters" / "a.lock").write_text("")
    assert [folder.name for folder in all_folders(tmp_path)] == ["a", "b"]
