"""Texts of JSON with comments, drawn by chance, with what they say."""

from __future__ import annotations

import json
import random
from typing import Any

_WORDS = (
    "a",
    "x y",
    "",
    'quote"d',
    "back\\slash",
    "ünï",
    "// no comment",
    "/* nor this */",
    "{",
    "],",
)

_COMMENTS = ("/* c */", "/* two\n lines */", "// to the end  \n", ' // with */ and " \n', "/**/")


class Draw:
    """Draws texts; ``comments`` and ``trailing`` say whether they may have what JSON itself has not."""

    def __init__(self, seed: int, *, comments: bool = True, trailing: bool = True) -> None:
        self.chance = random.Random(seed)
        self.newline = self.chance.choice(("\n", "\n", "\r\n"))
        self.comments = comments
        self.trailing = trailing
        self.unit = self.chance.choice(("  ", "    ", "\t", ""))
        self.spread = self.chance.random()

    def gap(self, depth: int) -> str:
        """White space and perhaps comments."""
        parts = []
        if self.chance.random() < self.spread:
            parts.append(self.newline + self.unit * depth)
        count = self.chance.choice((0, 0, 0, 1, 2)) if self.comments else 0
        parts += [self.chance.choice(_COMMENTS).replace("\n", self.newline) for _ in range(count)]
        parts.append(" " * self.chance.choice((0, 0, 1, 3)))
        self.chance.shuffle(parts)
        return "".join(parts)

    def value(self, depth: int = 0) -> tuple[str, Any]:
        """A value as text and as what it says; objects as lists of pairs."""
        kind = self.chance.random()
        if depth < 4 and kind < 0.3:
            return self.object(self._pairs(depth), depth)
        if depth < 4 and kind < 0.5:
            return self.sequence([self.value(depth + 1) for _ in range(self.chance.randrange(4))], depth)
        value = self.chance.choice((None, True, False, 0, -1.5, 1e30, *_WORDS))
        return json.dumps(value, ensure_ascii=self.chance.random() < 0.5), value

    def object(self, pairs: list[tuple[str, tuple[str, Any]]], depth: int) -> tuple[str, Any]:
        """An object of these pairs."""
        items = [f"{json.dumps(key)}{self.gap(depth)}:{self.gap(depth)}{text}" for key, (text, _) in pairs]
        return self._between("{", items, "}", depth), [(key, value) for key, (_, value) in pairs]

    def sequence(self, values: list[tuple[str, Any]], depth: int) -> tuple[str, Any]:
        """A list of these values."""
        return self._between("[", [text for text, _ in values], "]", depth), [value for _, value in values]

    def whole(self, root: tuple[str, Any]) -> str:
        """A file with this root."""
        mark = "\ufeff" if self.chance.random() < 0.1 else ""
        return f"{mark}{self.gap(0)}{root[0]}{self.gap(0)}"

    def pairs(self, *fixed: tuple[str, tuple[str, Any]]) -> list[tuple[str, tuple[str, Any]]]:
        """Some pairs with ``fixed`` among them."""
        drawn = [pair for pair in self._pairs(1) if pair[0] not in {key for key, _ in fixed}]
        return sorted([*drawn, *fixed], key=lambda _: self.chance.random())

    def _pairs(self, depth: int) -> list[tuple[str, tuple[str, Any]]]:
        keys = self.chance.sample(_WORDS, self.chance.randrange(4))
        return [(key, self.value(depth + 1)) for key in keys]

    def _between(self, opening: str, items: list[str], closing: str, depth: int) -> str:
        text = opening
        for number, item in enumerate(items):
            text += f"{self.gap(depth + 1)}{item}{self.gap(depth + 1)}"
            if number < len(items) - 1 or (self.trailing and self.chance.random() < 0.3):
                text += ","
        return f"{text}{self.gap(depth)}{closing}"
