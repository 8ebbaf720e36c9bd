"""What a soak has to show, from samples, reports and the checker's verdict."""

from __future__ import annotations

import random
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import shown
import verdict
from measuring import targets

SVG = "{http://www.w3.org/2000/svg}"


def _document(minutes: float = 30, **changes: Any) -> dict[str, Any]:
    draw = random.Random(5)
    samples = [
        {
            "seconds": 5.0 * n,
            "memory_mb": 150 + draw.random() * 4,
            "pss_mb": 160.0,
            "rss_mb": 270.0,
            "heap_mb": 120.0,
            "goroutines": 4700 + draw.randrange(20),
            "descriptors": 200 + draw.randrange(3),
            "database_mb": min(5 + n / 20, 12),
            "wal_mb": 2 + draw.random(),
            "cpu_seconds": n / 10,
        }
        for n in range(int(minutes * 12))
    ]
    figures = {"count": 100, "failed": 0, "p50_ms": 2.0, "p99_ms": 9.0}
    reports = [{"seconds": 5.0 * n, "operations": {"get": dict(figures)}} for n in range(int(minutes * 12))]
    history = {
        "writes": 900, "acknowledged": 890, "refused": 10, "unknown": 0, "reads": 500, "watches": 2,
        "events": 1780, "jumps": 0, "faults": [],
    }  # fmt: skip
    whole = {
        "samples": samples,
        "reports": reports,
        "history": history,
        "settle": 10,
        "minutes": minutes,
        "seed": 1,
        "rate": 50,
        "clients": 8,
        "durability": "durability normal",
        "unseen": [],
        "complete": True,
        "commands": {"ours": ["sandkube-server run"]},
    }
    return {**whole, **changes}


def _missed(document: dict[str, Any]) -> list[str]:
    return [target.what for target in verdict.targets(document) if target.is_met is not True]


def test_a_soak_in_which_nothing_grows_shows_all() -> None:
    document = _document()
    assert _missed(document) == []
    assert "verdict: everything held\n" in shown.table(document)


@pytest.mark.parametrize(
    ("key", "per_hour", "what"),
    [
        ("memory_mb", 12.0, "memory: upper 95 % bound of the slope"),
        ("goroutines", 300.0, "goroutines: slope"),
        ("descriptors", 12.0, "descriptors: slope"),
        ("database_mb", 60.0, "database: most in the last half / in the first"),
        ("wal_mb", 60.0, "write-ahead log: most in the last half / in the first"),
    ],
)
def test_what_grows_is_not_met(key: str, per_hour: float, what: str) -> None:
    document = _document()
    for sample in document["samples"]:
        sample[key] += per_hour * sample["seconds"] / 3600
    assert _missed(document) == [what]
    assert "NOT EVERYTHING HELD" in shown.table(document)


def test_what_grows_before_the_server_has_settled_does_not_count() -> None:
    document = _document()
    for sample in document["samples"]:
        sample["memory_mb"] += min(sample["seconds"], 590) / 10
    assert _missed(document) == []


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("acknowledged write lost", "lost writes"),
        ("wrong list", "lost writes"),
        ("event lost", "missed events"),
        ("stale read", "other faults that the checker found"),
    ],
)
def test_what_the_checker_found_is_told_apart(kind: str, what: str) -> None:
    document = _document()
    document["history"]["faults"] = [{"kind": kind, "text": "n/a=v1"}]
    assert _missed(document) == [what]
    assert f"{kind}: n/a=v1" in shown.table(document)


def test_a_failed_request_and_a_look_that_failed_are_told() -> None:
    document = _document(unseen=["65 s: /metrics was not answered"])
    document["reports"][3]["operations"]["get"].update(failed=2, why="boom")
    assert _missed(document) == ["requests that failed", "looks at the server that failed"]
    text = shown.table(document)
    assert "failed: get: boom (2)" in text
    assert "not seen: 65 s" in text


def test_a_short_run_is_not_judged_by_its_slopes() -> None:
    document = _document(minutes=4)
    judged = verdict.targets(document)
    assert {one.what.partition(":")[0] for one in judged if one.is_met is None} == {
        "memory", "goroutines", "descriptors", "database", "write-ahead log",
    }  # fmt: skip
    assert targets.are_met(judged)
    assert "everything held of what could be judged" in shown.table(document)


def test_a_history_without_an_end_proves_nothing() -> None:
    document = _document(history=None)
    assert _missed(document) == ["lost writes", "missed events"]
    assert "the history was not judged" in shown.table(document)
    assert "did not come to its end" in shown.table({**document, "complete": False})


def test_where_pss_is_not_told_it_is_left_out() -> None:
    document = _document()
    for sample in document["samples"]:
        sample["pss_mb"] = None
    assert "PSS" not in shown.table(document)


@pytest.mark.parametrize("minutes", [0.1, 4, 30])
def test_a_soak_is_drawn(minutes: float) -> None:
    text = shown.drawn(_document(minutes))
    lines = list(ET.fromstring(text).iter(f"{SVG}polyline"))
    assert len(lines) == 9 + (minutes == 30)  # with its slope, where there is one
    assert len(text) < 60_000
