"""The checker on histories made by hand: sound ones are accepted, every kind of planted fault is found."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from checker.history import Event, History, Listing, Read, Watching, Write
from checker.rules import check, recovery


def sound() -> History:
    """Two keys: `a` is made, changed, deleted and made again; `b` is made and changed without an answer."""
    writes = [
        Write("c0", "create", "a", 1.0, 1.1, "done", "a1", version=11, uid="ua"),
        Write("c1", "create", "b", 1.2, 1.3, "done", "b1", version=12, uid="ub"),
        Write("c0", "update", "a", 2.0, 2.1, "done", "a2", after=11, version=13, uid="ua"),
        Write("c1", "update", "a", 2.05, 2.2, "refused", "a3", after=11),
        Write("c1", "update", "b", 3.0, 3.1, "unknown", "b2", after=12),
        Write("c0", "delete", "a", 4.0, 4.1, "done", after=13, uid="ua"),
        Write("c0", "create", "a", 5.0, 5.1, "done", "a4", version=16, uid="uc"),
        Write("c1", "update", "b", 6.0, 6.1, "unknown", "b3"),
        Write("c1", "delete", "b", 6.2, 6.3, "unknown"),
    ]
    events = (
        Event("ADDED", "a", "a1", 11, "ua", 1.05),
        Event("ADDED", "b", "b1", 12, "ub", 1.35),
        Event("MODIFIED", "a", "a2", 13, "ua", 2.15),
        Event("MODIFIED", "b", "b2", 14, "ub", 3.2),
        Event("DELETED", "a", "a2", 15, "ua", 4.05),
        Event("ADDED", "a", "a4", 16, "uc", 5.3),
    )
    return History(
        writes,
        [
            Read("c1", "a", 1.15, 1.18, "a1", 11),
            Read("c1", "a", 4.2, 4.3, None, None),
            Read("c1", "never", 4.2, 4.3, None, None),
            Read("c0", "b", 3.05, 3.06, "b1", 12),  # while b2 is being written
        ],
        [
            Listing("c1", 2.3, 2.4, 13, {"a": ("a2", 13), "b": ("b1", 12)}),
            Listing("c0", 4.5, 4.6, 15, {"b": ("b2", 14)}),
        ],
        [
            Watching("w0", 10, 16, events),
            Watching("w1", 12, 16, (events[2], events[3], events[5]), jumps=((15, 15),)),
        ],
        Listing("last", 9.0, 9.1, 17, {"a": ("a4", 16), "b": ("b2", 14)}),
    )


def kinds(history: History) -> set[str]:
    return {fault.kind for fault in check(history)}


def test_a_sound_history() -> None:
    assert check(sound()) == []


def test_an_unknown_write_may_have_happened() -> None:
    history = sound()
    history.watchings[:] = [
        replace(one, events=(*one.events, Event("DELETED", "b", "b2", 17, "ub", 6.9)), end=17)
        for one in history.watchings
    ]
    last = Listing("last", 9.0, 9.1, 17, {"a": ("a4", 16)})
    assert check(replace(history, last=last)) == []


def with_write(index: int, **changes: object) -> Callable[[History], History]:
    def change(history: History) -> History:
        history.writes[index] = replace(history.writes[index], **changes)  # type: ignore[arg-type]
        return history

    return change


def with_event(index: int, **changes: object) -> Callable[[History], History]:
    """The same change in the eyes of all watchers."""

    def change(history: History) -> History:
        version = history.watchings[0].events[index].version
        for number, watching in enumerate(history.watchings):
            events = tuple(
                replace(event, **changes) if event.version == version else event  # type: ignore[arg-type]
                for event in watching.events
            )
            history.watchings[number] = replace(watching, events=events)
        return history

    return change


def without_event(index: int, *, everywhere: bool) -> Callable[[History], History]:
    def change(history: History) -> History:
        version = history.watchings[0].events[index].version
        for number, watching in enumerate(history.watchings[: None if everywhere else 1]):
            events = tuple(event for event in watching.events if event.version != version)
            history.watchings[number] = replace(watching, events=events)
        return history

    return change


def with_events(order: list[int]) -> Callable[[History], History]:
    def change(history: History) -> History:
        first = history.watchings[0]
        history.watchings[0] = replace(first, events=tuple(first.events[index] for index in order))
        return history

    return change


def adding(what: Write | Read | Listing | Event) -> Callable[[History], History]:
    def change(history: History) -> History:
        if isinstance(what, Write):
            history.writes.append(what)
        elif isinstance(what, Read):
            history.reads.append(what)
        elif isinstance(what, Listing):
            history.listings.append(what)
        else:
            history.watchings[:] = [
                replace(one, events=(*one.events, what), end=max(one.end, what.version))
                for one in history.watchings
            ]
        return history

    return change


def last_list(version: int, **found: tuple[str, int]) -> Callable[[History], History]:
    return lambda history: replace(history, last=Listing("last", 9.0, 9.1, version, found))


def watched(**changes: object) -> Callable[[History], History]:
    def change(history: History) -> History:
        history.watchings[:] = [
            replace(one, **changes)  # type: ignore[arg-type]
            for one in history.watchings
        ]
        return history

    return change


def nobody_watched(history: History) -> History:
    return replace(history, watchings=[])


def no_last_list(history: History) -> History:
    return replace(history, last=None)


PLANTED: dict[str, tuple[str, Callable[[History], History]]] = {
    "an acknowledged create is nowhere": ("acknowledged write lost", without_event(1, everywhere=True)),
    "an acknowledged update is nowhere": ("acknowledged write lost", without_event(2, everywhere=True)),
    "an acknowledged deletion is nowhere": ("acknowledged write lost", without_event(4, everywhere=True)),
    "the newest write is gone at the end": ("wrong list", last_list(17, b=("b2", 14))),
    "what was deleted is back at the end": (
        "wrong list",
        last_list(17, a=("a2", 13), b=("b2", 14)),
    ),
    "an older value is back at the end": ("wrong list", last_list(17, a=("a4", 16), b=("b1", 12))),
    "an unanswered write has no event but is in the list": (
        "wrong list",
        last_list(17, a=("a4", 16), b=("b3", 17)),
    ),
    "another version was told": ("wrong version told", with_write(6, version=17)),
    "a refused write happened": (
        "refused and written",
        adding(Event("MODIFIED", "a", "a3", 17, "uc", 7.0)),
    ),
    "a write happened twice": ("written twice", adding(Event("MODIFIED", "b", "b2", 17, "ub", 7.0))),
    "a deletion happened twice": ("written twice", adding(Event("DELETED", "a", "a2", 17, "ua", 7.0))),
    "two deletions of one object were acknowledged": (
        "deleted twice",
        adding(Write("c1", "delete", "a", 4.0, 4.15, "done", uid="ua")),
    ),
    "an event that nobody wrote": ("nobody wrote it", adding(Event("ADDED", "x", "x1", 17, "ux", 7.0))),
    "a deletion that nobody asked for": (
        "nobody wrote it",
        with_write(5, outcome="refused", uid=""),
    ),
    "an event before its write": ("seen before it was written", with_event(5, at=4.9)),
    "an addition told as a change": ("wrong kind of event", with_event(1, kind="MODIFIED")),
    "a change of what is not there": ("impossible life", with_event(1, kind="MODIFIED")),
    "an addition of what is there": ("impossible life", with_event(3, kind="ADDED")),
    "a change of another object": ("impossible life", with_event(3, uid="other")),
    "one watcher missed an event": ("event lost", without_event(3, everywhere=False)),
    "one watcher saw an event twice": ("event repeated", with_events([0, 1, 2, 2, 3, 4, 5])),
    "one watcher saw an old event again later": ("event repeated", with_events([0, 1, 2, 3, 1, 4, 5])),
    "one watcher saw two events the wrong way round": (
        "event out of order",
        with_events([0, 1, 3, 2, 4, 5]),
    ),
    "an event from before the watch": ("event out of order", watched(start=13)),
    "watchers tell different values": (
        "watchers disagree",
        lambda history: replace(
            history,
            watchings=[history.watchings[0], with_event(2, value="b1")(sound()).watchings[1]],
        ),
    ),
    "a write follows another version than it asked for": ("precondition broken", with_write(2, after=10)),
    "a later write has a lower version": ("version went back", with_write(6, began=0.0, ended=0.5)),
    "a list from before a write that was acknowledged": (
        "version went back",
        adding(Listing("c0", 5.5, 5.6, 15, {"b": ("b2", 14)})),
    ),
    "a list from before another list": (
        "version went back",
        adding(Listing("c0", 9.2, 9.3, 16, {"a": ("a4", 16), "b": ("b2", 14)})),
    ),
    "a list without a key": ("wrong list", adding(Listing("c0", 2.5, 2.6, 13, {"a": ("a2", 13)}))),
    "a list with another version of a key": (
        "wrong list",
        adding(Listing("c0", 2.5, 2.6, 13, {"a": ("a2", 12), "b": ("b1", 12)})),
    ),
    "a get of an older value": ("stale read", adding(Read("c1", "a", 2.3, 2.4, "a1", 11))),
    "a get of nothing where there is something": (
        "stale read",
        adding(Read("c1", "b", 3.5, 3.6, None, None)),
    ),
    "a get of what was deleted": ("stale read", adding(Read("c1", "a", 4.2, 4.3, "a2", 13))),
    "a get of a value with another version": ("stale read", adding(Read("c1", "a", 2.3, 2.4, "a2", 12))),
    "a get of what nobody wrote": ("nobody wrote it", adding(Read("c1", "a", 2.3, 2.4, "zz", 13))),
    "a get of what was refused": ("nobody wrote it", adding(Read("c1", "a", 2.3, 2.4, "a3", 13))),
    "a get of what is written later": (
        "seen before it was written",
        adding(Read("c1", "a", 4.2, 4.3, "a4", 16)),
    ),
    "the watch ended early": ("incomplete record", watched(end=15)),
    "a stretch that nobody watched": (
        "incomplete record",
        watched(jumps=((13, 14),)),
    ),
    "no watcher": ("incomplete record", nobody_watched),
    "no last list": ("incomplete record", no_last_list),
}


@pytest.mark.parametrize(("kind", "plant"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found(kind: str, plant: Callable[[History], History]) -> None:
    assert kind in kinds(plant(sound()))


def simulated(seed: int, writes: int = 400) -> History:
    """A run of an imagined server that does everything right, with a list and a get now and then."""
    chosen = random.Random(seed)
    history, events = History(), []
    state: dict[str, tuple[str, int, str]] = {}
    version, time = 100, 0.0
    for number in range(writes):
        key, time = f"k{chosen.randrange(5)}", time + 1
        there = state.get(key)
        answered = chosen.random() < 0.9
        happens = answered or chosen.random() < 0.5
        outcome = "done" if answered else "unknown"
        verb = "create" if there is None else chosen.choice(["update", "update", "delete"])
        version += chosen.randint(1, 3)
        uid = there[2] if there else f"u{number}"
        value = "" if verb == "delete" else f"v{number}"
        told = version if answered and value else None
        history.writes.append(
            Write(
                "c",
                verb,  # type: ignore[arg-type]
                key,
                time,
                time + 0.5,
                outcome,  # type: ignore[arg-type]
                value,
                there and there[1],
                told,
                uid if answered else "",
            )
        )
        if happens and verb == "delete":
            assert there is not None
            events.append(Event("DELETED", key, there[0], version, uid, time + 0.4))
            del state[key]
        elif happens:
            kind = "ADDED" if verb == "create" else "MODIFIED"
            events.append(Event(kind, key, value, version, uid, time + 0.4))  # type: ignore[arg-type]
            state[key] = (value, version, uid)
        found = {name: (one[0], one[1]) for name, one in state.items()}
        if chosen.random() < 0.2:
            history.listings.append(Listing("c", time + 0.6, time + 0.7, version, found))
            value_, at = found.get(key, (None, None))
            history.reads.append(Read("c", key, time + 0.8, time + 0.9, value_, at))
    history.watchings.append(Watching("w", 100, version, tuple(events)))
    return replace(history, last=Listing("last", time + 1, time + 2, version, found))


@pytest.mark.parametrize("seed", range(5))
def test_long_histories(seed: int) -> None:
    """A sound one is accepted; one event less, or two the wrong way round, are found, wherever they are."""
    history = simulated(seed)
    assert check(history) == []
    (watching,) = history.watchings
    for index in random.Random(seed).sample(range(len(watching.events) - 1), 5):
        less = watching.events[:index] + watching.events[index + 1 :]
        assert check(replace(history, watchings=[replace(watching, events=less)]))
        swapped = list(watching.events)
        swapped[index], swapped[index + 1] = swapped[index + 1], swapped[index]
        assert check(replace(history, watchings=[replace(watching, events=tuple(swapped))]))
    for index in random.Random(seed).sample(range(len(history.writes)), 20):
        write = history.writes[index]
        if write.outcome == "done" and write.value:
            forged = [*history.writes]
            forged[index] = replace(write, version=(write.version or 0) + 1)
            assert "wrong version told" in kinds(replace(history, writes=forged))


def test_recovery() -> None:
    assert recovery(sound(), 3.0) == pytest.approx(1.1)
    assert recovery(sound(), 6.0) is None
