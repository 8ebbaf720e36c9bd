"""`sandkube server`: what each command prints, and where."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cache_entries import put
from sandkube.cli.server import server
from sandkube.errors import SandkubeError, ServerNotFound
from sandkube.server import checkout
from standin_go import SERVER, make_checkout, make_go, script


@pytest.fixture(autouse=True)
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SANDKUBE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SANDKUBE_SERVER", raising=False)
    monkeypatch.setattr(checkout, "find", lambda: None)

    monkeypatch.setattr(sys.modules["sandkube.server.locate"], "from_distribution", lambda: "not installed")
    return tmp_path / "cache" / "server"


def _run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(server, [str(argument) for argument in arguments])
    if isinstance(result.exception, SandkubeError):
        raise result.exception
    return result


def test_path_is_the_path_alone(cache_root: Path) -> None:
    entry = put(cache_root)
    assert _run("path").stdout == f"{entry.binary}\n"


def test_without_a_server_path_is_an_error() -> None:
    with pytest.raises(ServerNotFound):
        _run("path")


def test_list_marks_the_one_in_use(cache_root: Path) -> None:
    put(cache_root, key="one")
    put(cache_root, key="two").binary.write_text("x")
    lines = _run("list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "VERSION", "SIZE", "STATE", "ORIGIN"]
    assert sum(line.startswith("*") for line in lines) == 1
    assert any("was changed" in line for line in lines)


def test_list_as_json_has_a_version(cache_root: Path) -> None:
    entry = put(cache_root)
    data = json.loads(_run("list", "-o", "json").stdout)
    assert data["version"] == 1
    (item,) = data["servers"]
    assert item["name"] == "built-k1"
    assert item["path"] == str(entry.binary)
    assert item["version"]["kubernetes"] == "v9.9.9"
    assert (item["used"], item["fault"], item["sha256"]) == (True, None, entry.sha256)


def test_an_empty_list_says_what_to_do_on_stderr() -> None:
    result = _run("list")
    assert result.stdout == ""
    assert "sandkube server build" in result.stderr
    assert json.loads(_run("list", "-o", "json").stdout) == {"version": 1, "servers": []}


def test_verify_fails_where_one_is_damaged(cache_root: Path) -> None:
    entry = put(cache_root)
    assert _run("list", "--verify").exit_code == 0
    entry.binary.write_text("x")
    assert _run("list").exit_code == 0
    assert _run("list", "--verify").exit_code == 1


def test_install_prints_the_path_and_remove_takes_it_out(cache_root: Path, tmp_path: Path) -> None:
    result = _run("install", script(tmp_path / "server", SERVER))
    path = Path(result.stdout.strip())
    assert path.is_file()
    assert "making one" in result.stderr
    assert _run("path").stdout == result.stdout
    result = _run("remove", path.parent.name)
    assert f"Removed {path.parent}" in result.stderr
    assert result.stdout == ""
    assert not path.exists()
    _run("remove")
    assert "holds no server" in _run("remove").stderr


def test_install_of_what_is_not_there_is_misuse() -> None:
    assert _run("install", "/no/such/file").exit_code == 2


def test_version_as_text_and_json(cache_root: Path, tmp_path: Path) -> None:
    _run("install", script(tmp_path / "server", SERVER))
    assert "kubernetes: v9.9.9" in _run("version").stdout
    assert json.loads(_run("version", "-o", "json").stdout)["server"]["contract"] == 1


def test_build_outside_a_checkout_is_refused() -> None:
    with pytest.raises(ServerNotFound, match="does not run from a checkout"):
        _run("build")


def test_build_talks_on_stderr_and_prints_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = make_go(tmp_path / "go")
    make_checkout(tmp_path / "checkout")
    monkeypatch.setattr(checkout, "find", lambda: checkout.Checkout(tmp_path / "checkout"))
    monkeypatch.setenv("PATH", go.environ["PATH"])
    result = _run("build")
    assert Path(result.stdout.strip()).is_file()
    assert "This takes about" in result.stderr
    assert _run("build").stdout == result.stdout
    assert go.builds() == 1
    _run("build", "--force")
    assert go.builds() == 2
