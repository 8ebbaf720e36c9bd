"""The set and the cluster as one: what is there for a reference to lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sandkube.validation.references.cluster import Cluster
from sandkube.validation.references.items import Item
from sandkube.validation.references.kinds import (
    CLUSTER_SCOPED,
    CONFIG_MAP,
    NAMESPACE,
    PRIORITY_CLASS,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)
from sandkube.validation.references.makers import Makers
from sandkube.validation.references.templates import BUILT_IN, PodTemplate, template_of
from sandkube.validation.references.tree import Node
from sandkube.validation.spelling import nearest

_NAMESPACES: Final = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_PRIORITIES: Final = frozenset({"system-cluster-critical", "system-node-critical"})
# Written into every namespace, by Kubernetes, Istio and OpenShift.
_EVERYWHERE: Final = frozenset({"istio-ca-root-cert", "kube-root-ca.crt", "openshift-service-ca.crt"})
# Pods of the control plane, which a cluster may run where its API does not show them.
_CONTROL_PLANE: Final = frozenset({"component", "k8s-app", "tier"})


class World:
    """What there is: objects of the set, what they make, and the cluster."""

    def __init__(self, items: Sequence[Item], cluster: Cluster, default_namespace: str) -> None:
        self._cluster = cluster
        self._items = items
        self._known = {(item.kind, item.namespace, item.name): item for item in items if item.name}
        self._namespaces = (
            _NAMESPACES
            | {default_namespace}
            | {item.namespace for item in items if item.namespace}
            | {item.name for item in items if item.kind == NAMESPACE}
        )
        self._templates: dict[str | None, list[PodTemplate]] = {}
        for item in items:
            template = template_of(item.kind, item.tree)
            if template is not None:
                self._templates.setdefault(item.namespace, []).append(template)
        self._running: dict[str, list[PodTemplate]] = {}
        self.makers = Makers(items)

    def has(self, kind: Kind, namespace: str | None, name: str) -> bool:
        """Whether an object is there, or will be."""
        place = _place(kind, namespace)
        return (
            (kind, place, name) in self._known
            or self._always(kind, place, name)
            or self.makers.make(kind, place, name)
            or self._cluster.has(kind.group, kind.name, place, name)
        )

    def get(self, kind: Kind, namespace: str | None, name: str) -> Node | None:
        """The object: the set's, or else the cluster's."""
        place = _place(kind, namespace)
        item = self._known.get((kind, place, name))
        if item is not None:
            return item.tree
        found = self._cluster.get(kind.group, kind.name, place, name)
        return None if found is None else Node(found)

    def has_namespace(self, name: str) -> bool:
        """Whether there is a namespace; one that an object of the set lies in is made with the set."""
        return name in self._namespaces or self.has(NAMESPACE, None, name)

    def all(self, kind: Kind, namespace: str | None) -> Iterator[Node]:
        """All objects of a kind, the set's first. Those of the set may come again, from the cluster."""
        place = _place(kind, namespace)
        yield from (item.tree for item in self._items if item.kind == kind and item.namespace == place)
        yield from (Node(found) for found in self._listed(kind, place))

    def templates(self, namespace: str) -> Iterator[PodTemplate]:
        """What pods of a namespace are made from: the set's, and then the cluster's."""
        yield from self._templates.get(namespace, ())
        if namespace not in self._running:
            self._running[namespace] = [
                template
                for kind in BUILT_IN
                for found in self._listed(kind, namespace)
                if (template := template_of(kind, Node(found))) is not None
            ]
        yield from self._running[namespace]

    def near(self, kind: Kind, namespace: str | None, name: str) -> str | None:
        """The name that is most like one that is not there; None if none is much like it."""
        names = {found.at("metadata", "name").text for found in self.all(kind, namespace)}
        return nearest(name, names)

    def elsewhere(self, kind: Kind, name: str) -> str | None:
        """Another namespace in which the set has an object of this kind and name."""
        places = [place for known, place, own in self._known if known == kind and own == name and place]
        return min(places, default=None)

    def groups(self, kind: str, namespace: str, name: str) -> list[str]:
        """The `apiVersion`s of the set's objects of this kind and name, whatever their group."""
        return sorted(
            item.tree["apiVersion"].text
            for (known, place, own), item in self._known.items()
            if known.name == kind and place == namespace and own == name
        )

    def _listed(self, kind: Kind, namespace: str | None) -> Sequence[Mapping[str, Any]]:
        return self._cluster.list(kind.group, kind.name, namespace)

    def _always(self, kind: Kind, namespace: str | None, name: str) -> bool:
        if kind == SERVICE_ACCOUNT:
            return name == "default" and self.has_namespace(namespace or "")
        if kind == CONFIG_MAP:
            return name in _EVERYWHERE
        if kind == PRIORITY_CLASS:
            return name in _PRIORITIES
        return (kind, namespace, name) == (SERVICE, "default", "kubernetes")


def _place(kind: Kind, namespace: str | None) -> str | None:
    return None if kind in CLUSTER_SCOPED else namespace


def of_control_plane(namespace: str, labels: set[str]) -> bool:
    """Whether a selector with these labels looks for pods of the control plane.

    Where the set will go they run; in a cluster without a node, such as ours, they do not.
    """
    return namespace == "kube-system" and labels <= _CONTROL_PLANE
