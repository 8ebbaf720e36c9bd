"""The schemas that an API server publishes for its kinds (OpenAPI v3), fetched when they are needed.

They are never what is judged by: the server judges. They say where a value that it cannot read must be, and
which name a typo may have meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from sandkube.kube.client import Client
from sandkube.kube.discovery import Resource

_REF = "#/components/schemas/"
_KIND = "x-kubernetes-group-version-kind"
_INT_OR_STRING = "int-or-string"
_BY_FORMAT = {
    ("", _INT_OR_STRING): _INT_OR_STRING,
    ("string", _INT_OR_STRING): _INT_OR_STRING,
    ("string", "byte"): "base64",
    ("string", "date-time"): "time",
}
_BY_NAME = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _INT_OR_STRING,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Duration": "duration",
}


@dataclass(frozen=True)
class Schema:
    """The schema of an object or a field."""

    _all: Mapping[str, Any]
    _node: Mapping[str, Any]
    _name: str = ""

    @property
    def kind(self) -> str:
        """What its values are; an empty string for what may be anything.

        ``object``, ``array``, ``string``, ``integer``, ``number``, ``boolean``; ``quantity``, ``time``,
        ``duration``, ``base64``, ``int-or-string``.
        """
        if self._name in _BY_NAME:
            return _BY_NAME[self._name]
        if self._node.get("x-kubernetes-int-or-string"):
            return _INT_OR_STRING
        type_ = str(self._node.get("type", ""))
        return _BY_FORMAT.get((type_, str(self._node.get("format", ""))), type_)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields of an object; none for a map, whose keys are free."""
        return tuple(self._node.get("properties", ()))

    def field(self, name: str) -> Schema | None:
        """The field ``name`` of an object, or the values of a map."""
        found = self._node.get("properties", {}).get(name)
        if found is None:
            found = self._node.get("additionalProperties")
        return _resolved(self._all, found) if isinstance(found, dict) else None

    @property
    def items(self) -> Schema | None:
        """The items of a list."""
        found = self._node.get("items")
        return _resolved(self._all, found) if isinstance(found, dict) else None

    def at(self, path: str) -> Schema | None:
        """What a path of a field leads to."""
        here: Schema | None = self
        for part in re.findall(r"\[[^\]]*\]|[^.\[\]]+", path):
            if here is None:
                return None
            into_items = part.startswith("[") and here.items is not None
            here = here.items if into_items else here.field(part.strip("[]"))
        return here

    @property
    def rules(self) -> list[tuple[str, str | None]]:
        """The rules of a definition in CEL, each with its message, where it has one."""
        found = self._node.get("x-kubernetes-validations", ())
        return [(str(rule.get("rule")), rule.get("message")) for rule in found]


def _resolved(schemas: Mapping[str, Any], node: Mapping[str, Any]) -> Schema:
    name = ""
    while True:
        if "$ref" in node:
            name = str(node["$ref"]).removeprefix(_REF)
            node = schemas.get(name, {})
        elif len(node.get("allOf", ())) == 1:
            node = node["allOf"][0]
        else:
            return Schema(schemas, node, name)


@dataclass
class Schemas:
    """The schemas of one API server. Threads may share it."""

    client: Client
    _index: Mapping[str, Any] | None = None
    _documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, resource: Resource) -> Schema | None:
        """The schema of a kind; None where none is published. ApiFailed."""
        with self._lock:
            schemas = self._of(resource.api_version, group=bool(resource.group))
        wanted = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        for name, node in schemas.items():
            if wanted in node.get(_KIND, ()):
                return Schema(schemas, node, name)
        return None

    def forget(self) -> None:
        """Fetch anew what is asked for: kinds were added."""
        with self._lock:
            self._index = None
            self._documents.clear()

    def _of(self, api_version: str, *, group: bool) -> Mapping[str, Any]:
        path = f"{'apis' if group else 'api'}/{api_version}"
        if path not in self._documents:
            if self._index is None:
                self._index = (self.client.get("/openapi/v3") or {}).get("paths", {})
            where = self._index.get(path, {}).get("serverRelativeURL")
            document = (self.client.get(where) or {}) if where else {}
            self._documents[path] = document.get("components", {}).get("schemas", {})
        return self._documents[path]
