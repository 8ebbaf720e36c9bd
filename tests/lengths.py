"""How much is tried: what tells most in a few minutes, or all of it (SANDKUBE_LONG=1)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

LONG = bool(os.environ.get("SANDKUBE_LONG"))


def some_of(everything: Sequence[T], *telling: T) -> list[T]:
    """The cases to try: all in the long form, else the telling ones among them."""
    assert set(map(repr, telling)) <= set(map(repr, everything))
    return list(everything if LONG else telling)
