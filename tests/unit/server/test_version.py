from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cache_entries import VERSION
from sandkube.errors import ServerNotFound
from sandkube.server import Server, version
from sandkube.server.version import ServerVersion, ask, check_contract
from standin_go import SERVER, script


def test_a_binary_is_asked_what_it_is(tmp_path: Path) -> None:
    assert ask(script(tmp_path / "server", SERVER)) == VERSION


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\necho oops >&2; exit 3\n", "is not a sandkube server: oops"),
        ("#!/bin/sh\nexit 3\n", "exit status 3"),
        ("#!/bin/sh\necho hello\n", "its version cannot be read"),
        ("#!/bin/sh\necho '{}'\n", "its version cannot be read"),
        ("#!/bin/sh\necho '[]'\n", "its version cannot be read"),
        ("\x7fELF of another machine", "does not run on this machine"),
    ],
)
def test_what_is_no_server_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ServerNotFound, match=reason):
        ask(script(tmp_path / "server", text))


def test_what_a_newer_server_says_besides_is_left_out() -> None:
    assert ServerVersion.from_json(VERSION.to_json() | {"more": 1}) == VERSION


@pytest.mark.parametrize(
    ("contract", "older"), [(2, "sandkube is the older"), (0, "the server is the older")]
)
def test_another_contract_is_refused_and_it_is_said_who_is_behind(contract: int, older: str) -> None:
    found = ServerVersion.from_json(VERSION.to_json() | {"contract": contract})
    with pytest.raises(
        ServerNotFound, match=f"speaks contract {contract}, this sandkube contract 1"
    ) as caught:
        check_contract(found, Path("/server"))
    assert older in str(caught.value.hint)


def test_the_answer_is_kept_until_the_file_changes(cache_root: Path, tmp_path: Path) -> None:
    binary = script(tmp_path / "server", SERVER)
    server = Server(binary, None, "a test")
    assert version(server) == VERSION
    (kept,) = (cache_root / "versions").iterdir()
    kept.write_text(json.dumps(VERSION.to_json() | {"version": "kept"}))
    assert version(server).version == "kept"
    kept.write_text("{")
    assert version(server) == VERSION
    os.utime(binary, (1, 1))
    kept.write_text("")
    assert version(server) == VERSION


def test_a_binary_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ServerNotFound, match="cannot be read"):
        version(Server(tmp_path / "none", None, "a test"))
