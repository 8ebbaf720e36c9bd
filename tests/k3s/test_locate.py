"""Where k3s is looked for, and what is said where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from k3s.release_server import VERSION, stand_in
from sandkube.k3s import K3s, K3sNotFound, cache, locate, platforms


def program(path: Path, *, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stand_in(marker=path.parent / "was run"))
    path.chmod(mode)
    return path


def put(environ: dict[str, str], version: str = VERSION) -> cache.Entry:
    root = cache.root(environ)
    root.mkdir(parents=True, exist_ok=True)
    stage = cache.new_stage(root)
    binary = program(stage / "k3s")
    return cache.add(root, stage, version=version, source="here", digest=cache.sha256(binary))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "path").mkdir()
    return {"PATH": str(tmp_path / "path"), "SANDKUBE_CACHE_DIR": str(tmp_path / "cache")}


def test_the_places_in_their_order(tmp_path: Path, environ: dict[str, str]) -> None:
    given = program(tmp_path / "given")
    named = program(tmp_path / "named")
    on_path = program(tmp_path / "path" / "k3s")
    cached = put(environ)
    environ["SANDKUBE_K3S"] = str(named)
    assert locate(given, environ) == K3s(given, "--k3s")
    assert locate(None, environ) == K3s(named, "SANDKUBE_K3S")
    del environ["SANDKUBE_K3S"]
    assert locate(None, environ) == K3s(on_path, "PATH")
    on_path.unlink()
    assert locate(None, environ) == K3s(cached.binary, f"the cache, {VERSION}")
    assert list(tmp_path.rglob("was run")) == []


def test_without_any_one_sentence_says_the_ways(environ: dict[str, str]) -> None:
    with pytest.raises(K3sNotFound) as caught:
        locate(None, environ)
    said = caught.value.message
    assert "\n" not in said
    assert said.count(". ") == 0
    assert said.endswith(".")
    assert caught.value.hint is None
    ways = ("`SANDKUBE_K3S`", "`--k3s PATH`", "on PATH", "`sandkube k3s install`")
    places = ("SANDKUBE_K3S, which is not set", "at PATH", f"{cache.root(environ)}, which is empty")
    assert [words for words in (*ways, *places) if words not in said] == []
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("by", ["--k3s", "SANDKUBE_K3S"])
def test_a_named_path_must_be_a_program(tmp_path: Path, environ: dict[str, str], by: str) -> None:
    plain = program(tmp_path / "plain", mode=0o644)
    program(tmp_path / "path" / "k3s")  # not taken in its place
    for path, state in (
        (plain, "is not executable"),
        (tmp_path, "is a folder"),
        (tmp_path / "no", "is no file"),
    ):
        with pytest.raises(K3sNotFound, match=f"^{by} says `{path}`, which {state}") as caught:
            locate(path if by == "--k3s" else None, {**environ, "SANDKUBE_K3S": str(path)})
        assert caught.value.hint


def test_a_relative_path_becomes_absolute(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "path" / "k3s")
    monkeypatch.chdir(tmp_path)
    assert locate(Path("path/k3s"), environ).binary == tmp_path / "path" / "k3s"
    assert locate(None, {**environ, "PATH": "path"}).binary == tmp_path / "path" / "k3s"


def test_an_empty_variable_is_none(environ: dict[str, str]) -> None:
    cached = put(environ)
    assert locate(None, {**environ, "SANDKUBE_K3S": ""}).binary == cached.binary


def test_of_the_cache_the_one_installed_last(environ: dict[str, str]) -> None:
    newer = put(environ, "v1.36.0+k3s1")
    older = put(environ, "v1.33.9+k3s2")
    assert locate(None, environ).binary == older.binary
    cache.renew(newer)
    assert locate(None, environ).binary == newer.binary


def test_what_is_damaged_is_passed_over_and_said(environ: dict[str, str]) -> None:
    sound = put(environ, "v1.33.9+k3s2")
    changed = put(environ, "v1.36.0+k3s1")
    changed.binary.write_text("#!/bin/sh\n")
    unreadable = put(environ, "v1.37.0+k3s1")
    (unreadable.folder / "entry.json").write_text("{")
    later = put(environ, "v1.38.0+k3s1")
    (later.folder / "entry.json").write_text('{"format": 2}')
    assert locate(None, environ).binary == sound.binary
    cache.remove(sound.folder)
    with pytest.raises(K3sNotFound) as caught:
        locate(None, environ)
    said = caught.value.message
    assert "v1.36.0+k3s1: the binary was changed after it was put there" in said
    assert "v1.37.0+k3s1: entry.json cannot be understood" in said
    assert "v1.38.0+k3s1: entry.json has format 2, not 1" in said


def test_an_unfinished_install_is_no_k3s(environ: dict[str, str]) -> None:
    root = cache.root(environ)
    root.mkdir(parents=True)
    program(cache.new_stage(root) / "k3s")
    with pytest.raises(K3sNotFound, match="which is empty"):
        locate(None, environ)


def test_looking_loads_no_network() -> None:
    code = (
        "import sys, sandkube.k3s as k, contextlib\n"
        "with contextlib.suppress(k.K3sNotFound): k.locate()\n"
        "print(sorted({'http.client', 'ssl', 'subprocess', 'urllib.request', 'filelock'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("machine", "binary", "checksums"),
    [
        ("x86_64", "k3s", "sha256sum-amd64.txt"),
        ("aarch64", "k3s-arm64", "sha256sum-arm64.txt"),
        ("armv7l", "k3s-armhf", "sha256sum-arm.txt"),
    ],
)
def test_what_a_release_calls_the_files_of_a_machine(machine: str, binary: str, checksums: str) -> None:
    assert platforms.current("Linux", machine) == platforms.Platform(binary, checksums)


def test_machines_without_a_k3s() -> None:
    with pytest.raises(K3sNotFound, match=r"^There is no k3s for Darwin: k3s exists for Linux only\.$"):
        platforms.current("Darwin", "arm64")
    with pytest.raises(K3sNotFound, match="and this is riscv64"):
        platforms.current("Linux", "riscv64")


def test_this_machine_has_one() -> None:
    assert platforms.current() == platforms.current("Linux", os.uname().machine)
