"""Services: the pods that they select, and the ports that they send to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandkube.validation.references.absence import absent
from sandkube.validation.references.items import Dangling, Item
from sandkube.validation.references.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    ENDPOINTS,
    POD,
    REPLICA_SET,
    SERVICE,
    STATEFUL_SET,
)
from sandkube.validation.references.makers import CREATING
from sandkube.validation.references.selectors import Requirement, Selector, of_labels
from sandkube.validation.references.templates import PodTemplate
from sandkube.validation.references.tree import Node
from sandkube.validation.references.world import World, of_control_plane
from sandkube.validation.spelling import nearest

_RUNNING = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET)


def check(item: Item, world: World) -> Iterator[Dangling]:
    """A selector that selects no pod, or none of whose pods has the port that is named."""
    spec = item.tree["spec"]
    selector = of_labels(spec["selector"])
    if spec["type"].text == "ExternalName" or selector is None:
        return
    if not selector:
        yield from _empty(item, world, spec["selector"])
        return
    selected = [template for template in world.templates(item.home) if template.matches(selector)]
    if selected:
        # Pods that are not shown may have the port.
        if not world.makers.may_run(item.home, selector):
            for port in spec["ports"].each():
                yield from _target(item, port, selected)
    elif not runs_elsewhere(item, world, selector):
        yield item.dangling(
            "service-without-pods",
            spec["selector"],
            f"Service `{item.name}` selects no pod, neither of the set nor of the cluster "
            f"(namespace `{item.home}`).",
            closest(world, item.home, selector),
        )


def check_governing(item: Item, world: World) -> Iterator[Dangling]:
    """The Service that gives the pods of a StatefulSet their names."""
    yield from absent(
        item,
        world,
        SERVICE,
        item.tree.at("spec", "serviceName"),
        more=" Its pods run, but get no DNS names of their own.",
    )


def runs_elsewhere(item: Item, world: World, selector: Selector) -> bool:
    """Whether pods that a selector asks for may be there though no template of the set shows them.

    Custom resources run pods, programs of the set may run or label some, and the control plane has its own.
    """
    return (
        world.makers.may_run(item.home, selector)
        or world.makers.may_write(POD, item.home)
        or any(world.makers.may_write(kind, item.home, CREATING) for kind in _RUNNING)
        or of_control_plane(item.home, {requirement.key for requirement in selector})
    )


def closest(world: World, namespace: str, selector: Selector) -> str | None:
    """What sets the pods apart that match most of a selector; None where none matches any of it."""
    templates = list(world.templates(namespace))
    best = max(templates, key=lambda template: _fulfilled(template, selector), default=None)
    if best is None:
        return None
    if _fulfilled(best, selector):
        lacking = (one for one in selector if not one.holds(best.labels, best.given))
        return next((_difference(one, best.labels) for one in lacking), None)
    pairs = {f"{key}: {value}" for template in templates for key, value in template.labels.items()}
    asked = sorted(f"{one.key}: {value}" for one in selector for value in one.values)
    near = next((found for found in (nearest(text, pairs) for text in asked) if found), None)
    return f"Did you mean `{near}`?" if near else None


def _fulfilled(template: PodTemplate, selector: Selector) -> int:
    return sum(one.holds(template.labels, template.given) for one in selector if one.values)


def _difference(requirement: Requirement, labels: Mapping[str, str]) -> str:
    if requirement.key in labels:
        return f"The nearest pods have `{requirement.key}: {labels[requirement.key]}`."
    near = nearest(requirement.key, set(labels))
    if near:
        return f"The nearest pods have `{near}: {labels[near]}`, and no label `{requirement.key}`."
    return f"The nearest pods have no label `{requirement.key}`."


def _empty(item: Item, world: World, selector: Node) -> Iterator[Dangling]:
    """`selector: {}`, which selects no pod, unless someone wrote the endpoints by hand."""
    if world.has(ENDPOINTS, item.home, item.name):
        return
    for slice_ in world.all(ENDPOINT_SLICE, item.home):
        if slice_.at("metadata", "labels").strings().get("kubernetes.io/service-name") == item.name:
            return
    yield item.dangling(
        "empty-selector",
        selector,
        f"The empty selector of Service `{item.name}` selects no pod: it is as none at all.",
        "Write the labels of the pods, or leave `selector` out and add an EndpointSlice.",
    )


def _target(item: Item, port: Node, selected: list[PodTemplate]) -> Iterator[Dangling]:
    target, protocol = port["targetPort"], port["protocol"].text or "TCP"
    if not target.text or target.text.isdecimal():
        return
    names = {name for template in selected for name, spoken in template.ports() if spoken == protocol}
    if target.text in names:
        return
    near = nearest(target.text, names)
    known = ", ".join(f"`{name}`" for name in sorted(names))
    hint = f"Did you mean `{near}`?" if near else None
    if hint is None:
        hint = f"They have {known}." if known else "Name the port in the container, or give its number."
    yield item.dangling(
        "missing-target-port",
        target,
        f"No container of the pods that Service `{item.name}` selects has a {protocol} port named "
        f"`{target.text}`.",
        hint,
    )
