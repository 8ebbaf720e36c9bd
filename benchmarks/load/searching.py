"""Searching for the highest rate that is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LIMIT_MS = 1000.0
SHARE = 0.95


def is_held(found: dict[str, Any]) -> bool:
    """Whether the driver's report shows the rate held: nothing failed, p99 under a second, and no backlog."""
    requests = found["requests"]
    answered = requests["count"]
    return bool(
        requests["failed"] == 0
        and answered == found["asked"]
        and requests["p99_ms"] < LIMIT_MS
        and answered / found["seconds"] >= SHARE * found["rate"]
    )


def highest(held: Callable[[float], bool], begin: float, near: float) -> float | None:
    """The highest rate that ``held`` says yes to, to within ``near`` (0.1: ten percent).

    None if not even a 16th of ``begin`` is held. Rates are doubled (or halved) from ``begin`` until the
    answer changes; then the stretch between is halved.
    """
    low, high = _bracket(held, begin)
    if low is None:
        return None
    while high / low > 1 + near:
        middle = (low + high) / 2
        if held(middle):
            low = middle
        else:
            high = middle
    return low


def _bracket(held: Callable[[float], bool], begin: float) -> tuple[float | None, float]:
    """A rate that is held, and a higher one that is not."""
    if held(begin):
        low = begin
        while held(low * 2):
            low *= 2
        return low, low * 2
    high = begin
    while high > begin / 16:
        if held(high / 2):
            return high / 2, high
        high /= 2
    return None, high
