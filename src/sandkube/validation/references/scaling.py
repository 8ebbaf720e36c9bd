"""What scales pods and what protects them: HorizontalPodAutoscalers and PodDisruptionBudgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandkube.validation.references.absence import absent
from sandkube.validation.references.items import Dangling, Item, group_of
from sandkube.validation.references.kinds import (
    BUILT_IN_GROUPS,
    LIMIT_RANGE,
    MUTATING_POLICY,
    Kind,
)
from sandkube.validation.references.selectors import of_selector
from sandkube.validation.references.services import closest, runs_elsewhere
from sandkube.validation.references.templates import template_of
from sandkube.validation.references.tree import Node
from sandkube.validation.references.world import World

_VERTICAL = Kind("autoscaling.k8s.io", "VerticalPodAutoscaler")


def check_autoscaler(item: Item, world: World) -> Iterator[Dangling]:
    """What a HorizontalPodAutoscaler scales and measures."""
    spec = item.tree["spec"]
    target = spec["scaleTargetRef"]
    yield from _described(item, world, target, "missing-scale-target")
    for metric in spec["metrics"].each():
        described = metric.at("object", "describedObject")
        if group_of(described["apiVersion"].text) in BUILT_IN_GROUPS:
            yield from _described(item, world, described, "missing-metric-object")
    yield from _requests(item, world, spec, target)


def check_budget(item: Item, world: World) -> Iterator[Dangling]:
    """A PodDisruptionBudget that covers no pod, or all of them."""
    spec = item.tree["spec"]
    node = spec["selector"]
    if not isinstance(spec.value, Mapping):
        return
    if not node.there:
        yield item.dangling(
            "empty-selector",
            node,
            f"PodDisruptionBudget `{item.name}` has no selector, and covers no pod.",
            "Give the labels of the pods in `selector.matchLabels`.",
        )
        return
    selector = of_selector(node)
    if selector is None:
        return
    if not selector:
        yield item.dangling(
            "empty-selector",
            node,
            f"The empty selector of PodDisruptionBudget `{item.name}` covers every pod of namespace "
            f"`{item.home}`.",
            "Give the labels of the pods in `selector.matchLabels`.",
        )
        return
    covered = any(template.matches(selector) for template in world.templates(item.home))
    if not covered and not runs_elsewhere(item, world, selector):
        yield item.dangling(
            "budget-without-pods",
            node,
            f"PodDisruptionBudget `{item.name}` covers no pod, neither of the set nor of the cluster "
            f"(namespace `{item.home}`).",
            closest(world, item.home, selector),
        )


def _described(item: Item, world: World, reference: Node, code: str) -> Iterator[Dangling]:
    """An object that a reference with `apiVersion` and `kind` leads to."""
    if not reference["kind"].text:
        return
    kind = Kind(group_of(reference["apiVersion"].text), reference["kind"].text)
    for dangling in absent(item, world, kind, reference["name"], code=code):
        # The group may be what is wrong: a name of old, or none.
        others = world.groups(kind.name, item.home, reference["name"].text)
        if others:
            yield item.dangling(
                code, reference["apiVersion"], dangling.message, f"Write `apiVersion: {others[0]}`."
            )
        else:
            yield dangling


def _requests(item: Item, world: World, spec: Node, target: Node) -> Iterator[Dangling]:
    """Metrics relative to requests, where a container is sure to have none."""
    kind = Kind(group_of(target["apiVersion"].text), target["kind"].text)
    found = world.get(kind, item.home, target["name"].text) if target["name"].text else None
    template = template_of(kind, found) if found is not None else None
    if template is None or template.spec["resources"].there or _filled_in(item, world):
        return
    for resource, container, field in _relative(spec):
        for one in template.containers():
            if container in {None, one["name"].text} and not _requested(one, resource):
                yield item.dangling(
                    "missing-resource-request",
                    field,
                    f"Container `{one['name'].text}` of {kind.name} `{target['name'].text}` requests no "
                    f"{resource}, so there is nothing that its utilization could be a share of.",
                    f"Add `resources.requests.{resource}` to the container.",
                )
                break


def _relative(spec: Node) -> Iterator[tuple[str, str | None, Node]]:
    """Each metric that is a share of requests: the resource, the container or None for all, and the field."""
    if spec["targetCPUUtilizationPercentage"].there:
        yield "cpu", None, spec["targetCPUUtilizationPercentage"]
    for metric in spec["metrics"].each():
        for name in ("resource", "containerResource"):
            source = metric[name]
            resource = source["name"].text
            if source.at("target", "type").text == "Utilization" and resource in {"cpu", "memory"}:
                yield resource, source["container"].text or None, source["name"]


def _requested(container: Node, resource: str) -> bool:
    # A limit alone is taken for the request as well.
    resources = container["resources"]
    return resources["requests"][resource].there or resources["limits"][resource].there


def _filled_in(item: Item, world: World) -> bool:
    """Whether something may give containers requests that their manifest does not show."""
    return any(
        any(True for _ in world.all(kind, item.home)) for kind in (LIMIT_RANGE, MUTATING_POLICY, _VERTICAL)
    )
