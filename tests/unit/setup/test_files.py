"""Replacing a file: whole or not at all, as it was but for the change, and over nobody else's edit."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandkube.errors import EditFailed
from sandkube.setup import editing
from sandkube.setup.files import change
from sandkube.setup.host import Content
from sandkube.setup.sessionstart import SessionStart

ROOT = os.getuid() == 0


def append(text: str) -> Callable[[Content], Content]:
    return lambda content: Content((content.text or "") + text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_made_with_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "file"
    umask = os.umask(0o027)
    try:
        assert change(file, append("x")) == "made"
    finally:
        os.umask(umask)
    assert file.read_text() == "x"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert names(file.parent) == ["file"]


def test_the_edit_is_told_whether_the_folder_is_there(tmp_path: Path) -> None:
    seen: list[Content] = []

    def look(content: Content) -> Content:
        seen.append(content)
        return content

    assert change(tmp_path / "file", look) == change(tmp_path / "no" / "file", look) == "unchanged"
    assert seen == [Content(None, folder=True), Content(None, folder=False)]
    assert names(tmp_path) == []


def test_the_mode_stays(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    file.chmod(0o764)
    assert change(file, append("x")) == "changed"
    assert file.read_text() == "ax"
    assert stat.S_IMODE(file.stat().st_mode) == 0o764


@pytest.mark.skipif(not ROOT, reason="needs root, to give a file to another user")
def test_the_owner_stays(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    os.chown(file, 12345, 23456)
    change(file, append("x"))
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "there" / "target"
    target.parent.mkdir()
    target.write_text("a")
    link = tmp_path / "link"
    link.symlink_to(Path("there", "target"))
    assert change(link, append("x")) == "changed"
    assert link.is_symlink()
    assert target.read_text() == "ax"


def test_bytes_stay(tmp_path: Path) -> None:
    file = tmp_path / "file"
    before = "\ufeffa\r\nb\n\r ü".encode()
    file.write_bytes(before)
    change(file, append("x"))
    assert file.read_bytes() == before + b"x"


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    before = file.stat()
    assert change(file, lambda content: content) == "unchanged"
    assert file.stat() == before


def test_a_file_is_removed_and_its_folder_where_that_is_asked(tmp_path: Path) -> None:
    for name, folder in (("a", True), ("b", False)):
        file = tmp_path / name / "file"
        change(file, append("x"))
        assert change(file, lambda _, folder=folder: Content(None, folder=folder)) == "removed"  # type: ignore[misc]
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == []


def test_a_folder_with_something_else_in_it_stays(tmp_path: Path) -> None:
    file = tmp_path / "a" / "file"
    change(file, append("x"))
    (tmp_path / "a" / "other").touch()
    change(file, lambda _: Content(None, folder=False))
    assert names(tmp_path / "a") == ["other"]


def test_an_edit_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    others = ["b", "c"]

    def edit(content: Content) -> Content:
        if others:
            file.write_text((content.text or "") + others.pop(0))
        return append("x")(content)

    assert change(file, edit) == "changed"
    assert file.read_text() == "abcx"
    assert names(tmp_path) == ["file"]


def test_a_file_that_somebody_else_makes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "file"

    def edit(content: Content) -> Content:
        if content.text is None:
            file.write_text("theirs")
        return append("x")(content)

    assert change(file, edit) == "changed"
    assert file.read_text() == "theirsx"


def test_a_file_that_is_edited_all_the_time_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")

    def edit(content: Content) -> Content:
        file.write_text((content.text or "") + "b")
        return append("x")(content)

    with pytest.raises(EditFailed, match="by somebody else"):
        change(file, edit)
    assert "x" not in file.read_text()
    assert names(tmp_path) == ["file"]


def test_a_full_disk_leaves_it_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "new" / "file"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EditFailed, match="No space left on device"):
        change(file, append("x"))
    assert names(tmp_path) == []


def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    file.chmod(0o444)
    with pytest.raises(EditFailed, match="is read-only") as caught:
        change(file, append("x"))
    assert str(file) in caught.value.message
    assert caught.value.hint == f"chmod u+w '{file}'"
    assert file.read_text() == "a"


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "file"
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(file)
    with pytest.raises(EditFailed) as caught:
        change(file, append("x"))
    assert str(file) in caught.value.message
    assert names(tmp_path) == ["file"]


def test_text_of_another_encoding_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b'{\n"a": "\xe4"}')
    with pytest.raises(EditFailed) as caught:
        change(file, append("x"))
    assert caught.value.message.startswith(f"{file}:2:7: ")


class Forgetful:
    """A host that cannot take out what it put in."""

    file = None

    def piece(self) -> str:
        return "x"

    def added(self, content: Content) -> Content:
        return Content(f"{content.text}x")

    def removed(self, content: Content) -> Content:
        return content


def test_what_could_not_be_taken_out_is_not_put_in(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    with pytest.raises(EditFailed, match="without a trace"):
        editing.add(Forgetful(), file)
    assert file.read_text() == "a"


def test_what_was_json_is_json_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("{}")
    with pytest.raises(EditFailed, match="would not be JSON"):
        editing.add(Forgetful(), file)
    assert file.read_text() == "{}"


def test_several_at_once_put_it_in_once(tmp_path: Path) -> None:
    """Each in a process of its own, on a file with other hooks."""
    file = tmp_path / "settings.json"
    before = '{\n  "hooks": {"Stop": []} // theirs\n}\n'
    file.write_text(before)
    words = [sys.executable, "-m", "sandkube", "setup", "sessionstart", "--sandkube", "sandkube"]
    started = [subprocess.Popen([*words, "--write", "--file", str(file)]) for _ in range(4)]
    assert [popen.wait() for popen in started] == [0] * 4
    assert file.read_text().count("# sandkube setup") == 1
    assert subprocess.run([*words, "--remove", "--file", str(file)], check=False).returncode == 0
    assert file.read_text() == before
    assert names(tmp_path) == ["settings.json"]


@pytest.mark.parametrize("text", ["", "\n", "  ", "\ufeff", "\ufeff\n", "\r\n"])
def test_a_blank_file_is_given_back_as_well(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(text.encode())
    host = SessionStart("sandkube", None)
    assert editing.add(host, path) == "changed"
    assert editing.remove(host, path) == "changed"
    assert path.read_bytes() == text.encode()
