"""`up --quiet`, for hooks and the like: silent when it is well, one line when not, done when it says so.

The work is done by a process of its own, since nothing else bounds everything that a start may wait for: a
lock, a disk, a kubectl. What started it waits for it for so long and no longer. When the time is up, the work
is told to end and puts back what it found, which nobody waits for any more.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from sandkube.cli import output
from sandkube.errors import SandkubeError

# Of the time that was given, Python uses some to end.
_MARGIN = 0.4
# What it has used before we begin, where that cannot be seen.
_BEGINNING = 0.3
_STARTTIME = 19  # proc_pid_stat(5), behind the name
# How long an interrupted command waits until what it began is undone: longer than a server takes to stop.
_UNDO_SECONDS = 20.0


def or_one_line(
    work: Callable[[], None],
    cause: Callable[[SandkubeError], str | None],
    *,
    seconds: float | None,
    too_late: str,
) -> None:
    """Do ``work``, for at most ``seconds``; None is for as long as it takes.

    What goes wrong is said in one line, with its ``cause`` if that is found in time, and ends the command
    with its exit status; so does the end of the time, of which ``too_late`` is said.
    """
    # A process with threads cannot be forked safely; none of ours has any where it begins.
    if seconds is None or threading.active_count() > 1:
        try:
            work()
        except SandkubeError as error:
            _fail(error.message, error.hint, cause(error))
        return
    told = _in_time(work, cause, max(seconds - _used() - _MARGIN, seconds / 4))
    if told is None:
        _fail(too_late)
    elif told:
        _fail(told["message"], told["hint"], told.get("cause"))


def _used() -> float:
    """The seconds since this process began."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(fields[_STARTTIME]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began)
    except (OSError, ValueError, IndexError, AttributeError):
        return _BEGINNING


def one_line(message: str, hint: str = "", cause: str = "") -> str:
    """What went wrong, why, and what to do, in one line; without the log's end, which `logs` has."""
    if cause.rstrip(".") in message:
        cause = ""
    parts = [f"{message.rstrip('.')}.", f"Cause: {cause}" if cause else "", f"Hint: {hint}" if hint else ""]
    text = " ".join(" ".join(parts).split())
    return f"{click.style('error:', fg='red', bold=True)} {text}"


def _fail(message: str, hint: str | None = None, cause: str | None = None) -> NoReturn:
    output.talk(one_line(message, hint or "", cause or ""))
    raise click.exceptions.Exit(SandkubeError.exit_code)


def _in_time(
    work: Callable[[], None], cause: Callable[[SandkubeError], str | None], seconds: float
) -> dict[str, Any] | None:
    """What is told of the work in time: nothing if it is done, or what went wrong; None is too late."""
    deadline = time.monotonic() + seconds
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        _fail(
            f"No process can be started: {error.strerror}.",
            "ulimit -u unlimited, in a shell where that is allowed; or end other processes",
        )
    if pid == 0:
        os.close(reading)
        _work(work, cause, writing)
    os.close(writing)
    try:
        said, ended = _until_end(reading, deadline)
    except BaseException:  # Ctrl-C and the like: what was begun is undone first
        _end(pid)
        _until_end(reading, time.monotonic() + _UNDO_SECONDS)
        raise
    finally:
        os.close(reading)
    told: dict[str, Any] = {}
    for line in said.splitlines():
        told.update(json.loads(line))
    if not ended:
        _end(pid)
        return told or None
    _, status = os.waitpid(pid, 0)
    if status != 0 and not told:
        return {"message": f"It was ended while it was at work ({_words_of(status)}).", "hint": None}
    return told


def _until_end(reading: int, deadline: float) -> tuple[bytes, bool]:
    """What is written until the other end is closed or the time is up, and whether it was closed."""
    said = b""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            read = os.read(reading, 65536)
            if not read:
                return said, True
            said += read
    return said, False


def _words_of(status: int) -> str:
    """What `waitpid` gave, in words."""
    code = os.waitstatus_to_exitcode(status)
    return f"status {code}" if code >= 0 else f"by {signal.Signals(-code).name}"


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def _work(work: Callable[[], None], cause: Callable[[SandkubeError], str | None], writing: int) -> NoReturn:
    """Do the work as a process that nobody may wait for: out of the terminal's and the pipes' reach."""
    status = 1
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(null, stream)
        work()
        status = 0
    except SandkubeError as error:
        _tell(writing, message=error.message, hint=error.hint)
        if found := cause(error):
            _tell(writing, cause=found)
    except Exception as error:  # noqa: BLE001 -- a fault of ours, as in sandkube.cli.run
        from sandkube.cli.crash import write_report

        report = write_report(error, sys.argv[1:])
        message = f"This is a fault in sandkube: {type(error).__name__}: {error}"
        _tell(writing, message=message, hint=f"please report it, with {report}")
    finally:
        os._exit(status)


def _tell(writing: int, **told: str | None) -> None:
    """Write a line that says what went wrong; one write, so that no half of it is ever read."""
    os.write(writing, json.dumps(told).encode() + b"\n")
