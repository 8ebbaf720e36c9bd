"""What claims of volumes refer to: classes, volumes, and what they are filled from."""

from __future__ import annotations

from collections.abc import Iterator

from sandkube.validation.references.absence import absent
from sandkube.validation.references.items import Dangling, Item
from sandkube.validation.references.kinds import (
    STORAGE_CLASS,
    VOLUME,
    VOLUME_ATTRIBUTES_CLASS,
    VOLUME_CLAIM,
    VOLUME_SNAPSHOT,
    Kind,
)
from sandkube.validation.references.tree import Node
from sandkube.validation.references.world import World

_SOURCES = {VOLUME_CLAIM, VOLUME_SNAPSHOT}


def check(item: Item, world: World) -> Iterator[Dangling]:
    """What a PersistentVolumeClaim refers to and is not there."""
    yield from claim_spec(item, world, item.tree["spec"])


def check_templates(item: Item, world: World) -> Iterator[Dangling]:
    """The same for the claims that a StatefulSet makes."""
    for template in item.tree.at("spec", "volumeClaimTemplates").each():
        yield from claim_spec(item, world, template["spec"])


def claim_spec(item: Item, world: World, spec: Node) -> Iterator[Dangling]:
    """What the `spec` of a claim refers to and is not there."""
    yield from _storage_class(item, world, spec["storageClassName"])
    yield from absent(item, world, VOLUME_ATTRIBUTES_CLASS, spec["volumeAttributesClassName"])
    yield from absent(item, world, VOLUME, spec["volumeName"])
    # The server gives each of the two the value of the other: where both are written, one finding is enough.
    source = spec["dataSourceRef"] if spec["dataSourceRef"].there else spec["dataSource"]
    kind = Kind(source["apiGroup"].text, source["kind"].text)
    if kind in _SOURCES:
        yield from absent(item, world, kind, source["name"], namespace=source["namespace"].text or None)


def _storage_class(item: Item, world: World, name: Node) -> Iterator[Dangling]:
    """A class that is not there, unless volumes have it by name: then none needs to be made."""
    for dangling in absent(item, world, STORAGE_CLASS, name):
        volumes = world.all(VOLUME, None)
        if not any(volume.at("spec", "storageClassName").text == name.text for volume in volumes):
            yield dangling
