"""Searching for the highest rate that is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LIMIT_MS = 1000.0
SHARE = 0.95  # of what was asked a second has to be answered a second
LEAST = 5.0  # a rate below which nobody searches
FASTEST = 2.0  # how much a step may raise the rate


def is_held(found: dict[str, Any]) -> bool:
    """Whether the driver's report shows the rate held: all answered well, p99 under a second, no backlog."""
    requests = found["requests"]
    answered = requests["count"]
    return bool(
        requests["failed"] == 0
        and answered == found["asked"]
        and requests["p99_ms"] < LIMIT_MS
        and achieved(found) >= SHARE * found["rate"]
    )


def achieved(found: dict[str, Any]) -> float:
    """What was answered well, a second of the time given for it, or of what it took where that is more."""
    return float(found["requests"]["count"] / found["seconds"])


def highest(attempt: Callable[[float], dict[str, Any]], begin: float, near: float) -> float | None:
    """The highest rate that ``attempt`` shows held, to within ``near`` (0.1: ten percent), and held twice.

    ``attempt`` gives the driver's report for a rate, with ``held``. Rates are doubled from ``begin`` until
    one is not held. Under one that is not held the next is what was achieved of it, or half of it, whichever
    is less: a rate far over what a server can do tells little else, and a server in collapse answers less
    than one at its limit. Then the stretch between is halved. The last that was held is asked for again, and
    given up for a lower one if it was luck. None where not even `LEAST` is held.
    """
    held: list[float] = []
    high = 0.0  # the lowest that is not held; 0: none is known
    rate = max(begin, LEAST)
    while True:
        found = attempt(rate)
        confirmed = bool(found["held"] and rate in held)
        if found["held"]:
            held.append(rate)
        else:
            high = min(high or rate, rate)
        low = max((one for one in held if not high or one < high), default=0.0)
        if low and high and high / low <= 1 + near:
            if confirmed and rate == low:
                return low
            rate = low
        elif low:
            rate = (low + high) / 2 if high else low * FASTEST
        elif high <= LEAST:
            return None
        else:
            rate = max(min(achieved(found), high / 2), LEAST)
