"""Fetching files of a release: again after what passes, and never without an end."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from sandkube.errors import K3sInstallFailed
from sandkube.k3s.faults import SLOW, Missing, Passing, told_apart
from sandkube.k3s.storing import Watcher, megabytes, store
from sandkube.k3s.transport import Redirected, Transport

__all__ = ["Downloads", "Missing", "Patience"]

_LARGEST_TEXT = 10**6
_BLOCK = 1 << 18
_SLOWEST = 1000  # bytes a second, on average over the time that a server may be silent
_LONGEST_PAUSE = 60.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be ``silent``, and the ``pauses`` before each further try; in seconds."""

    silent: float = 30.0
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)


class Downloads:
    """Fetches files by ``transport``.

    Each method raises Missing where the server has no such file, K3sInstallFailed where it cannot be had, and
    UsageError for an address that it must not be fetched from.
    """

    def __init__(self, transport: Transport, watcher: Watcher, patience: Patience) -> None:
        self._transport = transport
        self._watcher = watcher
        self._patience = patience

    def text(self, url: str) -> str:
        """Give a small file."""

        def attempt() -> str:
            with closing(self._transport.open(url)) as answer:
                return _small_text(answer, url)

        return self._persistently(url, attempt)

    def leads_to(self, url: str, came_from: str) -> Redirected | str:
        """Give where an address leads, or the text that it answers with; another one led to it."""

        def attempt() -> Redirected | str:
            answer = self._transport.look(url, came_from)
            if isinstance(answer, Redirected):
                return answer
            with closing(answer):
                return _small_text(answer, url)

        return self._persistently(url, attempt)

    def exists(self, url: str) -> bool:
        """Whether the server has a file."""
        try:
            self._persistently(url, lambda: self._transport.open(url, method="HEAD").close())
        except Missing:
            return False
        return True

    def binary(self, url: str, file: Path) -> str:
        """Write a binary to ``file``, in a stage of the cache, and give its SHA-256.

        Raises StateUnusable, too, where the disk is full.
        """

        def attempt() -> str:
            with closing(self._transport.open(url)) as answer:
                total = _announced(answer)
                blocks = _steadily(answer, self._patience.silent)
                digest, count = store(blocks, file, total, self._watcher)
            if total is not None and count != total:
                raise Passing(f"the connection ended after {megabytes(count)} of {megabytes(total)} MB")
            return digest

        return self._persistently(url, attempt)

    def _persistently(self, url: str, attempt: Callable[[], _T]) -> _T:
        """Try until it works, or until patience is at its end."""
        tries = len(self._patience.pauses) + 1
        for pause in (*self._patience.pauses, None):
            try:
                return told_apart(url, attempt)
            except Passing as fault:
                if pause is None:
                    raise K3sInstallFailed(
                        f"{url} could not be fetched: {fault} (tries: {tries}).", hint=fault.hint
                    ) from fault
                wait = min(max(pause, fault.pause or 0.0), _LONGEST_PAUSE)
                self._watcher.say(f"{url}: {fault}. Trying again in {wait:.0f} s.")
                sleep(wait)
        raise AssertionError  # the last pause is None


def _steadily(answer: http.client.HTTPResponse, silent: float) -> Iterator[bytes]:
    """Yield a body as it comes; one that only drips is as good as a silent one."""
    since, count = monotonic(), 0
    while block := answer.read1(_BLOCK):
        yield block
        count += len(block)
        passed = monotonic() - since
        if passed >= silent:
            if count < _SLOWEST * passed:
                raise Passing(f"only {count} bytes came within {passed:.0f} s", hint=SLOW)
            since, count = monotonic(), 0


def _announced(answer: http.client.HTTPResponse) -> int | None:
    length = answer.headers.get("Content-Length")
    return int(length) if length is not None and length.isdecimal() else None


def _small_text(answer: http.client.HTTPResponse, url: str) -> str:
    data = b""
    while block := answer.read1(_BLOCK):
        data += block
        if len(data) > _LARGEST_TEXT:
            raise K3sInstallFailed(f"{url} is not what it should be: it has more than a megabyte.")
    total = _announced(answer)
    if total is not None and total != len(data):
        raise Passing(f"the connection ended after {len(data)} of {total} bytes")
    return data.decode("utf-8", "replace")
