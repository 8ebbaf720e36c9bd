from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cache_entries import VERSION, put
from sandkube.server import cache


def test_an_entry_is_read_back_as_it_was_put(cache_root: Path) -> None:
    entry = put(cache_root)
    assert list(cache.entries(cache_root)) == [entry]
    assert entry.folder == cache_root / "built-k1"
    assert entry.template == entry.folder / cache.TEMPLATE
    assert entry.fault() is None
    assert entry.fault(thoroughly=True) is None
    assert entry.version == VERSION


def test_an_installed_one_is_named_after_its_hash(cache_root: Path) -> None:
    entry = put(cache_root, kind="installed", key="")
    assert entry.folder.name == f"installed-{entry.sha256[:16]}"


def test_one_of_the_same_name_is_replaced(cache_root: Path) -> None:
    put(cache_root, source="/old")
    put(cache_root, source="/new")
    (entry,) = cache.entries(cache_root)
    assert isinstance(entry, cache.Entry)
    assert entry.source == "/new"
    assert [path.name for path in cache_root.iterdir()] == ["built-k1"]


def test_what_is_unfinished_is_no_entry(cache_root: Path) -> None:
    (cache_root / "stage-7").mkdir(parents=True)
    (cache_root / "incoming-x").mkdir()
    assert list(cache.entries(cache_root)) == []
    assert list(cache.entries(cache_root / "absent")) == []


def test_the_newest_comes_first(cache_root: Path) -> None:
    old, new = put(cache_root, key="old"), put(cache_root, key="new")
    os.utime(old.folder, (1, 1))
    assert list(cache.entries(cache_root)) == [new, old]


def test_a_changed_binary_is_noticed(cache_root: Path) -> None:
    entry = put(cache_root)
    entry.binary.write_text("something else")
    assert "was changed" in str(entry.fault())
    entry.binary.unlink()
    assert "cannot be read" in str(entry.fault())


def test_a_change_that_keeps_size_and_time_needs_the_hash(cache_root: Path) -> None:
    entry = put(cache_root)
    entry.binary.write_text("b1nary of k1")
    os.utime(entry.binary, ns=(entry.mtime_ns, entry.mtime_ns))
    assert entry.fault() is None
    assert "SHA-256" in str(entry.fault(thoroughly=True))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be understood"),
        ("[]", "cannot be understood"),
        (json.dumps({"format": 1}), "cannot be understood"),
        (json.dumps({"format": 99}), "has format 99"),
        (None, "cannot be read"),
    ],
)
def test_a_record_that_makes_no_sense_is_said(cache_root: Path, text: str | None, reason: str) -> None:
    entry = put(cache_root)
    record = entry.folder / "entry.json"
    if text is None:
        record.unlink()
    else:
        record.write_text(text)
    (damaged,) = cache.entries(cache_root)
    assert isinstance(damaged, cache.Damaged)
    assert reason in damaged.reason


def test_what_can_be_done_without_is_kept_only_where_it_can_be(tmp_path: Path) -> None:
    cache.keep(tmp_path / "a" / "b.json", {"x": 1})
    assert json.loads((tmp_path / "a" / "b.json").read_text()) == {"x": 1}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]
    (tmp_path / "file").write_text("")
    cache.keep(tmp_path / "file" / "b.json", {"x": 1})
