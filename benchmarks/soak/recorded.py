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
READ = (200, 404)  # answers that say what there was


def read(lines: Iterable[str]) -> History:
    """The history in the lines of the driver's file. CannotMeasureError where its end is not there."""
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in map(_entry, lines):
        of["list" if entry["kind"] == "end" and entry["verb"] == "list" else entry["kind"]].append(entry)
    if not of["list"]:
        raise CannotMeasureError("The driver's history has no end: it was stopped, or the disk is full.")
    return History(
        writes=[_write(entry) for entry in of["write"]],
        reads=[_read(entry) for entry in of["read"] if entry.get("status") in READ],
        watchings=[_watching(entry["client"], of) for entry in of["end"]],
        last=_last(of["list"][0], of["final"]),
    )


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


def _read(entry: dict[str, Any]) -> Read:
    value = entry.get("value") if entry["status"] == READ[0] else None
    began, ended = entry.get("sent", 0) * NANO, entry["answered"] * NANO
    return Read(f"c{entry['client']}", entry["key"], began, ended, value, _number(entry, "revision"))


def _watching(client: int, of: dict[str, list[dict[str, Any]]]) -> Watching:
    """What one watch saw; it passed over what lies between a `lost` and its being opened again."""
    opened, lost, events, ended = (
        [entry for entry in of[kind] if entry["client"] == client]
        for kind in ("watch", "lost", "event", "end")
    )
    jumps = tuple((int(entry["revision"]) + 1, int(entry["to"])) for entry in lost)
    start, end = int(opened[0]["revision"]), int(ended[0]["revision"])
    return Watching(f"w{client}", start, end, tuple(map(_event, events)), jumps)


def _last(end: dict[str, Any], final: Iterable[dict[str, Any]]) -> Listing:
    found = {entry["key"]: (entry.get("value", ""), int(entry["revision"])) for entry in final}
    return Listing("last", end["sent"] * NANO, end["answered"] * NANO, int(end["revision"]), found)


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
