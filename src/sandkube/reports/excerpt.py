"""The line that a finding is about, cut where it is too long to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sandkube.reports.finding import Place

MOST: Final = 120


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A line, or what lies around the place in a long one: what is meant, what is before and behind it.

    ``marked`` is empty where the place lies behind the end of the line. Nothing is made visible yet.
    """

    before: str
    marked: str
    behind: str


def excerpt(place: Place, most: int = MOST) -> Excerpt | None:
    """What to show of the line of ``place``: at most ``most`` of its characters; None where it is not known.

    Where no end is known, or it is not behind the beginning, one character is marked.
    """
    if place.text is None:
        return None
    text = place.text.rstrip("\r\n")
    start = min(max(place.column - 1, 0), len(text))
    end = start + 1 if place.end is None or place.end <= place.column else place.end - 1
    left, right = _window(len(text), start, most)
    end = min(end, right)
    return Excerpt(
        ("…" if left else "") + text[left:start],
        text[start:end],
        text[end:right] + ("…" if right < len(text) else ""),
    )


def _window(length: int, start: int, most: int) -> tuple[int, int]:
    """What part of a line to show: a third of it before the place, where the line goes on behind it."""
    if length <= most:
        return 0, length
    left = max(0, min(start - most // 3, length - most))
    return left, left + most
