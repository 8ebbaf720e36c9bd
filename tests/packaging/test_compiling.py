from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from sandkube_build import compiling
from sandkube_build.errors import BuildError
from standin_go import StandinGo, make_checkout, make_go


@pytest.fixture
def go(tmp_path: Path) -> StandinGo:
    return make_go(tmp_path / "go")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    make_checkout(tmp_path / "checkout")
    return tmp_path / "checkout" / "server"


def _build(go: StandinGo, source: Path, output: Path, **more: object) -> list[str]:
    said: list[str] = []
    environ = go.environ | {str(name): str(value) for name, value in more.pop("environ", {}).items()}  # type: ignore[attr-defined]
    compiling.build(output, report=said.append, environ=environ, source=source, **more)  # type: ignore[arg-type]
    return said


def test_a_build_gives_binary_template_notices_and_sbom(go: StandinGo, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "server"
    said = _build(go, source, output)
    assert sorted(path.name for path in output.iterdir()) == [
        compiling.NOTICES,
        compiling.BINARY,
        compiling.SBOM,
        compiling.TEMPLATE,
    ]
    assert os.access(output / compiling.BINARY, os.X_OK)
    assert (output / compiling.TEMPLATE).read_text() == "bootstrapped\n"
    assert "example.com/one v1.0.0: LICENSE" in (output / compiling.NOTICES).read_text()
    assert json.loads((output / compiling.SBOM).read_text())["components"][0]["name"] == "example.com/one"
    assert output.stat().st_mode & 0o777 == 0o755
    assert "with go1.26.8 (PATH: " in said[0]
    assert "minutes" in said[1]
    assert "of memory" in said[1]
    assert "3 of 3 packages are to be compiled" in "\n".join(said)
    assert said[-1].startswith("Built sandkube-server 9.9.9.1")


def test_a_folder_that_is_there_gets_the_new_files(go: StandinGo, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / compiling.BINARY).write_text("old")
    (output / compiling.TEMPLATE).write_text("old")
    (output / "theirs").write_text("kept")
    _build(go, source, output, environ={"STANDIN_NO_TEMPLATE": "1"})
    assert (output / compiling.BINARY).read_text() != "old"
    assert not (output / compiling.TEMPLATE).exists()
    assert (output / "theirs").read_text() == "kept"


def test_without_a_template_the_build_succeeds_and_says_so(
    go: StandinGo, source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    said = _build(go, source, output, environ={"STANDIN_NO_TEMPLATE": "1"})
    assert not (output / compiling.TEMPLATE).exists()
    assert any("no datastore today" in line and "Starts will be cold" in line for line in said)


def test_a_compiler_error_leaves_no_half_output(go: StandinGo, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "server"
    with pytest.raises(BuildError) as caught:
        _build(go, source, output, environ={"STANDIN_FAIL": "1"})
    assert "one.go:7: undefined: two" in str(caught.value.tail)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interruption_leaves_no_half_output(go: StandinGo, source: Path, tmp_path: Path) -> None:
    def report(line: str) -> None:
        if "to be compiled" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compiling.build(tmp_path / "out" / "server", report=report, environ=go.environ, source=source)
    assert list((tmp_path / "out").iterdir()) == []
    assert go.builds() == 0


def test_too_little_disk_is_said_before_anything_is_fetched(
    go: StandinGo, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: type("Usage", (), {"free": 7}))
    with pytest.raises(BuildError, match="of disk"):
        _build(go, source, tmp_path / "out")
    assert go.builds() == 0


def test_another_platform_takes_the_template_of_a_native_build(
    go: StandinGo, source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    said = _build(go, source, output, platform="linux/arm64")
    assert not (output / compiling.TEMPLATE).exists()
    assert any("another platform" in line for line in said)
    template = tmp_path / "native.db"
    template.write_text("made natively")
    _build(go, source, tmp_path / "out2", platform="linux/arm64", template=template)
    assert (tmp_path / "out2" / compiling.TEMPLATE).read_text() == "made natively"


def test_a_template_that_is_not_there_is_an_error(go: StandinGo, source: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot be read"):
        _build(go, source, tmp_path / "out", template=tmp_path / "none.db")


@pytest.mark.parametrize(
    ("environ", "date"),
    [({}, "2026-10-27T12:01:04Z"), ({"SOURCE_DATE_EPOCH": "86400"}, "1970-01-02T00:00:00Z")],
)
def test_the_date_is_never_the_clocks(
    go: StandinGo, source: Path, tmp_path: Path, environ: dict[str, str], date: str
) -> None:
    output = tmp_path / "out"
    _build(go, source, output, environ=environ)
    assert json.loads((output / compiling.SBOM).read_text())["metadata"]["timestamp"] == date
