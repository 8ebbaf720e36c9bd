"""What the driver recorded, as a history that the tests' checker (tests/checker) judges."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from measuring.report import CannotMeasureError

from checker.history import Event, History, Listing, Outcome, Read, Verb, Watching, Write

VERBS: dict[str, Verb] = {"POST": "create", "PUT": "update", "DELETE": "delete"}
NANO = 1e-9


def read(lines: Iterable[str]) -> History:
    """The history in the lines of the driver's file. CannotMeasureError where its end is not there."""
    found = History()
    events: dict[str, list[Event]] = defaultdict(list)
    starts: dict[str, int] = {}
    ends: dict[str, int] = {}
    jumps: dict[str, list[int]] = defaultdict(list)
    there: dict[str, tuple[str, int]] = {}
    last: Listing | None = None
    for entry in map(_entry, lines):
        watcher = f"w{entry['client']}"
        match entry["kind"]:
            case "write":
                found.writes.append(_write(entry))
            case "read":
                found.reads.extend(_read(entry))
            case "watch":
                starts.setdefault(watcher, int(entry["revision"]))
                if jumps[watcher] and len(jumps[watcher]) % 2:
                    jumps[watcher].append(int(entry["revision"]))
            case "event":
                events[watcher].append(_event(entry))
            case "lost":
                jumps[watcher].append(int(entry["revision"]) + 1)
            case "final":
                there[entry["key"]] = (entry.get("value", ""), int(entry["revision"]))
            case "end" if entry["verb"] == "watch":
                ends[watcher] = int(entry["revision"])
            case "end":
                began, ended = entry["sent"] * NANO, entry["answered"] * NANO
                last = Listing("last", began, ended, int(entry["revision"]), there)
    if last is None:
        raise CannotMeasureError("The driver's history has no end: it was stopped, or the disk is full.")
    watchings = [
        Watching(one, start, ends[one], tuple(events[one]), _pairs(jumps[one]))
        for one, start in starts.items()
    ]
    return History(found.writes, found.reads, [], watchings, last)


def outcome(status: int) -> Outcome:
    """What the status of an answer to a write says; 0 is none."""
    if 200 <= status < 300:  # noqa: PLR2004 -- HTTP's classes
        return "done"
    return "refused" if 400 <= status < 500 else "unknown"  # noqa: PLR2004


def _entry(line: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise CannotMeasureError(f"A line of the driver's history is cut: {line[:80]!r}") from error
    return entry


def _write(entry: dict[str, Any]) -> Write:
    return Write(
        client=f"c{entry['client']}",
        verb=VERBS[entry["verb"]],
        key=entry["key"],
        began=entry.get("sent", 0) * NANO,
        ended=entry["answered"] * NANO,
        outcome=outcome(entry.get("status", 0)),
        value=entry.get("value", ""),
        after=_number(entry, "after"),
        version=_number(entry, "revision"),
        uid=entry.get("uid", ""),
    )


def _read(entry: dict[str, Any]) -> list[Read]:
    status = entry.get("status", 0)
    if status not in {200, 404}:
        return []
    value = entry.get("value") if status == 200 else None  # noqa: PLR2004
    began, ended = entry.get("sent", 0) * NANO, entry["answered"] * NANO
    return [Read(f"c{entry['client']}", entry["key"], began, ended, value, _number(entry, "revision"))]


def _event(entry: dict[str, Any]) -> Event:
    return Event(
        entry["verb"],
        entry["key"],
        entry.get("value", ""),
        int(entry["revision"]),
        entry.get("uid", ""),
        entry["answered"] * NANO,
    )


def _number(entry: dict[str, Any], key: str) -> int | None:
    return int(entry[key]) if key in entry else None


def _pairs(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    return tuple(zip(numbers[::2], numbers[1::2], strict=False))
