"""Putting an item into JSON text, and taking it out again: the inverse, byte for byte.

Rules, which make `removed` the inverse of `appended`:

1. An item goes to the end of its object or list: behind the last item, its comma, and the comments on the
   same line. What is put there begins with white space, and no white space stands directly before it.
2. Where the last item had a comma behind it, the new one gets one; else one is put directly behind the last
   item. So who takes out the last item knows which comma came with it.
3. In an empty object or list it goes directly behind the opening bracket, followed by a line break and the
   closing bracket's indentation, whatever stood between the brackets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from sandkube.setup.jsonc import Node, end_of_gap, is_open_line

__all__ = ["Layout", "appended", "layout_of", "on_one_line", "removed", "rendered", "replaced"]

_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out: its line break, and what a level is indented by."""

    newline: str = "\n"
    unit: str = "  "


def layout_of(text: str, root: Node) -> Layout:
    """The layout of a text, as far as it shows one."""
    newline = "\r\n" if re.search(r"\r\n", text) else "\n"
    for node in (root, *(item.node for item in root.items)):
        if node.items and "\n" in text[node.start : node.items[0].start]:
            outer, inner = _line_indent(text, node.start), _line_indent(text, node.items[0].start)
            if inner.startswith(outer) and inner != outer:
                return Layout(newline, inner[len(outer) :])
    return Layout(newline)


def rendered(value: Any, layout: Layout, indent: str = "") -> str:
    """``value`` as JSON over several lines, the first of which is indented by ``indent`` already."""
    lines = json.dumps(value, indent=layout.unit, ensure_ascii=False).split("\n")
    return f"{layout.newline}{indent}".join(lines)


def on_one_line(value: Any) -> str:
    """``value`` as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def appended(text: str, into: Node, key: str | None, value: Any, layout: Layout) -> str:
    """``text`` with ``value`` at the end of the object or list ``into``; ``key`` is None for a list."""
    if not into.items:
        outer = _line_indent(text, into.start)
        item = _item(key, value, layout, outer + layout.unit)
        chunk = f"{layout.newline}{outer}{layout.unit}{item}{layout.newline}{outer}"
        return _with(text, into.start + 1, chunk)
    last = into.items[-1]
    behind = last.node.end if last.comma is None else last.comma + 1
    place, needs_line = end_of_gap(text, behind)
    one_line = "\n" not in text[into.start : last.start]
    if one_line and not needs_line:
        chunk = f" {_item(key, value, None, '')}"
    else:
        indent = _item_indent(text, into, layout)
        chunk = f"{layout.newline}{indent}{_item(key, value, layout, indent)}"
    if last.comma is not None:
        return _with(text, place, f"{chunk},")
    return _with(_with(text, place, chunk), last.node.end, ",")


def removed(text: str, of: Node, index: int) -> str:
    """``text`` without the item of that index of the object or list ``of``."""
    item = of.items[index]
    start = _chunk_start(text, of, index)
    before, blank = text[:start], text[start : item.start]
    if len(of.items) == 1:
        end = item.node.end if item.comma is None else item.comma + 1
        behind = text[end + _closing_length(text, end, blank, _line_indent(text, of.start)) :]
    elif item.comma is not None:
        behind = text[item.node.end : item.comma] + text[item.comma + 1 :]
    else:
        comma = of.items[index - 1].comma
        assert comma is not None
        before, behind = text[:comma] + text[comma + 1 : start], text[item.node.end :]
    if is_open_line(text, _behind_previous(of, index), start) and not behind.startswith(("\n", "\r\n")):
        return f"{before}{blank}{behind}"  # what follows would become part of a comment
    return before + behind


def replaced(text: str, node: Node, value: Any) -> str:
    """``text`` with another value in the place of ``node``'s."""
    return text[: node.start] + on_one_line(value) + text[node.end :]


def _item(key: str | None, value: Any, layout: Layout | None, indent: str) -> str:
    """An item as text; on one line where there is no layout."""
    before = "" if key is None else f"{on_one_line(key)}: "
    if layout is None:
        return before + on_one_line(value)
    return before + rendered(value, layout, indent)


def _with(text: str, place: int, chunk: str) -> str:
    return text[:place] + chunk + text[place:]


def _line_indent(text: str, position: int) -> str:
    """The white space that the line of ``position`` begins with."""
    start = text.rfind("\n", 0, position) + 1
    end = start
    while end < position and text[end] in " \t":
        end += 1
    return text[start:end]


def _item_indent(text: str, into: Node, layout: Layout) -> str:
    """What a new item is indented by: as the last one, where that begins its line."""
    start = into.items[-1].start
    indent = _line_indent(text, start)
    if text[: start - len(indent)].endswith("\n") and text[start - len(indent) : start] == indent:
        return indent
    return _line_indent(text, into.start) + layout.unit


def _chunk_start(text: str, of: Node, index: int) -> int:
    """Where the white space begins that came with the item: not before where one would have been put."""
    earliest = _behind_previous(of, index)
    if index:
        earliest, _ = end_of_gap(text, earliest)
    start = of.items[index].start
    while start > earliest and text[start - 1] in _BLANK:
        start -= 1
    return start


def _behind_previous(of: Node, index: int) -> int:
    """Where the gap before an item begins: behind the comma before it, or the opening bracket."""
    if index == 0:
        return of.start + 1
    comma = of.items[index - 1].comma
    assert comma is not None
    return comma + 1


def _closing_length(text: str, end: int, before: str, outer: str) -> int:
    """How much stands behind the only item that came with it: a line break, and ``outer``."""
    newline = re.match(r"\r?\n", before)
    closing = f"{newline[0]}{outer}" if newline else ""
    return len(closing) if closing and text.startswith(closing, end) else 0
