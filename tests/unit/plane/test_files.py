from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandkube.errors import StateCorrupt, StateUnusable
from sandkube.plane import files


@pytest.fixture(autouse=True, params=[0o000, 0o022, 0o277])
def _umask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:  # the folder comes first
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "private"
    files.make_private_folder(made)
    return made


def test_files_and_folders_are_private_under_any_umask(folder: Path) -> None:
    files.make_private_folder(folder / "a" / "b")
    files.write_private(folder / "a" / "b" / "c", "text")
    assert [mode(folder / "a"), mode(folder / "a" / "b")] == [0o700, 0o700]
    assert mode(folder / "a" / "b" / "c") == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write_private(folder / "file", "old")

    def broken(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(KeyboardInterrupt):
        files.write_private(folder / "file", "new")
    assert (folder / "file").read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_link_is_replaced_and_not_followed(folder: Path) -> None:
    (folder / "target").write_text("theirs")
    (folder / "file").symlink_to(folder / "target")
    files.write_private(folder / "file", "ours")
    assert (folder / "target").read_text() == "theirs"
    assert not (folder / "file").is_symlink()


def test_json_is_read_back(folder: Path) -> None:
    files.write_json(folder / "file", {"a": [1, None]})
    assert files.read_json(folder / "file", "remedy") == {"a": [1, None]}
    assert files.read_json(folder / "other", "remedy") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_what_is_no_json_object_is_corrupt(folder: Path, content: bytes) -> None:
    (folder / "file").write_bytes(content)
    with pytest.raises(StateCorrupt, match=str(folder / "file")) as caught:
        files.read_json(folder / "file", "the remedy")
    assert caught.value.hint == "the remedy"


@pytest.mark.parametrize("bits", [0o720, 0o702, 0o777])
def test_a_folder_that_others_can_write_to_is_refused(folder: Path, bits: int) -> None:
    folder.chmod(bits)
    with pytest.raises(StateUnusable, match="Others can write"):
        files.make_private_folder(folder)


def test_a_folder_that_others_can_read_is_closed(folder: Path) -> None:
    folder.chmod(0o755)
    assert files.make_private_folder(folder) is False
    assert mode(folder) == 0o700


def test_a_link_is_no_folder(folder: Path) -> None:
    (folder / "link").symlink_to(folder)
    with pytest.raises(StateUnusable, match="not a folder"):
        files.make_private_folder(folder / "link")


def test_a_folder_of_somebody_else_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    with pytest.raises(StateUnusable, match=f"you are {other}"):
        files.make_private_folder(folder)


@pytest.mark.parametrize(("bits", "fine"), [(0o755, True), (0o1777, True), (0o777, False), (0o775, False)])
def test_a_parent_must_not_let_others_replace_what_is_ours(folder: Path, *, bits: int, fine: bool) -> None:
    folder.chmod(bits)
    if fine:
        files.check_parent_folder(folder)
    else:
        with pytest.raises(StateUnusable):
            files.check_parent_folder(folder)


def test_what_the_system_refuses_is_said_in_words(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(StateUnusable, match="a part of the path is no folder"):
        files.write_private(folder / "file" / "below", "")


def test_a_file_system_that_takes_no_folders() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    with pytest.raises(StateUnusable, match="takes no folders"):
        files.make_private_folder(Path("/proc/sandkube"))
