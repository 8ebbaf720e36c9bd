"""Characters of other people's files, made harmless before anybody sees them.

A line of a manifest may hold an escape sequence that clears a terminal, a mark that turns the direction of
writing around, or half of a surrogate pair, which no file can be written with. What a person is shown goes
through `visible` or a function that calls it; what a program reads, through `as_json`.
"""

from __future__ import annotations

import json
import re
from typing import Final

_UNKNOWN: Final = "\ufffd"
# A control character is shown by its picture, one character for one, so that columns stay what they are.
_PICTURES: Final = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "\u2421"}
# What does something, or is not seen: controls, separators of lines and paragraphs, marks of direction,
# halves of surrogate pairs, and what Unicode calls no character.
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
# The same without those of ASCII that JSON escapes by itself, or needs for its layout.
_UNSEEN_IN_JSON: Final = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")
_HALVES: Final = re.compile(r"[\ud800-\udfff]")


def encodable(text: str) -> str:
    """``text`` as UTF-8 can write it: halves of surrogate pairs become U+FFFD."""
    return _HALVES.sub(_UNKNOWN, text)


def visible(text: str, *, tab: str = "\u2409") -> str:
    """``text`` on one line and harmless: what does something or is not seen becomes a sign for it.

    Each character gives one character, but a tab gives ``tab``.
    """
    return _UNSEEN.sub(lambda found: _PICTURES.get(found[0], _UNKNOWN), text.replace("\t", tab))


def visible_lines(text: str) -> list[str]:
    """The lines of ``text``, each made visible."""
    return [visible(line) for line in text.replace("\r\n", "\n").split("\n")]


def flowing(text: str) -> str:
    """``text`` made visible as one line: a line end, with the blanks around it, becomes a space."""
    return visible(" ".join(line.strip() for line in text.strip().split("\n")))


def shortened(text: str, most: int) -> str:
    """``text`` if it has no more than ``most`` characters, else its beginning and its end.

    The end matters: the server says last what is wrong with a value that it quotes.
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} … ({len(text) - 2 * half:,} characters more) … {text[-half:]}"


def as_json(document: object) -> str:
    """``document`` as indented JSON with a line end: any reader gets the same back, a terminal is unmoved."""
    text = encodable(json.dumps(document, indent=2, ensure_ascii=False))
    return _UNSEEN_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
