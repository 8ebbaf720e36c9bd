"""What the API server calls or looks up for requests: webhooks, policies, aggregated APIs, conversions."""

from __future__ import annotations

from collections.abc import Iterator

from sandkube.validation.references.absence import absent
from sandkube.validation.references.items import Dangling, Item
from sandkube.validation.references.kinds import MUTATING_POLICY, VALIDATING_POLICY
from sandkube.validation.references.routes import service
from sandkube.validation.references.tree import Node
from sandkube.validation.references.world import World

# Where none is given.
_PORT = 443


def check_webhooks(item: Item, world: World) -> Iterator[Dangling]:
    """The Services that webhooks are called at."""
    for webhook in item.tree["webhooks"].each():
        yield from _called(item, world, webhook.at("clientConfig", "service"))


def check_api_service(item: Item, world: World) -> Iterator[Dangling]:
    """The Service that answers for an aggregated API."""
    yield from _called(item, world, item.tree.at("spec", "service"))


def check_conversion(item: Item, world: World) -> Iterator[Dangling]:
    """The Service that converts between the versions of a custom resource."""
    conversion = item.tree.at("spec", "conversion")
    if conversion["strategy"].text == "Webhook":
        yield from _called(item, world, conversion.at("webhook", "clientConfig", "service"))


def check_validating_binding(item: Item, world: World) -> Iterator[Dangling]:
    """The policy that a binding puts into force."""
    yield from absent(item, world, VALIDATING_POLICY, item.tree.at("spec", "policyName"))


def check_mutating_binding(item: Item, world: World) -> Iterator[Dangling]:
    """The same for a policy that changes what it admits."""
    yield from absent(item, world, MUTATING_POLICY, item.tree.at("spec", "policyName"))


def _called(item: Item, world: World, reference: Node) -> Iterator[Dangling]:
    namespace = reference["namespace"].text
    if namespace:
        yield from service(item, world, reference, reference["port"], namespace=namespace, usual=_PORT)
