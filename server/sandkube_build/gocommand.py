"""Running `go`: lines as they come, a tick each second, and no child left behind when we are interrupted."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from .errors import BuildError

__all__ = ["Terminated", "run", "terminable"]

TAIL_LINES = 40
PATIENCE = 5.0  # seconds between TERM and KILL


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came while something was being built; ``signum`` says which."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"ended by {signal.Signals(signum).name}")
        self.signum = signum


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Within this, SIGTERM and SIGHUP raise Terminated, so that cleaning up happens as it does for Ctrl-C.

    Only where they would end the process at once: a program's own handler, or its ignoring them, stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(signum: int, _frame: FrameType | None) -> None:
        raise Terminated(signum)

    ours = [
        number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def run(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    on_line: Callable[[str], None] = lambda _line: None,
    on_tick: Callable[[], None] = lambda: None,
) -> str:
    """Run a command and give its standard output; ``on_line`` gets each line of its standard error.

    Raises BuildError with the tail of the standard error where it fails. Whatever else is raised meanwhile
    (Ctrl-C, Terminated) ends the command's whole process group first.
    """
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(argument) for argument in arguments],
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a process group of its own, so that compilers end with `go`
        )
        try:
            for line in _lines(process, on_tick):
                tail.append(line)
                on_line(line)
            status = process.wait()
        except BaseException:
            _end(process)
            raise
        if status != 0:
            said = "\n".join(tail)
            raise BuildError(f"`{_shown(arguments)}` ended with status {status}", tail=said, hint=_hint(said))
        output.seek(0)
        return output.read().decode("utf-8", "replace")


def _lines(process: subprocess.Popen[bytes], on_tick: Callable[[], None]) -> Iterator[str]:
    lines: queue.Queue[str | None] = queue.Queue()
    assert process.stderr is not None
    threading.Thread(target=_read, args=(process.stderr, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            on_tick()
            continue
        if line is None:
            return
        yield line


def _read(stream: IO[bytes], lines: queue.Queue[str | None]) -> None:
    with stream:
        for line in stream:
            lines.put(line.decode("utf-8", "replace").rstrip())
    lines.put(None)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process group: TERM, then KILL for whatever is left of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _shown(arguments: Sequence[str | Path]) -> str:
    return " ".join(["go", *(str(argument) for argument in arguments[1:3])])


def _hint(said: str) -> str | None:
    """Give a remedy for the failures a user can mend."""
    if any(words in said for words in ("dial tcp", "proxyconnect", "i/o timeout", "no such host")):
        return "Go modules come from GOPROXY: see that it can be reached"
    if "no space left on device" in said:
        return "the disk is full: make room, or point GOMODCACHE, GOCACHE and TMPDIR at a larger disk"
    if "signal: killed" in said:
        return "a compiler was killed, most likely for want of memory: close something and build again"
    return None
