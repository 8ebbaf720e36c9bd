"""Reading JSON, also with comments and trailing commas, into a tree that knows where everything stands.

No library of Python's gives positions for JSON with comments; what is wanted here is small. It takes what
RFC 8259 has, `//` and `/* */` comments and a comma behind the last item, as dev containers' JSON does; a byte
order mark before it is passed over.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from sandkube.errors import EditFailed
from sandkube.setup.place import place

__all__ = ["BOM", "Item", "Node", "end_of_gap", "is_blank", "is_open_line", "parse", "plain"]

BOM: Final = "\ufeff"
_DEEPEST: Final = 200  # levels; nobody's settings have so many, and Python's stack is not endless

_GAP = re.compile(r"(?:[ \t\r\n]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_GAP_PART = re.compile(r"[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_COMMENT = re.compile(r"[ \t]*(?:(?P<line>//[^\r\n]*)|/\*(?:(?!\*/)[^\r\n])*\*/)")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null", re.ASCII)
_WORD = re.compile(r"[^\s,:{}\[\]\"/]+")

Kind = Literal["object", "list", "text", "value"]


@dataclass(frozen=True, slots=True)
class Node:
    """A value, and where it stands: ``text[start:end]``. ``value`` is that of a text or other scalar."""

    kind: Kind
    start: int
    end: int
    value: Any = None
    items: tuple[Item, ...] = ()

    def find(self, key: str) -> int | None:
        """The index of the item of that key; of several, the last, which is the one that programs take."""
        found = [index for index, item in enumerate(self.items) if item.key == key]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Item:
    """An item of an object or list; ``start`` is that of the key, ``comma`` where the comma behind it is."""

    key: str | None
    start: int
    node: Node
    comma: int | None


def parse(text: str) -> Node:
    """Read ``text``; EditFailed, with line and column, for what is no JSON even with comments."""
    start = _gap(text, len(BOM) if text.startswith(BOM) else 0)
    node = _value(text, start, 0)
    end = _gap(text, node.end)
    if end != len(text):
        raise _broken(text, end, "there is more behind the end")
    return node


def plain(node: Node) -> Any:
    """What the tree says, as Python's own values; objects as lists of pairs, so that nothing gets lost."""
    if node.kind == "object":
        return [(item.key, plain(item.node)) for item in node.items]
    if node.kind == "list":
        return [plain(item.node) for item in node.items]
    return node.value


def is_blank(text: str) -> bool:
    """Whether nothing is in ``text`` but white space and perhaps a byte order mark."""
    return not text.removeprefix(BOM).strip()


def end_of_gap(text: str, start: int) -> tuple[int, bool]:
    """Where the comments end that stand on the same line behind ``start``, and whether with a `//` one.

    ``start`` itself where there are none.
    """
    end = start
    while comment := _COMMENT.match(text, end):
        end = comment.end()
        if comment["line"]:
            return end, True
    return end, False


def is_open_line(text: str, start: int, end: int) -> bool:
    """Whether the gap from ``start`` to ``end`` ends with a `//` comment: then a line break must follow."""
    last = ""
    for match in _GAP_PART.finditer(text, start, end):
        last = match[0]
    return last.startswith("//")


def _gap(text: str, start: int) -> int:
    """Where the next thing begins: behind white space and comments."""
    match = _GAP.match(text, start)
    assert match is not None
    end = match.end()
    if text.startswith("/*", end):
        raise _broken(text, end, "this comment has no end")
    return end


def _value(text: str, start: int, depth: int) -> Node:
    if depth > _DEEPEST:
        raise _broken(text, start, f"this is nested more than {_DEEPEST} levels deep")
    opening = text[start : start + 1]
    if opening in ("{", "["):
        return _container(text, start, depth)
    if opening == '"':
        end = _string_end(text, start)
        return Node("text", start, end, json.loads(text[start:end]))
    scalar, word = _SCALAR.match(text, start), _WORD.match(text, start)
    if scalar is None or word is None or scalar.end() != word.end():
        raise _broken(text, start, f"a value is expected here, not {_seen(text, start)}")
    return Node("value", start, scalar.end(), json.loads(scalar[0]))


def _container(text: str, start: int, depth: int) -> Node:
    kind: Kind = "object" if text[start] == "{" else "list"
    closing = "}" if kind == "object" else "]"
    items: list[Item] = []
    position = _gap(text, start + 1)
    while not text.startswith(closing, position):
        if items and items[-1].comma is None:
            raise _broken(text, position, f"`,` or `{closing}` is expected here, not {_seen(text, position)}")
        item = _item(text, position, depth, keyed=kind == "object")
        items.append(item)
        position = _gap(text, item.node.end if item.comma is None else item.comma + 1)
    return Node(kind, start, position + 1, None, tuple(items))


def _item(text: str, start: int, depth: int, *, keyed: bool) -> Item:
    key, position = None, start
    if keyed:
        if not text.startswith('"', start):
            raise _broken(text, start, f"a key in double quotes is expected here, not {_seen(text, start)}")
        end = _string_end(text, start)
        key = json.loads(text[start:end])
        colon = _gap(text, end)
        if not text.startswith(":", colon):
            raise _broken(text, colon, f"`:` is expected here, not {_seen(text, colon)}")
        position = _gap(text, colon + 1)
    node = _value(text, position, depth + 1)
    behind = _gap(text, node.end)
    return Item(key, start, node, behind if text.startswith(",", behind) else None)


def _string_end(text: str, start: int) -> int:
    match = _STRING.match(text, start)
    if match is None:
        raise _broken(text, start, "this text has no end on its line, or an escape that JSON does not know")
    return match.end()


def _seen(text: str, position: int) -> str:
    if position >= len(text):
        return "the end"
    word = _WORD.match(text, position)
    return f"`{(word[0] if word else text[position])[:20]}`"


def _broken(text: str, position: int, reason: str) -> EditFailed:
    return EditFailed(
        f"{place(text, position)}: {reason}.", hint="mend the file, and try again; nothing in it was changed"
    )
