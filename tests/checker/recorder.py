"""Clients and watchers that work on ConfigMaps until they are told to stop, and write down all of it.

They go on through whatever happens to the server: a broken connection is opened again, a watch is resumed
where it was. What they do follows from the seed and from what they are answered.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing since Python 3.11

from checker.history import Event, History, Kind, Listing, Outcome, Read, Verb, Watching, Write

Connect = Callable[[], http.client.HTTPConnection]

PATH = "/api/v1/namespaces/default/configmaps"
PREFIX = "load-"  # what else is in the namespace is none of ours
_AWAY = 0.01  # seconds until a server that is not there is asked again
_BROKEN = (OSError, http.client.HTTPException, ValueError)

# Statuses that say that nothing was written. Others of 500 and more, a time-out among them, do not say.
_NOTHING_WRITTEN = range(400, 500)
_CONDITIONAL = {"update": 0.8, "delete": 0.5}  # how many name the version that they follow


@dataclass(frozen=True, slots=True)
class Load:
    """How many of what. ``size`` is in bytes, of each value."""

    seed: int
    clients: int = 4
    watchers: int = 2
    keys: int = 12
    size: int = 0
    creations: float = 0.3  # the shares of what is done; the rest are updates
    deletions: float = 0.15
    gets: float = 0.1
    lists: float = 0.05


class _Asking:
    """One connection at a time, opened again when it broke."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: http.client.HTTPConnection | None = None

    def open(self) -> http.client.HTTPConnection:
        """A connection that stands; one that cannot be made raises OSError, and nothing was sent."""
        if self._connection is None:
            connection = self._connect()
            connection.connect()
            self._connection = connection
        return self._connection

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the decoded answer."""
        connection = self.open()
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class _Client:
    """Does one thing after the other, each chosen by its own random numbers."""

    name: str
    load: Load
    connect: Connect
    stop: threading.Event
    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    done: int = 0  # how many writes were acknowledged
    unknown: int = 0  # and of how many nobody knows
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.load.seed} {self.name}")
        self._known: dict[str, int] = {}  # the newest version of a key, as far as this client knows
        self._numbers = itertools.count()
        self._asking = _Asking(self.connect)

    def run(self) -> None:
        """Until it is told to stop; what must not happen is kept, to be raised where it is seen."""
        try:
            while not self.stop.is_set():
                self.step()
        except BaseException as error:  # noqa: BLE001
            self.failure = error
        self.close()

    def close(self) -> None:
        """Close its connection."""
        self._asking.close()

    def step(self) -> None:
        key = f"{PREFIX}{self._random.randrange(self.load.keys)}"
        choice = self._random.random()
        try:
            self._asking.open()
        except OSError:
            time.sleep(_AWAY)
            return
        bounds = itertools.accumulate(
            (self.load.lists, self.load.gets, self.load.deletions, self.load.creations)
        )
        lists, gets, deletions, creations = bounds
        if choice < lists:
            self._list()
        elif choice < gets:
            self._get(key)
        elif choice < deletions:
            self.write("delete", key)
        elif choice < creations or key not in self._known:
            self.write("create", key)
        else:
            self.write("update", key)

    def write(self, verb: Verb, key: str) -> Write:
        """Ask for one write, and write down what came of it."""
        conditional = verb != "create" and self._random.random() < _CONDITIONAL[verb]
        after = self._known.get(key) if conditional else None
        value = "" if verb == "delete" else f"{self.name}.{next(self._numbers)}"
        began = time.monotonic()
        try:
            status, body = self._send(verb, key, value, after)
        except _BROKEN:
            status, body = 0, {}
        ended = time.monotonic()
        outcome = _outcome(status)
        version, uid = self._learn(verb, key, outcome, body)
        made = Write(self.name, verb, key, began, ended, outcome, value, after, version, uid)
        self.writes.append(made)
        self.done += outcome == "done"
        self.unknown += outcome == "unknown"
        return made

    def wake(self) -> None:
        """Have every watcher see an event that is not part of the record."""
        body = {"metadata": {"generateName": "wake-"}, "data": {"wake": "up"}}
        with contextlib.suppress(*_BROKEN):
            self._asking.ask("POST", PATH, body)

    def _send(self, verb: Verb, key: str, value: str, after: int | None) -> tuple[int, Any]:
        if verb == "delete":
            conditions = {} if after is None else {"resourceVersion": str(after)}
            options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": conditions}
            return self._asking.ask("DELETE", f"{PATH}/{key}", options)
        metadata = {"name": key} if after is None else {"name": key, "resourceVersion": str(after)}
        filling = "x" * self.load.size
        body = {"metadata": metadata, "data": {"value": value, "filling": filling}}
        if verb == "create":
            return self._asking.ask("POST", PATH, body)
        return self._asking.ask("PUT", f"{PATH}/{key}", body)

    def _learn(self, verb: Verb, key: str, outcome: Outcome, body: Any) -> tuple[int | None, str]:
        """What an answer says of the key: its version and UID."""
        if outcome == "done" and verb == "delete":
            self._known.pop(key, None)
            details = body.get("details") or body.get("metadata") or {}
            return None, str(details["uid"])
        if outcome == "done":
            self._known[key] = version = int(body["metadata"]["resourceVersion"])
            return version, str(body["metadata"]["uid"])
        if verb == "create" and outcome == "refused":
            self._get(key)  # it is there already: the next update can follow it
        elif outcome == "refused":
            self._known.pop(key, None)
        return None, ""

    def _get(self, key: str) -> None:
        began = time.monotonic()
        try:
            status, body = self._asking.ask("GET", f"{PATH}/{key}")
        except _BROKEN:
            return
        ended = time.monotonic()
        if status == 404:
            self._known.pop(key, None)
            self.reads.append(Read(self.name, key, began, ended, None, None))
        elif status == 200:
            self._known[key] = version = int(body["metadata"]["resourceVersion"])
            self.reads.append(Read(self.name, key, began, ended, body["data"]["value"], version))

    def _list(self) -> None:
        with contextlib.suppress(*_BROKEN):
            self.listings.append(listing(self._asking, self.name))


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return "done"
    return "refused" if status in _NOTHING_WRITTEN else "unknown"


def listing(asking: _Asking, client: str) -> Listing:
    """List everything, as of now. ValueError for an answer that is no list."""
    began = time.monotonic()
    status, body = asking.ask("GET", PATH)
    if status != 200:
        raise ValueError(f"{status}: {body}")
    found = {
        one["metadata"]["name"]: (one["data"]["value"], int(one["metadata"]["resourceVersion"]))
        for one in body["items"]
        if one["metadata"]["name"].startswith(PREFIX)
    }
    return Listing(client, began, time.monotonic(), int(body["metadata"]["resourceVersion"]), found)


@dataclass
class _Watcher:
    """Watches from a version on, and resumes after every break where it was.

    It goes until it has reached the version that is to be its last.
    """

    name: str
    start: int
    connect: Connect
    until: Callable[[], int | None]  # the version to stop at, as soon as it is known
    stop: threading.Event  # at once, wherever it is
    events: list[Event] = field(default_factory=list)
    jumps: list[tuple[int, int]] = field(default_factory=list)
    breaks: int = -1  # the first connection is none
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self.last = self.start
        self._socket: socket.socket | None = None

    def run(self) -> None:
        try:
            while not self._over():
                with contextlib.suppress(*_BROKEN), contextlib.closing(self.connect()) as connection:
                    self._follow(connection)
                time.sleep(0 if self._over() else _AWAY)
        except BaseException as error:  # noqa: BLE001
            self.failure = error

    def watching(self) -> Watching:
        """What it saw."""
        return Watching(self.name, self.start, self.last, tuple(self.events), tuple(self.jumps))

    def wake(self) -> None:
        """Have it notice that it has to stop, though no event comes."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _over(self) -> bool:
        end = self.until()
        return self.stop.is_set() or (end is not None and self.last >= end)

    def _follow(self, connection: http.client.HTTPConnection) -> None:
        connection.connect()
        self._socket = connection.sock
        query = f"watch=1&allowWatchBookmarks=true&resourceVersion={self.last}"
        connection.request("GET", f"{PATH}?{query}")
        with contextlib.closing(connection.getresponse()) as answer:
            if answer.status == 410:
                self._jump()
            if answer.status != 200:
                return
            self.breaks += 1
            while not self._over() and (line := answer.readline()):
                if not line.endswith(b"\n") or not self._take(json.loads(line)):
                    return

    def _take(self, told: dict[str, Any]) -> bool:
        """Whether the watch goes on."""
        kind, told_object = told["type"], told["object"]
        if kind == "ERROR":
            if told_object["code"] == 410:
                self._jump()
            return False
        version = int(told_object["metadata"]["resourceVersion"])
        name = told_object["metadata"].get("name", "")
        if kind != "BOOKMARK" and name.startswith(PREFIX):
            self.events.append(_event(kind, told_object, version))
        self.last = max(self.last, version)
        return True

    def _jump(self) -> None:
        """What happened in between is gone: go on from what is there now."""
        with contextlib.closing(_Asking(self.connect)) as asking:
            now = listing(asking, self.name).version
        if now > self.last:
            self.jumps.append((self.last + 1, now))
            self.last = now


