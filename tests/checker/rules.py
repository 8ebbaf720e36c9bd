"""Compares a history with what Kubernetes promises, and tells every difference.

How it works:

1. The *timeline* is the union of all watchers' events, in the order of their versions. Watchers must agree on
   it, each must have seen every event of its stretch once and in order, and together they must have seen
   everything: a stretch that nobody saw makes the run say nothing, and is told as a fault of the run.
2. Each event belongs to the one write whose value it carries, or, for a deletion, to a deletion of that
   object. An acknowledged write has its event, at the version it was told. A write whose outcome is not known
   has one event or none. A refused one has none.
3. Keys live as they can: added when absent, changed and deleted when present, and what asked for a version to
   follow follows that version.
4. Versions follow time: a write that began after another was acknowledged has the higher version, and so has
   a list. An event is not seen before its write began.
5. A list is the timeline's state at its version, to the byte. A get shows a state that was current at some
   time between its beginning and its end.
"""

from __future__ import annotations

import bisect
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checker.history import Event, History, Listing, Read, Watching, Write

State = dict[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A difference; ``kind`` is one of the words in the tests of this module."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def check(history: History) -> list[Fault]:
    """Every fault of the history, those of the record itself first; empty where all is well."""
    timeline = _Timeline(history)
    found = [
        *_agreement(history.watchings),
        *coverage(history),
        *(fault for watching in history.watchings for fault in _stream(watching, timeline)),
        *_writes(history.writes, timeline),
        *_origins(history.writes, timeline),
        *_lives(timeline),
        *_preconditions(history.writes, timeline),
        *_order(history, timeline),
        *_snapshots(_listings(history), timeline),
        *(fault for read in history.reads for fault in _get(read, timeline)),
    ]
    return list(dict.fromkeys(found))


class _Timeline:
    """The events of all watchers, and what follows from them."""

    def __init__(self, history: History) -> None:
        every = {event.version: event for watching in history.watchings for event in watching.events}
        self.events = [every[version] for version in sorted(every)]
        self.versions = [event.version for event in self.events]
        self.of_key: dict[str, list[Event]] = defaultdict(list)
        self.of_value: dict[tuple[str, str], list[Event]] = defaultdict(list)
        self.deletions: dict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            self.of_key[event.key].append(event)
            if event.kind == "DELETED":
                self.deletions[event.uid].append(event)
            else:
                self.of_value[event.key, event.value].append(event)
        self.versions_of_key = {key: [event.version for event in self.of_key[key]] for key in self.of_key}
        self.written = {(write.key, write.value): write for write in history.writes if write.value}
        self._acknowledged = sorted(
            (write.ended, version)
            for write in history.writes
            if write.outcome == "done" and (version := self.version(write)) is not None
        )
        highest = 0
        self._ends, self._highest = [], []
        for ended, version in self._acknowledged:
            highest = max(highest, version)
            self._ends.append(ended)
            self._highest.append(highest)

    def version(self, write: Write) -> int | None:
        """The version of a write: what was told, or what its event says."""
        if write.version is not None:
            return write.version
        if write.verb == "delete":
            events = self.deletions.get(write.uid, [])
        else:
            events = self.of_value.get((write.key, write.value), [])
        return events[0].version if events else None

    def newest_before(self, time: float) -> int:
        """The highest version that was acknowledged before a time."""
        index = bisect.bisect_left(self._ends, time)
        return self._highest[index - 1] if index else 0


def _listings(history: History) -> list[Listing]:
    return [*history.listings, *([history.last] if history.last else [])]


def _agreement(watchings: Iterable[Watching]) -> Iterator[Fault]:
    """All watchers tell the same of a version."""
    told: dict[int, Event] = {}
    for watching in watchings:
        for event in watching.events:
            other = told.setdefault(event.version, event)
            if (other.kind, other.key, other.value, other.uid) != (
                event.kind,
                event.key,
                event.value,
                event.uid,
            ):
                yield Fault(
                    "watchers disagree", f"version {event.version} is {_say(event)} and {_say(other)}"
                )


def coverage(history: History) -> Iterator[Fault]:
    """Somebody watched at every version: without that, nothing can be said."""
    if not history.watchings:
        yield Fault("incomplete record", "nobody watched")
        return
    seen: list[tuple[int, int]] = []
    for watching in history.watchings:
        start = watching.start
        for first, last in sorted(watching.jumps):
            seen.append((start, first - 1))
            start = last
        seen.append((start, watching.end))
    upto = min(start for start, _ in seen)
    for start, end in sorted(seen):
        if start > upto:
            yield Fault("incomplete record", f"nobody watched from version {upto + 1} to {start}")
        upto = max(upto, end)
    told = [write.version for write in history.writes if write.version is not None]
    if told and max(told) > upto:
        yield Fault("incomplete record", f"watched up to {upto}, written up to {max(told)}")
    if history.last is None:
        yield Fault("incomplete record", "there is no last list")


def _stream(watching: Watching, timeline: _Timeline) -> Iterator[Fault]:
    """Every event of the watcher's stretch, once, in order."""
    before = watching.start
    seen: set[int] = set()
    for event in watching.events:
        if event.version in seen:
            yield Fault("event repeated", f"{watching.watcher} saw {_say(event)} again")
        elif event.version <= before:
            yield Fault("event out of order", f"{watching.watcher} saw {_say(event)} after version {before}")
        seen.add(event.version)
        before = max(before, event.version)
    for event in timeline.events:
        jumped = any(first <= event.version <= last for first, last in watching.jumps)
        if watching.start < event.version <= watching.end and not jumped and event.version not in seen:
            yield Fault("event lost", f"{watching.watcher} did not see {_say(event)}")


def _writes(writes: Iterable[Write], timeline: _Timeline) -> Iterator[Fault]:
    """What was acknowledged happened, once, at the version that was told; what was refused did not."""
    deleted: set[str] = set()
    for write in writes:
        if write.verb == "delete":
            if write.outcome != "done":
                continue
            if not timeline.deletions.get(write.uid):
                yield Fault("acknowledged write lost", _tell(write))
            if write.uid in deleted:
                yield Fault("deleted twice", _tell(write))
            deleted.add(write.uid)
            continue
        events = timeline.of_value.get((write.key, write.value), [])
        if len(events) > 1:
            yield Fault("written twice", f"{_tell(write)}: {', '.join(map(_say, events))}")
        if write.outcome == "refused" and events:
            yield Fault("refused and written", f"{_tell(write)}: {_say(events[0])}")
        if write.outcome == "done" and not events:
            yield Fault("acknowledged write lost", _tell(write))
        elif write.outcome == "done" and write.version not in [event.version for event in events]:
            yield Fault("wrong version told", f"{_tell(write)}: {_say(events[0])}")


def _origins(writes: Iterable[Write], timeline: _Timeline) -> Iterator[Fault]:
    """Every event comes from a write that had begun."""
    deletions: dict[str, list[Write]] = defaultdict(list)
    for write in writes:
        if write.verb == "delete" and write.outcome != "refused":
            deletions[write.key].append(write)
    for event in timeline.events:
        began: float | None
        if event.kind == "DELETED":
            known = [write for write in deletions[event.key] if write.uid in ("", event.uid)]
            began = min((write.began for write in known), default=None)
        else:
            origin = timeline.written.get((event.key, event.value))
            began = None if origin is None else origin.began
            if origin is not None and (origin.verb == "create") != (event.kind == "ADDED"):
                yield Fault("wrong kind of event", f"{_tell(origin)}: {_say(event)}")
        if began is None:
            yield Fault("nobody wrote it", _say(event))
        elif event.at < began:
            yield Fault("seen before it was written", _say(event))
    for uid, events in timeline.deletions.items():
        if len(events) > 1:
            yield Fault("written twice", f"deletions of {uid}: {', '.join(map(_say, events))}")


def _lives(timeline: _Timeline) -> Iterator[Fault]:
    """A key is added when it is absent, and changed or deleted when it is there, always the same object."""
    for events in timeline.of_key.values():
        uid: str | None = None
        for event in events:
            if event.kind == "ADDED":
                if uid is not None:
                    yield Fault("impossible life", f"{_say(event)}, and it was there")
                uid = event.uid
                continue
            if uid != event.uid:
                there = "it was not there" if uid is None else f"what was there is {uid}"
                yield Fault("impossible life", f"{_say(event)}, and {there}")
            uid = None if event.kind == "DELETED" else event.uid


def _preconditions(writes: Iterable[Write], timeline: _Timeline) -> Iterator[Fault]:
    """A write that asked for a version to follow follows it, with nothing between the two."""
    before: dict[int, int] = {}
    for events in timeline.of_key.values():
        for one, other in itertools.pairwise(events):
            before[other.version] = one.version
    for write in writes:
        version = None if write.after is None or write.outcome != "done" else timeline.version(write)
        if version is not None and version in before and before[version] != write.after:
            yield Fault("precondition broken", f"{_tell(write)}: it follows version {before[version]}")


def _order(history: History, timeline: _Timeline) -> Iterator[Fault]:
    """What begins after something was acknowledged has the higher version."""
    for write in history.writes:
        version = timeline.version(write) if write.outcome == "done" else None
        newest = timeline.newest_before(write.began)
        if version is not None and version <= newest:
            yield Fault("version went back", f"{_tell(write)} is {version}, after {newest} was acknowledged")
    highest = 0
    marks = [(one.ended, 1, one) for one in _listings(history)] + [
        (one.began, 0, one) for one in _listings(history)
    ]
    at_begin: dict[int, int] = {}
    for _, ended, listing in sorted(marks, key=lambda mark: mark[:2]):
        if not ended:
            at_begin[id(listing)] = highest
            continue
        highest = max(highest, listing.version)
        least = max(at_begin[id(listing)], timeline.newest_before(listing.began))
        if listing.version < least:
            yield Fault("version went back", f"a list at {listing.version}, after {least} was known")


def _snapshots(listings: Iterable[Listing], timeline: _Timeline) -> Iterator[Fault]:
    """A list is what was there at its version."""
    state: State = {}
    at = 0
    for listing in sorted(listings, key=lambda one: one.version):
        upto = bisect.bisect_right(timeline.versions, listing.version)
        for event in timeline.events[at:upto]:
            if event.kind == "DELETED":
                state.pop(event.key, None)
            else:
                state[event.key] = (event.value, event.version)
        at = upto
        for key in sorted({*state, *listing.found}):
            if state.get(key) != listing.found.get(key):
                there, told = state.get(key), listing.found.get(key)
                yield Fault("wrong list", f"at {listing.version}, {key} is {there}, and the list has {told}")


def _get(read: Read, timeline: _Timeline) -> Iterator[Fault]:
    """A get shows what was there at some time while it ran."""
    text = f"{read.client} got {read.key} as {read.value} at {read.version}"
    if read.value is not None:
        write = timeline.written.get((read.key, read.value))
        if write is None or write.outcome == "refused":
            yield Fault("nobody wrote it", text)
            return
        if write.began > read.ended:
            yield Fault("seen before it was written", text)
            return
    events = timeline.of_key.get(read.key, [])
    least = timeline.newest_before(read.began)
    start = max(bisect.bisect_right(timeline.versions_of_key.get(read.key, []), least) - 1, 0)
    candidates = itertools.islice(events, start, None)
    if read.value is None:
        absent = not events or events[0].version > least
        if not absent and not any(event.kind == "DELETED" for event in candidates):
            yield Fault("stale read", text)
    elif not any(event.version == read.version and event.value == read.value for event in candidates):
        yield Fault("stale read", text)


def _say(event: Event) -> str:
    return f"{event.kind} {event.key}={event.value or '?'} at {event.version}"


def _tell(write: Write) -> str:
    follows = "" if write.after is None else f" after {write.after}"
    return f"{write.verb} {write.key}={write.value or write.uid}{follows} by {write.client} ({write.outcome})"


def recovery(history: History, since: float) -> float | None:
    """Seconds from a time until a write that began after it was acknowledged; None if none was."""
    ends = [write.ended for write in history.writes if write.outcome == "done" and write.began >= since]
    return min(ends) - since if ends else None
