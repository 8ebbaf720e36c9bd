from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from sandkube.errors import UsageError
from sandkube.plane import files, logs
from sandkube.plane.logs import Follower

NOW = dt.datetime(2026, 11, 24, 12, 0, 0).astimezone()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_tail(path: Path) -> None:
    assert logs.tail(path, 3) == []
    path.write_text("".join(f"line {number}\n" for number in range(50_000)))
    assert logs.tail(path, 2) == ["line 49998", "line 49999"]
    assert logs.tail(path, 0) == []
    assert len(logs.tail(path, 100_000)) == 50_000


def test_tail_behind_an_offset(path: Path) -> None:
    path.write_text("old\n")
    offset = files.size(path)
    append(path, "new\n")
    assert logs.tail(path, 5, behind=offset) == ["new"]
    path.write_text("x\n")  # turned since
    assert logs.tail(path, 5, behind=offset) == ["x"]


def test_the_parts_of_a_turned_log_are_one(path: Path) -> None:
    path.with_name("server-2026-11-24T01-00-00.000.log").write_text("1\n2\n")
    path.with_name("server-2026-11-24T02-00-00.000.log").write_text("3\n")
    path.write_text("4\n")
    assert list(logs.lines(path)) == ["1", "2", "3", "4"]
    assert logs.last_lines(path, 3) == ["2", "3", "4"]


def test_a_panic_is_shown_from_its_beginning(path: Path) -> None:
    assert logs.outcry(path, 2) == []
    path.write_text("one\ntwo\nthree\n")
    assert logs.outcry(path, 2) == ["two", "three"]
    append(path, '{"level":"warn","msg":"retrying"}\n' * 50)
    assert logs.outcry(path, 2) == ["two", "three"]
    append(path, "panic: no\n" + "goroutine 1 [running]:\n" * 50)
    assert logs.outcry(path, 2) == ["panic: no", "goroutine 1 [running]:"]


def test_since(path: Path) -> None:
    found = [
        "a line without a time",
        "I1124 11:54:59.999999       1 a.go:1] before",
        "E1124 11:55:00.000000       1 a.go:1] after",
        "goroutine 1 [running]:",
    ]
    moment = logs.parse_since("5m", NOW)
    assert list(logs.since(found, moment, NOW)) == found[2:]


@pytest.mark.parametrize(
    ("line", "year"),
    [("I1124 11:00:00.000000 ", 2026), ("I1231 23:00:00.000000 ", 2025), ("I0229 00:00:00.000000 ", None)],
)
def test_the_year_is_the_one_that_fits(line: str, year: int | None) -> None:
    found = logs.time_of(line, NOW)
    assert (found.year if found else None) == year


def test_a_new_year_between_writing_and_reading() -> None:
    new_year = dt.datetime(2027, 1, 1, 0, 0, 1).astimezone()
    found = logs.time_of("I1231 23:59:59.000000 ", new_year)
    assert found is not None
    assert new_year - found == dt.timedelta(seconds=2)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("1h30m", 5400), ("2d", 172800), ("0.5s", 0.5), ("1d1h1m1s", 90061)],
)
def test_durations(text: str, seconds: float) -> None:
    assert NOW - logs.parse_since(text, NOW) == dt.timedelta(seconds=seconds)


def test_times() -> None:
    moment = dt.datetime(2026, 11, 24, 9, 45, tzinfo=dt.timezone.utc)
    assert logs.parse_since("2026-11-24T09:45:00Z", NOW) == moment
    assert logs.parse_since("2026-11-24T10:45:00+01:00", NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "soon", "5", "5x", "24.11.2026", "99999999999d", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_neither(text: str) -> None:
    with pytest.raises(UsageError):
        logs.parse_since(text, NOW)


@pytest.mark.parametrize("text", ["9999999d", "0001-01-01T00:00:00+14:00"])
def test_what_no_calendar_holds(text: str) -> None:
    with pytest.raises(UsageError):
        logs.parse_since(text, NOW)


def test_warnings_and_errors_are_graver_than_the_rest(path: Path) -> None:
    at = "1124 09:45:43.000000       1 options.go:57]"
    calm = f"I{at} Caches are synced\n" * 20
    path.write_text(f"{calm}W{at} The manifest file is empty, ignoring.\n")
    assert logs.gravest(path, 3) == (calm.splitlines())[:3]
    append(path, f"E{at} address in use\n{calm}")
    assert logs.gravest(path, 3) == [f"E{at} address in use", *calm.splitlines()[:2]]


def test_following_begins_at_the_end_and_survives_a_turn(path: Path) -> None:
    path.write_text("old\n")
    follower = Follower(path)

    def turn() -> None:
        append(path, "three\n")
        path.rename(path.with_name("server-1.log"))
        append(path, "four\n")

    steps: Iterator[Callable[[], None]] = iter(
        [partial(append, path, "one\ntw"), partial(append, path, "o\n"), turn]
    )

    def ended() -> bool:
        step = next(steps, None)
        if step:
            step()
        return step is None

    assert list(follower.lines(ended, poll=0)) == ["one", "two", "three", "four"]


def test_what_was_there_and_what_comes_are_each_line_once(path: Path) -> None:
    path.write_text("1\n2\nha")
    follower = logs.Follower(path)
    history = logs.lines(path, follower.mark)
    with path.open("a") as file:
        file.write("lf\n4\n")
    assert logs.last_lines(path, 1, follower.mark) == ["2"]
    path.rename(path.with_name("server-1.log"))
    path.write_text("5\nbroken o")
    assert list(history) == ["1", "2"]  # asked for before the log was turned
    assert logs.last_lines(path, 9, follower.mark) == ["1", "2"]
    assert list(follower.lines(ended=lambda: True, poll=0)) == ["half", "4", "5", "broken o"]


def test_a_log_that_begins_later_is_followed_only(path: Path) -> None:
    follower = logs.Follower(path)
    path.write_text("1\n")
    assert list(logs.lines(path, follower.mark)) == []
    assert list(follower.lines(ended=lambda: True, poll=0)) == ["1"]


def test_following_what_is_not_there_yet(path: Path) -> None:
    follower = Follower(path)
    answers = iter([False, True])

    def ended() -> bool:
        append(path, "x\n")
        return next(answers)

    assert list(follower.lines(ended, poll=0)) == ["x", "x"]


def logrus(at: str, level: str, message: str) -> str:
    return f'time="2026-11-24T{at}Z" level={level} msg="{message}"'


def test_the_lines_of_k3s(path: Path) -> None:
    calm = [logrus("11:00:00", "info", "Starting k3s"), "I1124 11:00:01.000000 7 a.go:1] serving"]
    noise = logrus("11:00:04", "error", "Remotedialer proxy error; reconnecting...")
    fatal = logrus("11:00:02", "fatal", "failed to find host-local")
    later = [logrus("11:00:05", "info", f"step {number}") for number in range(5)]
    path.write_text("\n".join([*calm, fatal, noise, *later]) + "\n")
    assert logs.gravest(path, 4)[0] == fatal
    assert noise not in logs.gravest(path, 20)
    moment = dt.datetime(2026, 11, 24, 11, 0, 4, tzinfo=dt.timezone.utc)
    assert list(logs.since(later, moment, NOW)) == later
    assert list(logs.since([calm[0], *later], moment, NOW)) == later
