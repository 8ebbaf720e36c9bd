"""What bindings and ServiceAccounts refer to."""

from __future__ import annotations

from collections.abc import Iterator

from sandkube.validation.references.absence import absent
from sandkube.validation.references.items import Dangling, Item
from sandkube.validation.references.kinds import (
    CLUSTER_ROLE,
    NAMESPACE,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
)
from sandkube.validation.references.pods import pull_secrets
from sandkube.validation.references.world import World


def check_binding(item: Item, world: World) -> Iterator[Dangling]:
    """The role that a binding gives, and the accounts that it gives it to."""
    role = item.tree["roleRef"]
    if role["kind"].text == CLUSTER_ROLE.name:
        yield from absent(item, world, CLUSTER_ROLE, role["name"])
    elif role["kind"].text == ROLE.name and item.kind == ROLE_BINDING:
        yield from absent(item, world, ROLE, role["name"])
    for subject in item.tree["subjects"].each():
        if subject["kind"].text != SERVICE_ACCOUNT.name or not subject["namespace"].text:
            continue
        namespace = subject["namespace"]
        if world.has_namespace(namespace.text):
            yield from absent(item, world, SERVICE_ACCOUNT, subject["name"], namespace=namespace.text)
        else:
            yield from absent(item, world, NAMESPACE, namespace)


def check_account(item: Item, world: World) -> Iterator[Dangling]:
    """The Secrets that a ServiceAccount names."""
    yield from pull_secrets(item, world, item.tree["imagePullSecrets"])
    for secret in item.tree["secrets"].each():
        yield from absent(item, world, SECRET, secret["name"])
