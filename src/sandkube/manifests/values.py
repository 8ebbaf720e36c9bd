"""What the server reads in a tree of YAML nodes, with aliases and merges."""

from __future__ import annotations

from typing import Any

import yaml

from sandkube.manifests import scalars

MERGE = "<<"
# The tag of a node that has none in the text; PyYAML would guess one, by rules of its own.
UNTAGGED = ""
# A text of a megabyte has no more nodes than this; a small one with that many is a trap of aliases.
_MOST = 2_000_000


class UnreadableError(ValueError):
    """The server would not read this node; the message says why."""

    def __init__(self, message: str, node: yaml.Node) -> None:
        super().__init__(message)
        self.node = node


def value_of(node: yaml.Node) -> Any:
    """The value: dict with string keys, list, str, int, float, bool, None. UnreadableError."""
    return _Reading().value(node)


def key_of(node: yaml.Node) -> str | None:
    """A key as JSON has it: ``yes: 1`` is a field called ``true``. None for what can be none."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    key = scalar_of(node)
    if key is None:
        return None
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if isinstance(key, str) else _number(key)


def scalar_of(node: yaml.ScalarNode) -> Any:
    """The value of a scalar; UnreadableError for one that is not what its tag says."""
    if node.tag == UNTAGGED:
        return node.value if node.style else scalars.plain(node.value)
    try:
        return scalars.tagged(node.value, node.tag)
    except ValueError as error:
        raise UnreadableError(str(error), node) from None


def is_merge(key: yaml.Node) -> bool:
    """Whether a key merges other mappings into its own."""
    return isinstance(key, yaml.ScalarNode) and not key.style and key.value == MERGE


def merged(node: yaml.Node) -> list[yaml.MappingNode]:
    """The mappings that the value of a merge key brings."""
    found = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [one for one in found if isinstance(one, yaml.MappingNode)]


def _number(key: float) -> str:
    return repr(key) if isinstance(key, int) else format(key, "g")


class _Reading:
    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self._open: set[int] = set()
        self._sizes: dict[int, int] = {}

    def value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return scalar_of(node)
        known = id(node)
        if known in self._open:
            raise UnreadableError("An anchor contains itself.", node)
        if known not in self._made:
            self._open.add(known)
            if isinstance(node, yaml.MappingNode):
                self._made[known] = self._mapping(node)
            else:
                self._made[known] = [self.value(one) for one in node.value]
            self._open.discard(known)
            self._sizes[known] = size = 1 + sum(self._sizes.get(id(one), 1) for one in _below(node))
            if size > _MOST:
                raise UnreadableError(f"Aliases make more than {_MOST:,} values of this.", node)
        return self._made[known]

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        own: dict[str, Any] = {}
        brought: dict[str, Any] = {}
        for key, value in node.value:
            if is_merge(key):
                for one in merged(value):
                    for name, content in self.value(one).items():
                        brought.setdefault(name, content)
                continue
            name = key_of(key)
            if name is None:
                raise UnreadableError("This cannot be the name of a field.", key)
            own[name] = self.value(value)
        return {**brought, **own}


def _below(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return list(node.value)
