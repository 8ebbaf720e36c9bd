"""The objects of a set, with what a reference names them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandkube.validation.references.kinds import CLUSTER_SCOPED, CUSTOM_RESOURCE_DEFINITION, Kind
from sandkube.validation.references.tree import Node


@dataclass(frozen=True, slots=True)
class Dangling:
    """A reference that leads nowhere.

    ``index`` is that of the object in the set, ``field`` the path as the API server writes paths; what
    should be there and is not may be the last part of it. ``hint`` is the nearest name, or what to add.
    """

    index: int
    code: str
    field: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """An object of the set. ``namespace`` is None for what lies in none, ``name`` "" where it has none."""

    index: int
    kind: Kind
    namespace: str | None
    name: str
    tree: Node

    @property
    def home(self) -> str:
        """Its namespace, for looking up what lies beside it."""
        return self.namespace or ""

    def dangling(self, code: str, field: Node, message: str, hint: str | None = None) -> Dangling:
        """What is amiss at one of its fields."""
        return Dangling(self.index, code, field.path, message, hint)


def kind_of(tree: Node) -> Kind:
    """The kind that an object says it is; with an empty name where it says none."""
    return Kind(group_of(tree["apiVersion"].text), tree["kind"].text)


def group_of(api_version: str) -> str:
    """The group in `group/version`; "" for the core group."""
    return api_version.rpartition("/")[0]


def items_of(objects: Sequence[Mapping[str, Any]], default_namespace: str) -> list[Item]:
    """The objects that say what they are, in their order."""
    trees = [(index, Node(one)) for index, one in enumerate(objects)]
    kinds = [(index, kind_of(tree), tree) for index, tree in trees]
    spread = CLUSTER_SCOPED | {
        Kind(tree.at("spec", "group").text, tree.at("spec", "names", "kind").text)
        for _, kind, tree in kinds
        if kind == CUSTOM_RESOURCE_DEFINITION and tree.at("spec", "scope").text == "Cluster"
    }
    return [
        Item(
            index,
            kind,
            None if kind in spread else tree.at("metadata", "namespace").text or default_namespace,
            tree.at("metadata", "name").text,
            tree,
        )
        for index, kind, tree in kinds
        if kind.name
    ]
