from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandkube.plane import events, files
from sandkube.plane.events import Event, EventReader, Outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def write(path: Path, *told: dict[str, object]) -> None:
    with path.open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in told)


STARTING: dict[str, object] = {"event": "starting", "pid": 7}
READY: dict[str, object] = {"event": "ready", "seconds": 0.8}


def test_each_event_is_read_once(path: Path) -> None:
    reader = EventReader(path)
    assert reader.new() == []
    write(path, STARTING)
    assert reader.new() == [Event("starting", pid=7)]
    assert reader.new() == []
    write(path, READY)
    assert reader.new() == [Event("ready", seconds=0.8)]


def test_half_a_line_waits_for_its_end(path: Path) -> None:
    reader = EventReader(path)
    path.write_text('{"event": "rea')
    assert reader.new() == []
    with path.open("a") as file:
        file.write('dy"}\n')
    assert reader.new() == [Event("ready")]


def test_what_is_no_event_is_passed_over() -> None:
    lines = [b"\0\0\0", b"[]", b'{"event": 3}', b'{"event": "phase", "name": "x", "pid": "y"}', b""]
    assert events.parse(lines) == [Event("phase")]


def test_the_newest_start(path: Path) -> None:
    assert events.newest_start(path) == 0
    write(path, READY)
    assert events.newest_start(path) == files.size(path)
    write(path, {"event": "starting", "pid": 1}, {"event": "stopped"}, STARTING, READY)
    found = EventReader(path, events.newest_start(path)).new()
    assert [(event.event, event.pid) for event in found] == [("starting", 7), ("ready", None)]


def test_trim_keeps_whole_lines_of_the_end(path: Path) -> None:
    write(path, *({"event": "phase", "seconds": number} for number in range(20_000)))
    events.trim(path)
    kept = EventReader(path).new()
    assert 100 < len(kept) < 5000
    assert kept[-1].seconds == 19_999
    size = files.size(path)
    events.trim(path)
    assert files.size(path) == size


@pytest.mark.parametrize(
    ("told", "phase"),
    [
        ([], "starting"),
        (["starting"], "starting"),
        (["starting", "ready"], "ready"),
        (["starting", "ready", "stopping"], "stopping"),
        (["starting", "ready", "stopping", "stopped"], "stopped"),
        (["starting", "failed"], "failed"),
        (["starting", "stopping", "ready"], "stopping"),
    ],
)
def test_phases(told: list[str], phase: str) -> None:
    assert events.phase([Event(name) for name in told]) == phase


def test_a_ready_component_is_not_the_whole() -> None:
    assert events.phase([Event("ready", component="api-server")]) == "starting"


def outcome(path: Path, *, ended: bool, status: int | None = None, timeout: float = 60.0) -> Outcome:
    told: list[Event] = []
    return events.await_ready(
        EventReader(path), exit_status=lambda: (ended, status), timeout=timeout, tell=told.append
    )


def test_ready_ends_the_wait(path: Path) -> None:
    write(path, STARTING, {"event": "ready", "component": "datastore"}, READY)
    assert outcome(path, ended=False) == Outcome(ready=Event("ready", seconds=0.8))


def test_an_end_is_told_with_its_reason_and_status(path: Path) -> None:
    write(path, STARTING, {"event": "failed", "reason": "no"})
    assert outcome(path, ended=True, status=1) == Outcome(
        failed=Event("failed", reason="no"), ended=True, exit_status=1
    )


def test_ready_before_an_end_is_an_end(path: Path) -> None:
    write(path, STARTING, READY)
    assert outcome(path, ended=True, status=0).ready is None


def test_the_last_event_of_a_process_that_ends_is_not_missed(path: Path) -> None:
    def exit_status() -> tuple[bool, int | None]:
        write(path, {"event": "failed", "reason": "the last word"})
        return True, 1

    found = events.await_ready(EventReader(path), exit_status=exit_status, timeout=60, tell=lambda _: None)
    assert found.failed == Event("failed", reason="the last word")


def test_the_time_is_up(path: Path) -> None:
    write(path, STARTING)
    assert outcome(path, ended=False, timeout=0) == Outcome()
