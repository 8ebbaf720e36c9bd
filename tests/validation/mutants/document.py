"""A manifest as text, with every field's place in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import yaml

_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A field: a key with its value in a mapping, or an item of a list (then ``key`` is None).

    ``shape`` is the object's kind and the path without numbers: ``Pod:spec.containers[].image``. ``holder``
    is the mapping or list that it stands in, at ``index``, and ``parent`` the field whose value that is.
    """

    path: Steps
    shape: str
    key: yaml.ScalarNode | None
    value: yaml.Node
    holder: yaml.CollectionNode
    index: int
    parent: Entry | None

    @property
    def start(self) -> int:
        """Where the key begins, or the item's value behind its dash."""
        place = self.key or self.value
        return int(place.start_mark.index)

    @property
    def column(self) -> int:
        """The column of the key, or of the item's value, from 0."""
        place = self.key or self.value
        return int(place.start_mark.column)

    @property
    def last(self) -> bool:
        """Whether nothing follows in the mapping or list."""
        return self.index == len(self.holder.value) - 1

    @property
    def scalar(self) -> yaml.ScalarNode | None:
        """The value, if it is a scalar on one line."""
        value = self.value
        if isinstance(value, yaml.ScalarNode) and value.start_mark.line == value.end_mark.line:
            return value
        return None


class Document:
    """One object's text. Offsets count characters; lines and columns are PyYAML's, from 0.

    Fields in flow style, ``{a: b}``, are not among the entries: text is put in and taken out by lines.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise TypeError("a manifest is a mapping")
        self.root = root
        self.kind = next(value.value for key, value in root.value if key.value == "kind")

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every field in block style, in the order of the text."""
        return tuple(self._below(self.root, (), f"{self.kind}:", None))

    @cached_property
    def by_path(self) -> dict[Steps, Entry]:
        """The same by path."""
        return {entry.path: entry for entry in self.entries}

    def _below(
        self, holder: yaml.CollectionNode, path: Steps, shape: str, parent: Entry | None
    ) -> Iterator[Entry]:
        if holder.flow_style:
            return
        for index, item in enumerate(holder.value):
            if isinstance(holder, yaml.MappingNode):
                key, value = item
                step: str | int = key.value
                below = f"{shape}{'' if shape.endswith(':') else '.'}{key.value}"
            else:
                key, value, step, below = None, item, index, f"{shape}[]"
            entry = Entry((*path, step), below, key, value, holder, index, parent)
            yield entry
            if isinstance(value, yaml.CollectionNode):
                yield from self._below(value, entry.path, below, entry)

    def sibling(self, entry: Entry, step: int) -> Entry | None:
        """The field before (-1) or behind (1) this one, in its mapping or list."""
        index = entry.index + step
        if not 0 <= index < len(entry.holder.value):
            return None
        item = entry.holder.value[index]
        name = item[0].value if isinstance(entry.holder, yaml.MappingNode) else index
        path = (*entry.path[:-1], name)
        return self.by_path[path]

    def end(self, node: yaml.Node) -> int:
        """Where the node's own text ends: comments and empty lines behind it are not its own."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self.end(last[1] if isinstance(node, yaml.MappingNode) else last)
        return len(self.text[: node.end_mark.index].rstrip())

    def line_start(self, offset: int) -> int:
        """Where the line of this offset begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Where the line of this offset ends: the place of its line feed."""
        found = self.text.find("\n", offset)
        return len(self.text) if found < 0 else found

    def alone(self, entry: Entry) -> bool:
        """Whether nothing but spaces stands before it in its line: no dash."""
        return not self.text[self.line_start(entry.start) : entry.start].strip()


def written(path: Steps) -> str:
    """The path as the server writes it: ``spec.containers[0].image``, ``data[limits.conf]``."""
    said = ""
    for step in path:
        if isinstance(step, int):
            said += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            said += f".{step}" if said else step
        else:
            said += f"[{step}]"
    return said
