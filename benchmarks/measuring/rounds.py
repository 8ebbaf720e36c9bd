"""Interleaving: what else the machine does falls on everything that is compared alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from measuring.report import say

T = TypeVar("T")


def interleaved(kinds: Sequence[str], rounds: int, measure: Callable[[str], T]) -> list[dict[str, T]]:
    """Measure each kind once a round, in an order that moves on by one from round to round."""
    return [_round(kinds, number, rounds, measure) for number in range(rounds)]


def order(kinds: Sequence[str], number: int) -> list[str]:
    """The order of one round, counted from 0."""
    at = number % len(kinds)
    return [*kinds[at:], *kinds[:at]]


def _round(kinds: Sequence[str], number: int, of: int, measure: Callable[[str], T]) -> dict[str, T]:
    found = {}
    for kind in order(kinds, number):
        say(f"round {number + 1} of {of}: {kind}")
        found[kind] = measure(kind)
    return found
