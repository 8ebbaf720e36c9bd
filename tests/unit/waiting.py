"""Waiting for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_Found = TypeVar("_Found")


def until(question: Callable[[], _Found | None], seconds: float = 30.0) -> _Found:
    """Ask again and again until the answer is neither None nor False; gives it."""
    deadline = time.monotonic() + seconds
    while True:
        found = question()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline, f"did not come within {seconds} s"
        time.sleep(0.005)
