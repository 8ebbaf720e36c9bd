"""Paths of fields, as the API server writes them, and finding them in a tree of YAML nodes.

``spec.containers[0].image`` (k8s.io/apimachinery/pkg/util/validation/field), ``data[a.b]`` for keys of maps,
``.spec.containers[name="web"].image`` (sigs.k8s.io/structured-merge-diff), and the paths of Go's JSON
decoder, which leave indices out: ``spec.containers.image``. Keys may hold dots, unquoted: a path is read
along the tree, and the longest key that fits is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from sandkube.manifests import values

_CONDITION = re.compile(r'(?P<key>[^=,\[\]]+)=(?P<value>"(?:[^"\\]|\\.)*"|[^,\]]+),?')
_INDICES = re.compile(r"(?:\[[^\]]*\])*$")


@dataclass(frozen=True, slots=True)
class Found:
    """What a path led to.

    ``rest`` is what of the path is not there; it is empty where all was found. ``value`` is then the field's
    node, and otherwise the nearest one above it; ``key`` is the key that ``value`` stands behind, None for
    an item of a list and for the root. ``path`` is what was found of the path.
    """

    value: yaml.Node
    key: yaml.Node | None
    path: str
    rest: str

    @property
    def whole(self) -> bool:
        """Whether the field is there."""
        return not self.rest


def find(node: yaml.Node, path: str) -> Found:
    """The field ``path`` below ``node``, or what is nearest above it. Of several items the first."""
    return min(_walk(node, None, "", path.removeprefix(".")), key=lambda found: len(found.rest))


def find_all(node: yaml.Node, path: str) -> list[Found]:
    """Every field that ``path`` names; a list that it gives no index for is gone through."""
    return [found for found in _walk(node, None, "", path.removeprefix(".")) if found.whole]


def entries(node: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Name, key and value of each field of a mapping, its own before those that are merged into it."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if not values.is_merge(key) and (name := _name(key)) is not None:
            yield name, key, value
    for key, value in node.value:
        if values.is_merge(key):
            for one in values.merged(value):
                yield from entries(one)


def duplicates(node: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Path, further key and its value of each field that a mapping has twice; anywhere below ``node``."""
    seen: set[int] = set()
    stack: list[tuple[str, yaml.Node]] = [("", node)]
    while stack:
        path, one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, yaml.SequenceNode):
            stack += [(f"{path}[{number}]", item) for number, item in enumerate(one.value)]
        elif isinstance(one, yaml.MappingNode):
            there: set[str] = set()
            for key, value in one.value:
                name = _name(key)
                if name is None or values.is_merge(key):
                    continue
                below = join(path, name)
                if name in there:
                    yield below, key, value
                there.add(name)
                stack.append((below, value))


def named(node: yaml.Node, name: str) -> Iterator[Found]:
    """Every field of that name, anywhere below ``node``."""
    stack: list[tuple[str, yaml.Node, frozenset[int]]] = [("", node, frozenset())]
    while stack:
        path, one, above_it = stack.pop()
        if id(one) in above_it:
            continue
        above_it |= {id(one)}
        if isinstance(one, yaml.SequenceNode):
            stack += [(f"{path}[{number}]", item, above_it) for number, item in enumerate(one.value)]
        elif isinstance(one, yaml.MappingNode):
            for key_name, key, value in entries(one):
                below = step(path, key_name)
                if key_name == name:
                    yield Found(value, key, below, "")
                stack.append((below, value, above_it))


def merges(node: yaml.Node) -> bool:
    """Whether a mapping anywhere below merges others into itself."""
    seen: set[int] = set()
    stack = [node]
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, yaml.SequenceNode):
            stack += one.value
        elif isinstance(one, yaml.MappingNode):
            if any(values.is_merge(key) for key, _ in one.value):
                return True
            stack += [value for _, value in one.value]
    return False


def entry(found: Found, text: str) -> Found | None:
    """The entry of a map or a list whose value, or whose key, is the scalar ``text``; None if none is."""
    if isinstance(found.value, yaml.SequenceNode):
        for number, item in enumerate(found.value.value):
            if isinstance(item, yaml.ScalarNode) and item.value == text:
                return Found(item, None, f"{found.path}[{number}]", "")
        return None
    there = list(entries(found.value))
    values_first = [one for one in there if _scalar_text(one[2]) == text]
    for name, key, value in [*values_first, *(one for one in there if one[0] == text)]:
        return Found(value, key, step(found.path, name), "")
    return None


def difference(before: Any, after: Any, path: str) -> str:
    """The path of the first field below ``path`` that differs; ``path`` where none does, or it is new."""
    for one in _steps_of(path):
        try:
            before, after = before[one], after[one]
        except (KeyError, IndexError, TypeError):
            return path
    return _difference(before, after, path)


def _difference(before: Any, after: Any, path: str) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in after.items():
            if name in before and before[name] != value:
                return _difference(before[name], value, step(path, name))
            added = [name for name in after if name not in before]
        return step(path, added[0]) if added else path
    if isinstance(before, list) and isinstance(after, list):
        for number, (old, new) in enumerate(zip(before, after, strict=False)):
            if old != new:
                return _difference(old, new, f"{path}[{number}]")
        return f"{path}[{len(before)}]" if len(after) > len(before) else path
    return path


