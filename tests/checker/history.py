"""What clients and watchers saw of a control plane, as data: who asked what, when, and what was answered.

Every value that is written is unlike every other, so that an event or a read says which write it comes from.
Times are in seconds on one monotonic clock; versions are resourceVersions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Verb = Literal["create", "update", "delete"]
# done: acknowledged. refused: answered with an error that says that nothing was written, or never sent.
# unknown: no answer, or one that does not say.
Outcome = Literal["done", "refused", "unknown"]
Kind = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Write:
    """A request to write. ``value`` is empty for a deletion; ``version`` and ``uid`` are what was answered.

    ``after`` is the resourceVersion that the object must have for it, None for any. The answer to a deletion
    tells the UID of what was deleted, and no version.
    """

    client: str
    verb: Verb
    key: str
    began: float
    ended: float
    outcome: Outcome
    value: str = ""
    after: int | None = None
    version: int | None = None
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A get: the value and version that was found, None for none."""

    client: str
    key: str
    began: float
    ended: float
    value: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of everything, at a version: value and version of each key."""

    client: str
    began: float
    ended: float
    version: int
    found: dict[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Event:
    """What a watch told. A deletion's version is its own, its value the last one."""

    kind: Kind
    key: str
    value: str
    version: int
    uid: str
    at: float


@dataclass(frozen=True, slots=True)
class Watching:
    """All that one watcher saw from ``start`` (not included) to ``end`` (included).

    ``jumps`` are the stretches, each a first and a last version, that it was told it had to pass over (410).
    """

    watcher: str
    start: int
    end: int
    events: tuple[Event, ...]
    jumps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """A whole run. ``last`` is a list that was asked for when nobody wrote any more."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    watchings: list[Watching] = field(default_factory=list)
    last: Listing | None = None
