"""What pods refer to: their account, configuration, volumes, classes and claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandkube.validation.references.absence import absent
from sandkube.validation.references.items import Dangling, Item
from sandkube.validation.references.kinds import (
    CONFIG_MAP,
    PRIORITY_CLASS,
    RESOURCE_CLAIM,
    RESOURCE_CLAIM_TEMPLATE,
    RUNTIME_CLASS,
    SECRET,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Kind,
)
from sandkube.validation.references.storage import claim_spec
from sandkube.validation.references.templates import template_of
from sandkube.validation.references.tree import Node
from sandkube.validation.references.world import World
from sandkube.validation.spelling import nearest

# Volumes whose driver reads a Secret of the pod's namespace, and where its name stands. iSCSI reads one only
# where it is told to log in.
_VOLUME_SECRETS: Final = (
    ("azureFile", "secretName"),
    ("cephfs", "secretRef", "name"),
    ("csi", "nodePublishSecretRef", "name"),
    ("flexVolume", "secretRef", "name"),
    ("rbd", "secretRef", "name"),
    ("scaleIO", "secretRef", "name"),
    ("storageos", "secretRef", "name"),
)
_SHOWN: Final = 5
_FILLED_LATER: Final = "kubernetes.io/service-account-token"


def check(item: Item, world: World) -> Iterator[Dangling]:
    """What a pod, or the template in an object, refers to and is not there."""
    template = template_of(item.kind, item.tree)
    if template is None:
        return
    spec = template.spec
    yield from absent(item, world, SERVICE_ACCOUNT, template.account)
    yield from absent(item, world, PRIORITY_CLASS, spec["priorityClassName"])
    yield from absent(item, world, RUNTIME_CLASS, spec["runtimeClassName"])
    yield from pull_secrets(item, world, spec["imagePullSecrets"])
    for list_ in ("initContainers", "containers"):
        for container in spec[list_].each():
            yield from _environment(item, world, container)
    claimed = _claimed_by_controller(item)
    for volume in spec["volumes"].each():
        if volume["name"].text not in claimed:
            yield from _volume(item, world, volume)
    for claim in spec["resourceClaims"].each():
        yield from absent(item, world, RESOURCE_CLAIM, claim["resourceClaimName"])
        yield from absent(item, world, RESOURCE_CLAIM_TEMPLATE, claim["resourceClaimTemplateName"])


def pull_secrets(item: Item, world: World, secrets: Node) -> Iterator[Dangling]:
    """Secrets for pulling images, of a pod or a ServiceAccount, that are not there."""
    for secret in secrets.each():
        yield from absent(
            item,
            world,
            SECRET,
            secret["name"],
            code="missing-image-pull-secret",
            more=" The kubelet goes on without it, and pulls as one whom the registry does not know.",
        )


def _environment(item: Item, world: World, container: Node) -> Iterator[Dangling]:
    for variable in container["env"].each():
        source = variable["valueFrom"]
        yield from _source(item, world, CONFIG_MAP, source["configMapKeyRef"], key=True)
        yield from _source(item, world, SECRET, source["secretKeyRef"], key=True)
    for source in container["envFrom"].each():
        yield from _source(item, world, CONFIG_MAP, source["configMapRef"])
        yield from _source(item, world, SECRET, source["secretRef"])


def _volume(item: Item, world: World, volume: Node) -> Iterator[Dangling]:
    yield from _source(item, world, CONFIG_MAP, volume["configMap"])
    yield from _source(item, world, SECRET, volume["secret"], name="secretName")
    for source in volume.at("projected", "sources").each():
        yield from _source(item, world, CONFIG_MAP, source["configMap"])
        yield from _source(item, world, SECRET, source["secret"])
    for path in _VOLUME_SECRETS:
        yield from absent(item, world, SECRET, volume.at(*path))
    iscsi = volume["iscsi"]
    if iscsi["chapAuthDiscovery"].true or iscsi["chapAuthSession"].true:
        yield from absent(item, world, SECRET, iscsi.at("secretRef", "name"))
    yield from absent(item, world, VOLUME_CLAIM, volume.at("persistentVolumeClaim", "claimName"))
    yield from claim_spec(item, world, volume.at("ephemeral", "volumeClaimTemplate", "spec"))


def _claimed_by_controller(item: Item) -> set[str]:
    """The volumes that a StatefulSet makes claims for: they go before volumes of that name."""
    if item.kind != STATEFUL_SET:
        return set()
    claims = item.tree.at("spec", "volumeClaimTemplates")
    return {claim.at("metadata", "name").text for claim in claims.each()} - {""}


def _source(
    item: Item, world: World, kind: Kind, source: Node, *, name: str = "name", key: bool = False
) -> Iterator[Dangling]:
    """A ConfigMap or Secret, and the keys that are asked of it."""
    if source["optional"].true or not source[name].text:
        return
    missing = list(absent(item, world, kind, source[name]))
    yield from missing
    if missing:
        return
    asked = [source["key"]] if key else [entry["key"] for entry in source["items"].each()]
    there = _keys(item, world, kind, source[name].text)
    for one in asked:
        if there and one.text and one.text not in there:
            near = nearest(one.text, there)
            yield item.dangling(
                "missing-key",
                one,
                f"{kind.name} `{source[name].text}` has no key `{one.text}`.",
                f"Did you mean `{near}`?" if near else f"It has {_listed(there)}.",
            )


def _keys(item: Item, world: World, kind: Kind, name: str) -> set[str]:
    """The keys of a ConfigMap or Secret; none where it is not known, or where something else fills it."""
    tree = world.get(kind, item.home, name)
    if tree is None or tree["type"].text == _FILLED_LATER or world.makers.make(kind, item.home, name):
        return set()
    return tree["data"].names() | tree["binaryData"].names() | tree["stringData"].names()


def _listed(names: set[str]) -> str:
    shown = [f"`{name}`" for name in sorted(names)]
    more = len(shown) - _SHOWN
    return ", ".join(shown[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
