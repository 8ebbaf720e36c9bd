"""The program as it is written out: its first lines, its file, and that it needs nothing of sandkube."""

from __future__ import annotations

import ast
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cni.calls import Plugin, addresses, environment, network
from sandkube.cni import host_local, plugin_text, write_plugin
from sandkube.errors import StateUnusable, UsageError

FOUR = {"subnet": "10.1.0.0/24"}


def python_at(path: Path) -> str:
    """This Python by another name."""
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return str(path)


def test_the_first_line_names_the_interpreter() -> None:
    text = plugin_text("/usr/bin/python3")
    assert text.startswith('#!/usr/bin/python3 -IS\n"""host-local: ')


@pytest.mark.parametrize(
    "place", ["with spaces/python", "$HOME/`python`/$(id)", '"/python', "long/" * 40 + "python", "ä/python"]
)
def test_an_interpreter_that_has_no_room_in_the_first_line_is_run_by_sh(tmp_path: Path, place: str) -> None:
    python = python_at(tmp_path / place)
    plugin = Plugin(write_plugin(tmp_path / "bin", python))
    assert plugin.path.read_text().startswith("#!/bin/sh\n")
    assert addresses(plugin("ADD", network(tmp_path, FOUR))) == ["10.1.0.2/24"]
    ast.parse(plugin.path.read_text())


@pytest.mark.parametrize("python", ["", "python3", "bin/python3", "/it's/python", "/a\\b", "/a\nb"])
def test_an_interpreter_that_cannot_be_named_is_refused(python: str) -> None:
    with pytest.raises(UsageError, match="cannot name the Python") as caught:
        plugin_text(python)
    assert "absolute path" in (caught.value.hint or "")


def test_it_stands_in_a_shell_script_as_it_is(tmp_path: Path) -> None:
    text = plugin_text(sys.executable)
    assert text.isascii()
    assert set(text) - set(map(chr, range(32, 127))) == {"\n"}
    assert "HOST_LOCAL" not in text
    script = f"cat > {tmp_path}/host-local << 'HOST_LOCAL'\n{text}HOST_LOCAL\n"
    subprocess.run(["/bin/sh", "-euc", script], check=True, env={"PATH": os.defpath})
    assert (tmp_path / "host-local").read_text() == text


def test_it_imports_the_standard_library_only() -> None:
    tree = ast.parse(plugin_text(sys.executable), feature_version=(3, 10))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_what_is_installed_beside_it_is_not_looked_at(ours: Plugin, tmp_path: Path) -> None:
    for name in ("json.py", "sandkube.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit(3)\n")
    asked = network(tmp_path, FOUR)
    done = subprocess.run(
        [write_plugin(tmp_path)],
        input=json.dumps(asked),
        env=environment("ADD") | {"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    ours("CHECK", asked)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_the_plugin_can_be_run_and_the_folder_is_private(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        path = write_plugin(tmp_path / "bin")
    finally:
        os.umask(before)
    assert path == tmp_path / "bin" / "host-local"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


def test_a_plugin_that_is_there_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    path = write_plugin(folder)
    inode = path.stat().st_ino
    path.write_text("broken")
    assert write_plugin(folder) == path
    assert path.read_text() == plugin_text(sys.executable)
    assert path.stat().st_ino != inode, "whoever runs the old one keeps it"
    assert [one.name for one in folder.iterdir()] == ["host-local"]


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnusable, match=f"written to {tmp_path}/file/bin: Not a directory"):
        write_plugin(tmp_path / "file" / "bin")


def test_a_plugin_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "host-local").mkdir()
    with pytest.raises(StateUnusable, match="Is a directory"):
        write_plugin(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["host-local"]


def test_every_address_of_ranges_comes_once_but_for_gateways() -> None:
    one = host_local.address_range({"subnet": "10.1.0.0/29"})
    other = host_local.address_range(
        {"subnet": "10.2.0.0/29", "gateway": "10.2.0.3", "rangestart": "10.2.0.2"}
    )

    def shown(last: str | None) -> list[str]:
        known = None if last is None else host_local.ip(last)
        return [str(address)[3:] for address, _ in host_local.candidates([one, other], known)]

    everything = ["1.0.2", "1.0.3", "1.0.4", "1.0.5", "1.0.6"], ["2.0.2", "2.0.4", "2.0.5", "2.0.6"]
    assert shown(None) == shown("10.9.0.1") == shown("fd00::1") == [*everything[0], *everything[1]]
    assert shown("10.1.0.6") == [*everything[1], *everything[0]]
    assert shown("10.2.0.4") == ["2.0.5", "2.0.6", *everything[0], "2.0.2", "2.0.4"]


def test_the_last_address_of_all_is_an_address_like_any_other() -> None:
    one = host_local.address_range({"subnet": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124"})
    last = host_local.ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
    assert next(host_local.candidates([one], last))[0] != last
    assert one.holds(last)
