"""Which kinds are checked for what, and going through a set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sandkube.validation.references import access, admission, pods, routes, scaling, services, storage
from sandkube.validation.references.cluster import Cluster
from sandkube.validation.references.items import Dangling, Item, items_of
from sandkube.validation.references.kinds import (
    API_SERVICE,
    AUTOSCALER,
    CLUSTER_ROLE_BINDING,
    CUSTOM_RESOURCE_DEFINITION,
    DISRUPTION_BUDGET,
    GATEWAY,
    INGRESS,
    MUTATING_POLICY_BINDING,
    MUTATING_WEBHOOKS,
    ROLE_BINDING,
    ROUTES,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    VALIDATING_POLICY_BINDING,
    VALIDATING_WEBHOOKS,
    VOLUME_CLAIM,
    Kind,
)
from sandkube.validation.references.templates import TEMPLATES
from sandkube.validation.references.world import World

_Check = Callable[[Item, World], Iterator[Dangling]]

_CHECKS: Final[Mapping[Kind, tuple[_Check, ...]]] = {
    **dict.fromkeys(TEMPLATES, (pods.check,)),
    **dict.fromkeys(ROUTES, (routes.check_route,)),
    STATEFUL_SET: (services.check_governing, pods.check, storage.check_templates),
    VOLUME_CLAIM: (storage.check,),
    ROLE_BINDING: (access.check_binding,),
    CLUSTER_ROLE_BINDING: (access.check_binding,),
    SERVICE_ACCOUNT: (access.check_account,),
    SERVICE: (services.check,),
    INGRESS: (routes.check_ingress,),
    GATEWAY: (routes.check_gateway,),
    AUTOSCALER: (scaling.check_autoscaler,),
    DISRUPTION_BUDGET: (scaling.check_budget,),
    VALIDATING_WEBHOOKS: (admission.check_webhooks,),
    MUTATING_WEBHOOKS: (admission.check_webhooks,),
    API_SERVICE: (admission.check_api_service,),
    CUSTOM_RESOURCE_DEFINITION: (admission.check_conversion,),
    VALIDATING_POLICY_BINDING: (admission.check_validating_binding,),
    MUTATING_POLICY_BINDING: (admission.check_mutating_binding,),
}


def dangling(
    objects: Sequence[Mapping[str, Any]], cluster: Cluster, *, default_namespace: str
) -> Iterator[Dangling]:
    """The references of a set that lead nowhere, in the order of the objects.

    ``objects`` are manifests as they were written, without `List`s around them; malformed ones say nothing.
    ``default_namespace`` is where those go that name none. A Secret or ConfigMap, pod or Service that
    something in the set makes counts as there.
    """
    items = items_of(objects, default_namespace)
    world = World(items, cluster, default_namespace)
    for item in items:
        for check in _CHECKS.get(item.kind, ()):
            yield from check(item, world)
