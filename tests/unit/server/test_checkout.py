from __future__ import annotations

from pathlib import Path

import pytest

from sandkube.server import checkout
from standin_go import make_checkout


def test_an_editable_install_knows_its_checkout(tmp_path: Path) -> None:
    package = make_checkout(tmp_path)
    found = checkout.find(package)
    assert found == checkout.Checkout(tmp_path)
    assert found.server == tmp_path / "server"


def test_a_package_in_site_packages_has_none_though_a_server_folder_lies_above(tmp_path: Path) -> None:
    make_checkout(tmp_path)
    assert checkout.find(tmp_path / "lib" / "site-packages" / "sandkube") is None
    assert checkout.find(tmp_path / "src" / "deeper" / "sandkube") is None


@pytest.mark.parametrize("missing", ["build.py", "go.mod"])
def test_without_the_go_source_there_is_none(tmp_path: Path, missing: str) -> None:
    package = make_checkout(tmp_path)
    (tmp_path / "server" / missing).unlink()
    assert checkout.find(package) is None


@pytest.mark.parametrize(
    "name", ["main.go", "go.mod", "go.sum", "build.py", "internal/plane/run.go", "sandkube_build/needs.py"]
)
def test_the_key_follows_what_a_binary_depends_on(tmp_path: Path, name: str) -> None:
    make_checkout(tmp_path)
    found = checkout.Checkout(tmp_path)
    before = found.key()
    path = tmp_path / "server" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("changed\n")
    assert found.key() != before


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "hatch_build.py",
        "internal/plane/run_test.go",
        "src/sandkube_server/__init__.py",
        "dist/x.whl",
        "sandkube_build/__pycache__/needs.pyc",
        ".idea/x",
    ],
)
def test_the_key_ignores_the_rest(tmp_path: Path, name: str) -> None:
    make_checkout(tmp_path)
    found = checkout.Checkout(tmp_path)
    before = found.key()
    path = tmp_path / "server" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("changed\n")
    assert found.key() == before


def test_the_key_tells_a_moved_line_between_files(tmp_path: Path) -> None:
    make_checkout(tmp_path)
    found = checkout.Checkout(tmp_path)
    (tmp_path / "server" / "a.go").write_text("xy")
    (tmp_path / "server" / "b.go").write_text("")
    before = found.key()
    (tmp_path / "server" / "a.go").write_text("x")
    (tmp_path / "server" / "b.go").write_text("y")
    assert found.key() != before


def test_the_key_names_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_checkout(tmp_path)
    here = checkout.Checkout(tmp_path).key()
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert checkout.Checkout(tmp_path).key() != here
