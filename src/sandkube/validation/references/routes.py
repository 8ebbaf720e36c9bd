"""What leads requests to Services: Ingresses, routes of the Gateway API, and the API server's own calls."""

from __future__ import annotations

from collections.abc import Iterator

from sandkube.validation.references.absence import absent
from sandkube.validation.references.items import Dangling, Item
from sandkube.validation.references.kinds import GATEWAY_CLASS, INGRESS_CLASS, SECRET, SERVICE, Kind
from sandkube.validation.references.makers import certified
from sandkube.validation.references.tree import Node
from sandkube.validation.references.world import World


def check_ingress(item: Item, world: World) -> Iterator[Dangling]:
    """The class, the backends and the certificates of an Ingress."""
    spec = item.tree["spec"]
    yield from absent(item, world, INGRESS_CLASS, spec["ingressClassName"])
    yield from _backend(item, world, spec["defaultBackend"])
    for rule in spec["rules"].each():
        for path in rule.at("http", "paths").each():
            yield from _backend(item, world, path["backend"])
    if not certified(item.tree):
        for entry in spec["tls"].each():
            yield from absent(item, world, SECRET, entry["secretName"])


def check_gateway(item: Item, world: World) -> Iterator[Dangling]:
    """The class of a Gateway, and the certificates of its listeners."""
    spec = item.tree["spec"]
    yield from absent(item, world, GATEWAY_CLASS, spec["gatewayClassName"])
    if certified(item.tree):
        return
    for listener in spec["listeners"].each():
        for reference in listener.at("tls", "certificateRefs").each():
            if not reference["group"].text and reference["kind"].text in {"", SECRET.name}:
                namespace = reference["namespace"].text or None
                yield from absent(item, world, SECRET, reference["name"], namespace=namespace)


def check_route(item: Item, world: World) -> Iterator[Dangling]:
    """The Services that a route sends to, or sends a copy to."""
    for rule in item.tree.at("spec", "rules").each():
        for reference in rule["backendRefs"].each():
            yield from _reference(item, world, reference)
        for filter_ in rule["filters"].each():
            yield from _reference(item, world, filter_.at("requestMirror", "backendRef"))


def service(
    item: Item, world: World, reference: Node, port: Node, *, namespace: str | None = None, usual: int = 0
) -> Iterator[Dangling]:
    """A Service by name, and its port by number or name; ``usual`` is the port where none is given."""
    name = reference["name"].text
    missing = list(absent(item, world, SERVICE, reference["name"], namespace=namespace))
    yield from missing
    asked = port.text or port.number or usual
    if missing or not name or not asked:
        return
    found = world.get(SERVICE, item.home if namespace is None else namespace, name)
    # A Service of type ExternalName stands for a host, with whatever ports that has.
    if found is None or found.at("spec", "type").text == "ExternalName":
        return
    ports = list(found.at("spec", "ports").each())
    if any(asked in {one["port"].number, one["name"].text} for one in ports):
        return
    yield item.dangling(
        "missing-service-port",
        port,
        f"Service `{name}` has no port `{asked}`.",
        _ports_hint(ports, asked),
    )


def _backend(item: Item, world: World, backend: Node) -> Iterator[Dangling]:
    resource = backend["resource"]
    if resource["name"].text and resource["kind"].text:
        kind = Kind(resource["apiGroup"].text, resource["kind"].text)
        yield from absent(item, world, kind, resource["name"], code="missing-backend")
        return
    target = backend["service"]
    port = target.at("port", "name") if target.at("port", "name").text else target.at("port", "number")
    # What the AWS controller takes for an action of its own, which an annotation describes.
    if port.text != "use-annotation":
        yield from service(item, world, target, port)


def _reference(item: Item, world: World, reference: Node) -> Iterator[Dangling]:
    if not reference["group"].text and reference["kind"].text in {"", SERVICE.name}:
        namespace = reference["namespace"].text or None
        yield from service(item, world, reference, reference["port"], namespace=namespace)


def _ports_hint(ports: list[Node], asked: str | int) -> str | None:
    for one in ports:
        if one["port"].number is not None and asked in {one["targetPort"].number, one["targetPort"].text}:
            return f"`{asked}` is the port of the pods; the Service's own is {one['port'].number}."
    known = [
        f"{one['port'].number} (`{one['name'].text}`)" if one["name"].text else str(one["port"].number)
        for one in ports
        if one["port"].number is not None
    ]
    return f"It has {', '.join(known)}." if known else None