def _steps_of(path: str) -> list[Any]:
    """The steps of a path that a server wrote, as far as its names hold no dots."""
    return [int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path)]


def _scalar_text(node: yaml.Node) -> str | None:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def join(path: str, name: str) -> str:
    """The path of the field ``name`` of what ``path`` leads to."""
    return f"{path}.{name}" if path else name


def last(path: str) -> str:
    """The name of the last field of a path, without an index."""
    return _INDICES.sub("", path).rpartition(".")[2]


def above(path: str) -> str:
    """The path of what holds the last field of a path; of an item's field the whole list."""
    inner = _INDICES.sub("", path).rpartition(".")[0]
    return _INDICES.sub("", inner)


def remove(value: Any, found: Found) -> bool:
    """Take what was found out of ``value``, which was read of the same tree. False if it is not there.

    An item of a list becomes None, so that the others keep their numbers.
    """
    parents: list[tuple[Any, Any]] = []
    here = value
    for one in _steps(found.path):
        try:
            below = here[one]
        except (KeyError, IndexError, TypeError):
            return False
        parents.append((here, one))
        here = below
    if not parents:
        return False
    parent, last_step = parents[-1]
    if isinstance(parent, list):
        parent[last_step] = None
    else:
        del parent[last_step]
    return True


def _steps(path: str) -> list[Any]:
    # found.path is written by _walk: names are quoted as JSON where they need it
    steps: list[Any] = []
    for index, quoted, name in re.findall(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.\[\]]+)', path):
        steps.append(int(index) if index else json.loads(f'"{quoted}"') if quoted else name)
    return steps


def step(path: str, name: str) -> str:
    """Like :func:`join`, in the form of ``Found.path``: a name that holds dots or brackets is quoted."""
    if re.fullmatch(r"[^.\[\]]+", name):
        return join(path, name)
    return f"{path}[{json.dumps(name)}]"


def _walk(node: yaml.Node, key: yaml.Node | None, path: str, rest: str) -> Iterator[Found]:
    if not rest:
        yield Found(node, key, path, "")
        return
    went = False
    if isinstance(node, yaml.SequenceNode):
        for number, item, left in _items(node, rest):
            went = True
            yield from _walk(item, None, f"{path}[{number}]", left)
    elif isinstance(node, yaml.MappingNode):
        chosen: tuple[str, yaml.Node, yaml.Node, str] | None = None
        for name, at, value in entries(node):
            behind = _after(rest, name)
            if behind is not None and (chosen is None or len(name) > len(chosen[0])):
                chosen = (name, at, value, behind)
        if chosen is not None:
            went = True
            yield from _walk(chosen[2], chosen[1], step(path, chosen[0]), chosen[3])
    if not went:
        yield Found(node, key, path, rest)


def _items(node: yaml.SequenceNode, rest: str) -> Iterator[tuple[int, yaml.Node, str]]:
    """Number, node and what is left of the path, of each item that ``rest`` begins with."""
    if not rest.startswith("["):
        for number, item in enumerate(node.value):
            yield number, item, rest
        return
    inside, closed, left = _bracket(rest)
    if closed:
        for number, item in _chosen(node.value, inside):
            yield number, item, left.removeprefix(".")


def _chosen(items: list[yaml.Node], inside: str) -> Iterator[tuple[int, yaml.Node]]:
    """The items that are meant by what stands in brackets: a number, ``*``, a value, conditions."""
    if inside.isdigit():
        number = int(inside)
        yield from [(number, items[number])] if number < len(items) else []
        return
    conditions = {found["key"]: _plain(found["value"]) for found in _CONDITION.finditer(inside)}
    for number, item in enumerate(items):
        if inside == "*" or _is_value(item, inside) or (conditions and _fulfils(item, conditions)):
            yield number, item


def _is_value(item: yaml.Node, inside: str) -> bool:
    if not isinstance(item, yaml.ScalarNode):
        return False
    return inside in (item.value, json.dumps(item.value), f"={json.dumps(item.value)}")


def _fulfils(item: yaml.Node, conditions: dict[str, str]) -> bool:
    given = {name: _scalar_text(value) for name, _, value in entries(item)}
    # a protocol that is not given is TCP, and the server names it
    defaults = {"protocol": "TCP"}
    return all(given.get(name, defaults.get(name)) == value for name, value in conditions.items())


def _after(rest: str, name: str) -> str | None:
    """What is left of a path behind the field ``name``; None if it does not begin with it."""
    if rest.startswith("["):
        inside, closed, left = _bracket(rest)
        return left.removeprefix(".") if closed and inside in (name, json.dumps(name)) else None
    if rest.startswith(name):
        left = rest[len(name) :]
        if not left or left[0] == "[":
            return left
        if left[0] == ".":
            return left[1:]
    return None


def _bracket(rest: str) -> tuple[str, bool, str]:
    """What stands in the brackets that ``rest`` begins with, whether they close, and what follows."""
    quoted = escaped = False
    for at, character in enumerate(rest[1:], 1):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = quoted
        elif character == '"':
            quoted = not quoted
        elif character == "]" and not quoted:
            return rest[1:at], True, rest[at + 1 :]
    return rest[1:], False, ""


def _plain(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') else text


def _name(key: yaml.Node) -> str | None:
    try:
        return values.key_of(key)
    except values.UnreadableError:
        return None
