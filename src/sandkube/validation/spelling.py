"""Names that are much like one another."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that ``name`` most likely meant; None if none is much like it, or it is one."""
    others = [one for one in names if one and one != name]
    for one in others:
        if one.lower() == name.lower():
            return one
    found = difflib.get_close_matches(name, others, n=1)
    return found[0] if found else None
