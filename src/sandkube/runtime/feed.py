"""What happens to containers, told to all who follow it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from enum import Enum
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Happened(Enum):
    """By the names of the CRI."""

    CREATED = "CONTAINER_CREATED_EVENT"
    STARTED = "CONTAINER_STARTED_EVENT"
    STOPPED = "CONTAINER_STOPPED_EVENT"
    DELETED = "CONTAINER_DELETED_EVENT"


class Feed(Generic[T]):
    """Passes on what it is told. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followers: set[SimpleQueue[T]] = set()

    def tell(self, what: T) -> None:
        """Tell all who follow now."""
        with self._lock:
            for follower in self._followers:
                follower.put(what)

    def follow(self) -> Iterator[T]:
        """All that is told from the first `next` on, for ever; closing the iterator ends it."""
        mine: SimpleQueue[T] = SimpleQueue()
        with self._lock:
            self._followers.add(mine)
        try:
            while True:
                yield mine.get()
        finally:
            with self._lock:
                self._followers.discard(mine)
