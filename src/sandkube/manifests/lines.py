"""Lines of a text, and places in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

import yaml


@dataclass(frozen=True, slots=True)
class Span:
    """A part of one line of a file: line and columns count from 1, in characters; ``end`` is behind it."""

    line: int
    column: int
    end: int
    text: str


@dataclass(frozen=True)
class Lines:
    """A text that begins in line ``first`` of a file.

    Only line feeds end a line here, as editors count them; YAML knows more.
    """

    text: str
    first: int = 1

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def at(self, index: int, end: int | None = None) -> Span:
        """The place of the character ``index`` of the text, up to ``end`` or to the end of its line."""
        number = bisect_right(self._starts, index) - 1
        start = self._starts[number]
        stop = self._starts[number + 1] - 1 if number + 1 < len(self._starts) else len(self.text)
        text = self.text[start:stop].removesuffix("\r")
        last = min(stop if end is None else end, start + len(text))
        return Span(self.first + number, index - start + 1, max(last, index + 1) - start + 1, text)

    def line(self, number: int) -> str:
        """The text of the line ``number`` of the file; empty for one that is not there."""
        at = number - self.first
        if not 0 <= at < len(self._starts):
            return ""
        return self.at(self._starts[at]).text

    def span(self, node: yaml.Node) -> Span:
        """The place of a node that was composed of this text; of one that has several lines the first."""
        return self.at(node.start_mark.index, node.end_mark.index)
