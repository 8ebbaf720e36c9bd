"""What is shown on a terminal, and what elsewhere."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time

import pytest

from command_line import PATIENCE, Sandkube

COLOUR = re.compile(r"\x1b\[[0-9;]*[1-9][0-9;]*m")
STEPS = ("Making certificates", "Starting the server")


def on_terminal(sandkube: Sandkube, *arguments: str, **environ: str) -> tuple[int, str]:
    """The exit status of a command whose standard streams are a terminal, and all that was written to it."""
    ours, theirs = pty.openpty()
    try:
        popen = subprocess.Popen(
            [*sandkube.command, *arguments],
            env={"TERM": "xterm-256color", **sandkube.environ, **environ},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    written = b""
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                data = os.read(ours, 65536)
            except OSError:  # Linux: the last one has closed it
                break
            if not data:
                break
            written += data
    finally:
        os.close(ours)
    return popen.wait(PATIENCE), written.decode()


def test_steps_replace_one_another_on_a_terminal(sandkube: Sandkube) -> None:
    status, shown = on_terminal(sandkube, "up", "--durability", "fast")
    assert status == 0
    assert STEPS[-1] in shown  # the one before may be over before it is drawn
    assert "\x1b[2K" in shown  # the line is erased
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n").split("\n")
    said = [line.rpartition("\r")[2] for line in lines if line.strip()]
    assert said[-4].startswith("Cluster `default` is Ready after")
    assert said[-2:] == ["  kubectl get namespaces", "  sandkube down"]


def test_a_terminal_that_can_nothing_gets_lines(sandkube: Sandkube) -> None:
    status, shown = on_terminal(sandkube, "up", "--durability", "fast", TERM="dumb")
    assert status == 0
    assert "\x1b" not in shown
    assert [line for line in shown.split("\r\n") if line in STEPS] == list(STEPS)


def test_no_terminal_gets_lines_and_no_data(sandkube: Sandkube) -> None:
    done = sandkube("up", "--durability", "fast")
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    assert "\r" not in done.stderr
    assert [line for line in done.stderr.splitlines() if line in STEPS] == list(STEPS)
    assert sandkube("up", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_colours_on_a_terminal(sandkube: Sandkube, environ: dict[str, str], coloured: bool) -> None:  # noqa: FBT001
    status, shown = on_terminal(sandkube, "status", "absent", **environ)
    assert status == 2
    assert "There is no cluster `absent`." in shown
    assert bool(COLOUR.search(shown)) == coloured


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"NO_COLOR": "", "FORCE_COLOR": ""}, False)],
)
def test_colours_elsewhere(sandkube: Sandkube, environ: dict[str, str], coloured: bool) -> None:  # noqa: FBT001
    done = sandkube("status", "absent", status=2, environ=environ)
    assert bool(COLOUR.search(done.stderr)) == coloured


def test_no_colour_in_the_steps_either(sandkube: Sandkube) -> None:
    status, shown = on_terminal(sandkube, "up", "--durability", "fast", NO_COLOR="1")
    assert status == 0
    assert not COLOUR.search(shown)


def test_a_pipe_that_is_closed_is_no_fault(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    done = sandkube.shell("sandkube logs | head -n 1; sandkube status -o json | head -c 1")
    assert done.stdout.endswith("{")
    assert done.stderr == ""