def _event(kind: Kind, told_object: dict[str, Any], version: int) -> Event:
    metadata = told_object["metadata"]
    value = told_object["data"]["value"]
    return Event(kind, metadata["name"], value, version, metadata["uid"], time.monotonic())


class Recorder:
    """Clients and watchers at work. As a context manager they begin, and are gone in any case."""

    def __init__(self, load: Load, connect: Connect) -> None:
        self._connect = connect
        self._stop, self._abandon = threading.Event(), threading.Event()
        self._end: int | None = None
        with contextlib.closing(_Asking(connect)) as asking:
            first = listing(asking, "first")
        if first.found:
            raise ValueError(f"{', '.join(first.found)} would be taken for written by nobody")
        self.start = first.version
        self._clients = [_Client(f"c{number}", load, connect, self._stop) for number in range(load.clients)]
        self._watchers = [self._watcher(f"w{number}") for number in range(load.watchers)]
        self._threads: list[tuple[threading.Thread, _Client | _Watcher]] = []
        self._load = load

    def _watcher(self, name: str) -> _Watcher:
        return _Watcher(name, self.start, self._connect, lambda: self._end, self._abandon)

    def __enter__(self) -> Self:
        for watcher in self._watchers:
            self._begin(watcher)
        for client in self._clients:
            self._begin(client)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._abandon.set()
        for watcher in self._watchers:
            watcher.wake()
        for thread, _one in self._threads:
            thread.join(60)

    def _begin(self, one: _Client | _Watcher) -> None:
        thread = threading.Thread(target=one.run, daemon=True)
        thread.start()
        self._threads.append((thread, one))

    @property
    def written(self) -> int:
        """How many writes were acknowledged so far."""
        return sum(client.done for client in self._clients)

    @property
    def unknown(self) -> int:
        """Of how many writes it was not said what became of them."""
        return sum(client.unknown for client in self._clients)

    @property
    def tried(self) -> int:
        """How many writes were asked for so far."""
        return sum(len(client.writes) for client in self._clients)

    def stop(self, seconds: float = 60) -> None:
        """Have the clients stop; one more write shows the watchers where the end is."""
        self._stop.set()
        self._join(_Client, seconds)
        closing = _Client("end", replace(self._load, keys=1, size=0), self._connect, self._stop)
        deadline = time.monotonic() + seconds
        numbers = itertools.count()
        while (made := closing.write("create", f"{PREFIX}end-{next(numbers)}")).outcome != "done":
            assert time.monotonic() < deadline, f"the last write is not done: {made}"
            time.sleep(0.1)
        self._clients.append(closing)
        self._end = made.version
        closing.wake()  # watchers that have seen the end already wait for the next event
        closing.close()
        self._join(_Watcher, seconds)

    def again(self, connect: Connect | None = None, seconds: float = 120) -> None:
        """Watch everything once more, from the beginning, now that it is over."""
        self._connect = connect or self._connect
        again = self._watcher("again")
        self._watchers.append(again)
        self._begin(again)
        self._join(_Watcher, seconds)

    def history(self) -> History:
        """All of it, with a list of what is there now."""
        with contextlib.closing(_Asking(self._connect)) as asking:
            last = listing(asking, "last")
        return History(
            [write for client in self._clients for write in client.writes],
            [read for client in self._clients for read in client.reads],
            [one for client in self._clients for one in client.listings],
            [watcher.watching() for watcher in self._watchers],
            last,
        )

    @property
    def breaks(self) -> int:
        """How often a watch was resumed."""
        return sum(watcher.breaks for watcher in self._watchers)

    def _join(self, kind: type, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread, one in self._threads:
            if not isinstance(one, kind):
                continue
            thread.join(max(0.0, deadline - time.monotonic()))
            if one.failure is not None:
                raise one.failure
            assert not thread.is_alive(), f"{one.name} has not ended after {seconds} s"
