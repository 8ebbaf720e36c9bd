"""What a start needs: whether it is there, and having it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cache_entries import VERSION, put
from sandkube.errors import ServerNotFound
from sandkube.server import cache, checkout
from sandkube.server.checkout import Checkout
from sandkube.setup import preparing
from standin_go import make_checkout
from unit.setup.conftest import Run


@pytest.fixture(autouse=True)
def cache_root(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own; servers say their version, and nothing else is installed."""
    del home
    monkeypatch.setenv("SANDKUBE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys.modules["sandkube.server.locate"], "from_distribution", lambda: "not installed")
    monkeypatch.setattr(preparing, "ask", lambda _: VERSION)
    monkeypatch.setattr(preparing, "_compile", lambda _: None)
    monkeypatch.setattr("sandkube.server.checkout.find", lambda: None)
    return cache.root()


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout that sandkube believes to run from."""
    make_checkout(tmp_path / "checkout")
    monkeypatch.setattr("sandkube.server.checkout.find", lambda: Checkout(tmp_path / "checkout"))
    return Checkout(tmp_path / "checkout")


def test_nothing_is_there(cache_root: Path, tmp_path: Path) -> None:
    found = preparing.look()
    assert not found.ready
    assert "No sandkube server" in found.missing[0]
    assert found.paths == (cache_root,)
    assert found.key.startswith("sandkube-")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(ServerNotFound):
        preparing.prepare(print)


def test_key_and_paths_are_the_same_before_and_after(cache_root: Path, source: Checkout) -> None:
    """A cache is restored under them before there is anything, and kept under them afterwards."""
    before = preparing.look()
    entry = put(cache_root, key=source.key())
    after = preparing.look()
    assert (before.ready, after.ready) == (False, True)
    assert before.key == after.key == f"sandkube-{source.key()}"
    assert before.paths == after.paths == (entry.folder,)
    (source.server / "main.go").write_text("package main // another\n")
    assert preparing.look().key != before.key


def test_a_binary_with_a_cut_time_is_sound_again(cache_root: Path, source: Checkout) -> None:
    """Archives keep whole seconds."""
    entry = put(cache_root, key=source.key())
    os.utime(entry.binary, (1, 1))
    assert not preparing.look().ready
    assert preparing.prepare(print).ready
    assert entry.fault() is None


def test_a_changed_binary_is_not_made_sound(cache_root: Path) -> None:
    entry = put(cache_root)
    entry.binary.write_bytes(bytes(reversed(entry.binary.read_bytes())))
    preparing._restore_times(os.environ)
    assert entry.fault() is not None


def test_a_missing_template_is_made(cache_root: Path) -> None:
    entry = put(cache_root)
    (entry.folder / cache.TEMPLATE).unlink()
    assert [line.split(",")[0] for line in preparing.look().missing] == ["The template"]
    # A binary that writes the file that it is told to write; its time and size are no matter here.
    entry.binary.write_text('#!/bin/sh\n[ "$1" = template ] && echo made > "$3"\n')
    entry.binary.chmod(0o700)
    preparing._make_template(entry.binary, entry.folder, print)
    assert (entry.folder / cache.TEMPLATE).read_text() == "made\n"


def test_a_template_that_cannot_be_made_is_said(cache_root: Path) -> None:
    entry = put(cache_root)
    (entry.folder / cache.TEMPLATE).unlink()
    entry.binary.write_text("#!/bin/sh\necho half > $3; exit 1\n")
    entry.binary.chmod(0o700)
    told: list[str] = []
    preparing._make_template(entry.binary, entry.folder, told.append)
    assert "could not be made" in told[-1]
    assert entry.template is None
    assert not list(entry.folder.glob(".template*"))


def test_a_named_server_brings_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "own" / "server"
    server.parent.mkdir()
    server.write_text("")
    server.chmod(0o700)
    monkeypatch.setenv("SANDKUBE_SERVER", str(server))
    found = preparing.look()
    assert found.ready
    assert found.paths == (server,)
    assert "no template beside it" in found.notes[0]
    server.with_name(cache.TEMPLATE).touch()
    assert preparing.look().paths == (server, server.with_name(cache.TEMPLATE))
    assert preparing.look().notes == ()


def test_k3s_where_that_is_asked_for(
    cache_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache_root)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert preparing.look().ready
    found = preparing.look(k3s=True)
    assert not found.ready
    assert found.key == f"{preparing.look().key}-k3s"
    k3s = tmp_path / "k3s"

    def install() -> None:
        k3s.write_text("")
        k3s.chmod(0o700)

    assert preparing.prepare(print, install).k3s == k3s
    assert preparing.prepare(print, lambda: pytest.fail("it is there")).ready


def test_bytecode_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(preparing, "_LOADED", ("standin_package",))
    monkeypatch.setattr(preparing, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "standin_package"
    package.mkdir()
    (package / "__init__.py").write_text("x = 1\n")
    told: list[str] = []
    preparing._compile(told.append)
    assert list((package / "__pycache__").iterdir())
    (package / "broken.py").write_text("x = \n")
    preparing._compile(told.append)
    assert "could not be written" in told[-1]


def test_the_command(run: Run, cache_root: Path) -> None:
    done = run("prepare", "--check")
    assert done.status == 1
    assert "ready:     no" in done.out
    assert "missing:" in done.out
    entry = put(cache_root)
    done = run("prepare", "--check", "-o", "json")
    assert done.status == 0
    assert f'"{entry.binary}"' in done.out
    assert f"keep:      {entry.folder}\n" in run("prepare").out
    assert checkout.find() is None
