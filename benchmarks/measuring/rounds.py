"""Interleaving: what else the machine does falls on everything that is compared alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from measuring.report import say

T = TypeVar("T")


def interleaved(kinds: Sequence[str], rounds: int, measure: Callable[[str], T]) -> Iterator[dict[str, T]]:
    """Measure each kind once a round, in an order that moves on by one from round to round.

    Each round is given as soon as it is whole.
    """
    for number in range(rounds):
        found = {}
        for kind in order(kinds, number):
            say(f"round {number + 1} of {rounds}: {kind}")
            found[kind] = measure(kind)
        yield {kind: found[kind] for kind in kinds}


def order(kinds: Sequence[str], number: int) -> list[str]:
    """The order of one round, counted from 0."""
    at = number % len(kinds)
    return [*kinds[at:], *kinds[:at]]
