"""What the server tells: ``events.jsonl``, one JSON object a line, and waiting for it.

The file is appended to by every server that serves the cluster, so a reader wants the part of one start.
Events and keys that are not known are passed over: a newer server may tell more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandkube.plane.files import size, usable, write_private

_POLL_SECONDS = 0.005
_KEEP_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``time`` is in UTC, RFC 3339; ``seconds`` are those since the server's exec."""

    event: str
    time: str = ""
    component: str | None = None
    reason: str | None = None
    seconds: float | None = None
    pid: int | None = None
    address: str | None = None

    @property
    def whole_ready(self) -> bool:
        """Whether this says that everything is Ready, and not only one component."""
        return self.event == "ready" and self.component is None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What waiting for Ready came to: ``ready``; or ``failed`` and ``exit_status``, as far as they are known.

    With neither, the time was up.
    """

    ready: Event | None = None
    failed: Event | None = None
    ended: bool = False
    exit_status: int | None = None


class EventReader:
    """Reads the events behind ``offset`` (bytes), each once, and a line not before it is whole."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._offset = offset

    def new(self) -> list[Event]:
        """The events that came since the last call."""
        try:
            with usable(self._path), self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return parse(whole.splitlines())


def parse(lines: Iterable[bytes]) -> list[Event]:
    """The events in ``lines``; what is none (half a line, after the machine lost power) is passed over."""
    found = []
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict) and isinstance(document.get("event"), str):
            found.append(_event(document))
    return found


def _event(document: dict[str, Any]) -> Event:
    def text(key: str) -> str | None:
        value = document.get(key)
        return value if isinstance(value, str) and value else None

    seconds, pid = document.get("seconds"), document.get("pid")
    return Event(
        event=document["event"],
        time=text("time") or "",
        component=text("component"),
        reason=text("reason"),
        seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
        pid=pid if isinstance(pid, int) else None,
        address=text("address"),
    )


def newest_start(path: Path) -> int:
    """Where the events of the newest server begin (bytes); the end of the file where there is none."""
    offset, found = 0, None
    try:
        with usable(path), path.open("rb") as file:
            for line in file:
                if any(event.event == "starting" for event in parse([line])):
                    found = offset
                offset += len(line)
    except FileNotFoundError:
        return 0
    return offset if found is None else found


def trim(path: Path) -> None:
    """Drop all but the last part of a long file. Only while no server writes to it."""
    if size(path) > 4 * _KEEP_BYTES:
        kept = path.read_bytes()[-_KEEP_BYTES:].partition(b"\n")[2]
        write_private(path, kept, sync=False)


def await_ready(
    reader: EventReader,
    *,
    exit_status: Callable[[], tuple[bool, int | None]],
    timeout: float,
    tell: Callable[[Event], None],
) -> Outcome:
    """Wait until the whole is Ready, the process has ended, or ``timeout`` seconds are over.

    ``exit_status`` says whether the process has ended, and with which status, if that can be known. ``tell``
    gets each event as it comes. A failure is reported when the process has ended too, so that its log is
    complete; at most ten seconds later.
    """
    deadline = time.monotonic() + timeout
    failed: Event | None = None
    stopping = False
    while True:
        ended, status = exit_status()  # asked before the events are read: the last of them must not be missed
        for event in reader.new():
            tell(event)
            stopping = stopping or event.event == "stopping"
            if event.whole_ready and not ended and not stopping:
                return Outcome(ready=event)
            if event.event == "failed" and failed is None:
                failed = event
                deadline = min(deadline, time.monotonic() + 10)
        if ended:
            return Outcome(failed=failed, ended=True, exit_status=status)
        if time.monotonic() >= deadline:
            return Outcome(failed=failed)
        time.sleep(_POLL_SECONDS)


def phase(found: Sequence[Event]) -> str:
    """How far the start behind these events came: starting, ready, stopping, stopped or failed."""
    state = "starting"
    for event in found:
        if event.event in ("stopping", "stopped", "failed"):
            state = event.event
        elif event.whole_ready and state == "starting":  # one that was asked to stop may still say so
            state = "ready"
    return state
