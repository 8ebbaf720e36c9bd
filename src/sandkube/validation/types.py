"""Finding the value that a server could not read, where it does not say which: along the kind's schema.

The answer of Go's decoders for quantities, times and the like names no field, and that for plain types no
index. The object is walked beside its schema, and what does not fit is what was meant.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from sandkube.kube.openapi import Schema
from sandkube.manifests import fields, scalars, values
from sandkube.manifests.document import Document
from sandkube.manifests.fields import Found

# k8s.io/apimachinery/pkg/api/resource/quantity.go: a number, and a suffix of one of three kinds
_QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+")


def unfit(document: Document, schema: Schema, reader: str | None = None) -> Iterator[Found]:
    """The fields whose values do not fit the schema, in the order of the text.

    Only those of one ``reader`` (``quantity``, ``time``, …) if one is given.
    """
    yield from _walk(document.node, None, "", schema, reader, set())


def _walk(
    node: yaml.Node, key: yaml.Node | None, path: str, schema: Schema, reader: str | None, seen: set[int]
) -> Iterator[Found]:
    kind = schema.kind
    if not _fits(node, kind):
        if reader in (None, kind):
            yield Found(node, key, path, "")
        return
    if id(node) in seen:
        return
    if isinstance(node, yaml.MappingNode):
        seen = seen | {id(node)}
        for name, at, value in fields.entries(node):
            below = schema.field(name)
            if below is not None:
                yield from _walk(value, at, fields.step(path, name), below, reader, seen)
    elif isinstance(node, yaml.SequenceNode) and (items := schema.items) is not None:
        seen = seen | {id(node)}
        for number, value in enumerate(node.value):
            yield from _walk(value, None, f"{path}[{number}]", items, reader, seen)


def _fits(node: yaml.Node, kind: str) -> bool:
    if isinstance(node, yaml.MappingNode):
        return kind in ("object", "")
    if isinstance(node, yaml.SequenceNode):
        return kind in ("array", "")
    assert isinstance(node, yaml.ScalarNode)
    try:
        value = values.scalar_of(node)
    except values.UnreadableError:
        return False
    return value is None or kind not in _SCALARS or _SCALARS[kind](value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value == int(value)


def _is_base64(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        base64.b64decode(re.sub(r"[\r\n]", "", value), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _matches(pattern: re.Pattern[str], *, numbers: bool = False) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        if numbers and _is_number(value):
            return True
        return isinstance(value, str) and pattern.fullmatch(value) is not None

    return fits


_SCALARS: dict[str, Callable[[Any], bool]] = {
    "object": lambda _value: False,
    "array": lambda _value: False,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_whole,
    "number": _is_number,
    "int-or-string": lambda value: isinstance(value, str) or _is_whole(value),
    "quantity": _matches(_QUANTITY, numbers=True),
    "time": _matches(_TIME),
    "duration": _matches(_DURATION),
    "base64": _is_base64,
}


def of_type(document: Document, path: str, found: str) -> list[Found]:
    """The fields of a path without indices whose value has the JSON type ``found``, as Go calls it.

    Go names a map and not its keys: of a mapping, its values that are mappings are meant, if there are any.
    """
    fitting = [one for one in fields.find_all(document.node, path) if kind_of(one.value) == found]
    inner = [
        Found(value, key, fields.step(one.path, name), "")
        for one in fitting
        if isinstance(one.value, yaml.MappingNode)
        for name, key, value in fields.entries(one.value)
        if kind_of(value) == found
    ]
    return inner or fitting


def kind_of(node: yaml.Node) -> str:
    """What Go's decoder calls a node's value: array, object, string, number, bool, null."""
    if isinstance(node, yaml.MappingNode):
        return "object"
    if isinstance(node, yaml.SequenceNode):
        return "array"
    assert isinstance(node, yaml.ScalarNode)
    try:
        return scalars.kind_of(values.scalar_of(node))
    except values.UnreadableError:
        return "string"


def is_named(go: str) -> bool:
    """Whether a type of Go has a name that does not tell what it is: ``v1.PodSpec``, ``v1.Protocol``."""
    return go.rpartition(".")[2][:1].isupper() and not go.startswith(("[]", "map["))


def wanted_words(go: str, kind: str | None = None) -> str:
    """What a type of Go is to a person: ``int32`` is a whole number, ``[]string`` a list.

    ``kind`` is the one of the field's schema, for types whose name says nothing.
    """
    short = go.rpartition(".")[2]
    if go.startswith("[]"):
        return "a list"
    if go.startswith("map["):
        return "a mapping of texts" if go.endswith("]string") else "a mapping"
    if re.fullmatch(r"\*?u?int(8|16|32|64)?", go):
        return "a whole number"
    words = {
        "string": "a text",
        "bool": "`true` or `false`",
        "float64": "a number",
        "float32": "a number",
        "quantity": "a quantity such as `500m` or `1Gi`",
        "time": "a time such as `2026-01-31T12:00:00Z`",
        "duration": "a duration such as `1h30m`",
        "base64": "text in base64",
        "int-or-string": "a whole number or a text",
    }
    if is_named(go):
        return words.get(kind or "", f"a mapping ({short})")
    return words.get(go, go)
