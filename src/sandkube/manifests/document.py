"""One object as it was written: its text, its tree with places, and what the server reads in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from sandkube.manifests import fields
from sandkube.manifests.fields import Found
from sandkube.manifests.lines import Lines, Span
from sandkube.manifests.values import value_of


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a rendered document came from: the chart or kustomization, and the template in it.

    ``template`` is the template's path as the person sees it, and ``text`` what stands in it; both are None
    where there is none or it is not known. ``lines`` are the numbers of the template's lines that the lines
    of the document came from, the first one's first; ``written`` is the object that a kustomization takes,
    as it stands in ``template``, and ``patches`` are those files of its own that change objects of this kind.
    """

    renderer: str  # helm or kustomize
    source: str
    template: str | None = None
    text: str | None = None
    lines: Sequence[int] = ()
    written: Document | None = None
    patches: Sequence[Document] = ()


@dataclass(frozen=True)
class Document:
    """One object.

    ``text`` is what is sent to a server: the person's own, never serialised anew, unless the object is an
    item of a list that refers to anchors outside of it. ``first`` is the number of the line in ``file`` that
    its first line has, from 1. ``node`` is its root; marks in it count within ``lines``.
    """

    file: str
    text: str
    first: int
    node: yaml.MappingNode
    lines: Lines = field(repr=False)
    json: bool = False
    origin: Origin | None = None
    case: str | None = None

    @cached_property
    def value(self) -> dict[str, Any]:
        """What the server reads in it."""
        value = value_of(self.node)
        return value if isinstance(value, dict) else {}

    @property
    def api_version(self) -> str:
        """``apiVersion``, or an empty string."""
        return _string(self.value.get("apiVersion"))

    @property
    def kind(self) -> str:
        """``kind``, or an empty string."""
        return _string(self.value.get("kind"))

    @property
    def group(self) -> str:
        """The API group; empty for the core's."""
        return self.api_version.rpartition("/")[0]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """``metadata``; empty where it is none."""
        metadata = self.value.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def name(self) -> str:
        """``metadata.name``, or an empty string."""
        return _string(self.metadata.get("name"))

    @property
    def namespace(self) -> str:
        """``metadata.namespace``, or an empty string."""
        return _string(self.metadata.get("namespace"))

    def find(self, path: str) -> Found:
        """The field ``path``, or what is nearest above it."""
        return fields.find(self.node, path)

    def span(self, found: Found) -> Span:
        """Where in the file it stands: the key of what was found, or the value of a list's item."""
        return self.lines.span(found.key if found.key is not None else found.value)

    def value_span(self, found: Found) -> Span:
        """Where in the file its value stands, if that is a scalar, and otherwise its key."""
        if isinstance(found.value, yaml.ScalarNode):
            return self.lines.span(found.value)
        return self.span(found)

    @cached_property
    def start(self) -> Span:
        """Where the object begins in the file."""
        return self.lines.span(self.node.value[0][0] if self.node.value else self.node)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
