"""The search for the highest rate, and what the soak's driver recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest
import recorded
import searching
from measuring.report import CannotMeasureError

from checker.history import Event, Read, Write
from checker.rules import check


class Server:
    """What holds every rate up to a limit, and over it answers ``collapsed`` a second; luck: held once."""

    def __init__(self, limit: float, collapsed: float = 0.0, luck: float = 0.0) -> None:
        self.limit, self.collapsed, self.luck = limit, collapsed, luck
        self.asked: list[float] = []

    def __call__(self, rate: float) -> dict[str, Any]:
        lucky = rate == self.luck and rate not in self.asked
        self.asked.append(rate)
        answered = rate if rate <= self.limit or lucky else self.collapsed or self.limit
        return {"held": answered == rate, "requests": {"count": answered * 10}, "seconds": 10.0}


@pytest.mark.parametrize("limit", [6.0, 40.0, 90.0, 130.0, 500.0, 777.0, 6000.0])
@pytest.mark.parametrize("collapsed", [0.0, 5.5])
def test_the_rate_that_is_held_is_found_and_held_twice(limit: float, collapsed: float) -> None:
    server = Server(limit, collapsed)
    found = searching.highest(server, begin=500, near=0.1)
    assert found is not None
    assert found <= limit < found * 1.1
    assert server.asked.count(found) == 2
    assert server.asked[-1] == found


def test_a_rate_far_over_what_is_held_leads_at_once_to_what_was_achieved() -> None:
    server = Server(100)
    assert searching.highest(server, begin=64_000, near=0.1) == 100
    assert server.asked[:2] == [64_000, 100]


def test_luck_is_no_holding() -> None:
    server = Server(700, luck=750)
    found = searching.highest(server, begin=500, near=0.1)
    assert found is not None
    assert 636 < found <= 700


def test_a_server_that_holds_nothing_ends_the_search() -> None:
    server = Server(0)
    assert searching.highest(server, begin=160, near=0.1) is None
    assert min(server.asked) == searching.LEAST


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"failed": 1}, False),
        ({"count": 990}, False),
        ({"p99_ms": 1000.0}, False),
    ],
)
def test_a_rate_is_held_if_all_was_answered_in_time(change: dict[str, float], *, expected: bool) -> None:
    requests = {"count": 1000, "failed": 0, "p99_ms": 20.0, **change}
    assert searching.is_held({"requests": requests, "asked": 1000, "rate": 100, "seconds": 10.0}) is expected


def test_a_backlog_is_no_holding() -> None:
    requests = {"count": 1000, "failed": 0, "p99_ms": 900.0}
    assert not searching.is_held({"requests": requests, "asked": 1000, "rate": 100, "seconds": 10.9})


def _lines(*changes: dict[str, Any], without: str = "") -> list[str]:
    entries: list[dict[str, Any]] = [
        {"kind": "watch", "client": 0, "revision": "10"},
        {"kind": "write", "client": 1, "verb": "POST", "key": "n/a", "value": "v1", "revision": "11",
         "uid": "u", "status": 201, "sent": 1_000_000_000, "answered": 2_000_000_000},
        {"kind": "event", "client": 0, "verb": "ADDED", "key": "n/a", "value": "v1", "revision": "11",
         "uid": "u", "answered": 2_500_000_000},
        {"kind": "read", "client": 1, "key": "n/a", "value": "v1", "revision": "11", "status": 200,
         "sent": 3_000_000_000, "answered": 4_000_000_000},
        {"kind": "final", "client": 0, "key": "n/a", "value": "v1", "revision": "11"},
        {"kind": "end", "client": 0, "verb": "list", "revision": "11", "sent": 5_000_000_000,
         "answered": 6_000_000_000},
        {"kind": "end", "client": 0, "verb": "watch", "revision": "11"},
    ]  # fmt: skip
    return [json.dumps(entry) for entry in (*entries, *changes) if entry["kind"] != without]


def test_what_the_driver_recorded_is_read_and_found_sound() -> None:
    history = recorded.read(_lines())
    assert history.writes == [Write("c1", "create", "n/a", 1.0, 2.0, "done", value="v1", version=11, uid="u")]
    assert history.reads == [Read("c1", "n/a", 3.0, 4.0, "v1", 11)]
    (watching,) = history.watchings
    assert (watching.start, watching.end) == (10, 11)
    assert watching.events == (Event("ADDED", "n/a", "v1", 11, "u", 2.5),)
    assert check(history) == []


@pytest.mark.parametrize("missing", ["event", "final"])
def test_what_was_lost_is_found(missing: str) -> None:
    assert check(recorded.read(_lines(without=missing))) != []


def test_a_watch_that_was_told_to_pass_over_says_so() -> None:
    lost = {"kind": "lost", "client": 0, "revision": "11", "to": "15"}
    (watching,) = recorded.read(_lines(lost)).watchings
    assert watching.jumps == ((12, 15),)


@pytest.mark.parametrize(
    ("status", "expected"), [(201, "done"), (409, "refused"), (500, "unknown"), (0, "unknown")]
)
def test_what_a_status_says_of_a_write(status: int, expected: str) -> None:
    assert recorded.outcome(status) == expected


def test_a_history_without_an_end_is_refused() -> None:
    with pytest.raises(CannotMeasureError, match="no end"):
        recorded.read(_lines(without="end"))
    with pytest.raises(CannotMeasureError, match="cut"):
        recorded.read(['{"kind": "wri'])
