from __future__ import annotations

import os
from pathlib import Path

import pytest

from cache_entries import VERSION, put
from sandkube.errors import UsageError
from sandkube.server import checkout
from sandkube.server.listing import listed, remove
from standin_go import SERVER, script


@pytest.fixture(autouse=True)
def no_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "find", lambda: None)


def test_servers_are_listed_in_the_order_they_are_looked_for(
    cache_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = put(cache_root)
    (cache_root / "built-torn").mkdir()
    os.utime(cache_root / "built-torn", (1, 1))
    monkeypatch.setenv("SANDKUBE_SERVER", str(script(tmp_path / "server", SERVER)))
    mine, built, torn = listed()
    assert (mine.name, mine.origin, mine.version, mine.used) == (None, "SANDKUBE_SERVER", VERSION, True)
    assert (built.name, built.sha256, built.used, built.fault) == ("built-k1", entry.sha256, False, None)
    assert (torn.name, torn.version, torn.used) == ("built-torn", None, False)
    assert "cannot be read" in str(torn.fault)
    monkeypatch.delenv("SANDKUBE_SERVER")
    assert [item.used for item in listed()] == [True, False]


def test_a_binary_that_is_no_server_is_listed_with_its_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDKUBE_SERVER", str(script(tmp_path / "server", "#!/bin/sh\nexit 1\n")))
    (item,) = listed()
    assert item.version is None
    assert "is not a sandkube server" in str(item.fault)


def test_verify_compares_the_hash(cache_root: Path) -> None:
    entry = put(cache_root)
    entry.binary.write_text("b1nary of k1")
    os.utime(entry.binary, ns=(entry.mtime_ns, entry.mtime_ns))
    assert listed()[0].fault is None
    assert "SHA-256" in str(listed(verify=True)[0].fault)


def test_one_is_removed_by_name(cache_root: Path) -> None:
    one, two = put(cache_root, key="one"), put(cache_root, key="two")
    assert remove(["built-one"], print) == [one.folder]
    assert not one.folder.exists()
    assert two.folder.exists()


def test_all_are_removed_with_what_lies_about(cache_root: Path) -> None:
    put(cache_root)
    for name in ("built-torn", "go", "versions", "stage-9", "incoming-x"):
        (cache_root / name).mkdir()
    assert len(remove([], print)) == 6
    assert [path.name for path in cache_root.iterdir() if path.is_dir()] == []


def test_a_name_that_is_not_there_removes_nothing(cache_root: Path) -> None:
    put(cache_root)
    with pytest.raises(UsageError, match="holds no `other`; it holds built-k1"):
        remove(["built-k1", "other"], print)
    assert (cache_root / "built-k1").is_dir()


def test_an_empty_cache_stays_empty(cache_root: Path) -> None:
    assert remove([], print) == []
    assert not cache_root.exists()
