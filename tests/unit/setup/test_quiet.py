"""Doing something quietly: in time, or in one line."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import click
import pytest

from sandkube.cli.quiet import one_line, or_one_line
from sandkube.errors import SandkubeError, StartFailed


def talk() -> None:
    os.write(1, b"talk\n")


def no_cause(_: SandkubeError) -> str | None:
    return None


def fails() -> None:
    raise StartFailed("It did not\nstart.", hint="try harder", tail="one\ntwo")


def faulty() -> None:
    raise ZeroDivisionError


def line_of(
    capfd: pytest.CaptureFixture[str],
    work: Callable[[], None],
    cause: Callable[[SandkubeError], str | None] = no_cause,
    seconds: float | None = 60,
) -> str:
    """The only line that is said; the status is 2."""
    with pytest.raises(click.exceptions.Exit) as caught:
        or_one_line(work, cause, seconds=seconds, too_late="It is late.")
    assert caught.value.exit_code == 2
    out, err = capfd.readouterr()
    assert out == ""
    [line] = err.splitlines()
    return line


def test_nothing_is_said_when_it_is_well(capfd: pytest.CaptureFixture[str]) -> None:
    for seconds in (60, None):
        or_one_line(talk, no_cause, seconds=seconds, too_late="")
    assert capfd.readouterr() == ("talk\n", "")  # only what is not bounded prints: `--dry-run` has a script


@pytest.mark.parametrize("seconds", [60, None])
def test_an_error_is_one_line(capfd: pytest.CaptureFixture[str], seconds: float | None) -> None:
    assert line_of(capfd, fails, seconds=seconds) == "error: It did not start. Hint: try harder"
    line = line_of(capfd, fails, lambda error: f"a {type(error).__name__}", seconds)
    assert line == "error: It did not start. Cause: a StartFailed Hint: try harder"


def test_a_cause_that_takes_too_long_is_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    def cause(_: SandkubeError) -> str:
        time.sleep(600)
        return "never"

    assert line_of(capfd, fails, cause, seconds=1) == "error: It did not start. Hint: try harder"


def test_a_cause_that_says_the_same_is_left_out() -> None:
    assert click.unstyle(one_line("No home. Here.", cause="No home.")) == "error: No home. Here."


def test_the_end_of_the_time(capfd: pytest.CaptureFixture[str]) -> None:
    assert line_of(capfd, lambda: time.sleep(600), seconds=0.5) == "error: It is late."


def test_a_fault_of_ours_has_a_report(capfd: pytest.CaptureFixture[str], state: object) -> None:
    del state
    line = line_of(capfd, faulty)
    assert "This is a fault in sandkube: ZeroDivisionError" in line
    assert "please report it, with " in line


def test_work_that_is_killed_is_not_taken_for_done(capfd: pytest.CaptureFixture[str]) -> None:
    line = line_of(capfd, lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert line == "error: It was ended while it was at work (by SIGKILL)."


def test_where_there_are_threads_it_is_done_here(capfd: pytest.CaptureFixture[str]) -> None:
    """A process with threads cannot be forked safely."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        seen: list[int] = []
        or_one_line(lambda: seen.append(os.getpid()), no_cause, seconds=60, too_late="")
        assert seen == [os.getpid()]
        assert line_of(capfd, fails) == "error: It did not start. Hint: try harder"
    finally:
        end.set()
        thread.join()
