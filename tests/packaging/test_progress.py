from __future__ import annotations

import io

import pytest

from sandkube_build.progress import INTERVAL, Counter, Progress, is_package, is_terminal


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("line", ["fmt", "k8s.io/api/core/v1", "gopkg.in/yaml.v3", "github.com/a/b-c/v2/_d"])
def test_package_names_are_recognised(line: str) -> None:
    assert is_package(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# k8s.io/api",
        "go: downloading k8s.io/api v1",
        "main.go:3:1: undefined: x",
        "note: module requires Go 2",
    ],
)
def test_other_lines_are_not(line: str) -> None:
    assert not is_package(line)


def test_without_a_terminal_plain_lines_come_at_intervals() -> None:
    clock, lines = Clock(), list[str]()
    progress = Progress(lines.append, clock=clock)
    progress.show("1 of 3")
    assert lines == []
    clock.now = INTERVAL
    progress.show("2 of 3")
    clock.now = INTERVAL + 1
    progress.show("3 of 3")
    assert lines == ["2 of 3"]


def test_on_a_terminal_one_line_is_written_over_and_taken_away() -> None:
    screen, lines = io.StringIO(), list[str]()
    progress = Progress(lines.append, screen)
    progress.show("1 of 3")
    progress.show("x" * 500)
    progress.say("done")
    written = screen.getvalue().split("\r\x1b[2K")
    assert written[1] == "1 of 3"
    assert len(written[2]) < 500
    assert written[-1] == ""
    assert "\n" not in screen.getvalue()
    assert lines == ["done"]


def test_packages_and_downloads_are_counted() -> None:
    clock = Clock()
    counter = Counter(Progress(lambda _line: None, clock=clock), total=2, clock=clock)
    counter.line("go: downloading k8s.io/api v0.37.2")
    counter.line("k8s.io/api/core/v1")
    clock.now = 68.0
    assert counter.text() == "compiled 1 of 2 packages, 1:08 (k8s.io/api/core/v1)"
    counter.line("# some/heading")
    counter.line("k8s.io/api/apps/v1")
    assert counter.text() == "compiled 2 of 2 packages, 1:08 (linking)"
    assert counter.downloaded == 1


def test_with_nothing_to_compile_only_linking_is_shown() -> None:
    clock = Clock()
    counter = Counter(Progress(lambda _line: None, clock=clock), total=0, clock=clock)
    clock.now = 5.0
    assert counter.text() == "linking, 0:05"


def test_downloads_are_shown_before_the_number_of_packages_is_known() -> None:
    clock = Clock()
    counter = Counter(Progress(lambda _line: None, clock=clock), clock=clock)
    assert counter.text() == "reading the modules, 0:00"
    counter.line("go: downloading k8s.io/api v0.37.2")
    assert counter.text() == "downloaded 1 modules, 0:00 (k8s.io/api v0.37.2)"


def test_a_dumb_terminal_and_a_closed_stream_take_plain_lines() -> None:
    stream = io.StringIO()
    assert not is_terminal(stream, "xterm")
    stream.isatty = lambda: True  # type: ignore[method-assign]
    assert is_terminal(stream, "xterm")
    assert not is_terminal(stream, "dumb")
    assert not is_terminal(stream, None)
    closed = io.StringIO()
    closed.close()
    assert not is_terminal(closed, "xterm")
