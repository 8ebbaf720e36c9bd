"""A stand-in for the cluster beside a set: what a fresh one has, and what a test adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
PRIORITIES = ("system-cluster-critical", "system-node-critical")
ROLES = ("admin", "cluster-admin", "edit", "view")

Key = tuple[str, str, "str | None", str]


class FreshCluster:
    """Answers from memory, and keeps what it was asked in ``asked``."""

    def __init__(self, *objects: Mapping[str, Any]) -> None:
        self.asked: list[Key] = []
        self._objects: dict[Key, Mapping[str, Any]] = {}
        for name in NAMESPACES:
            self._add("", "Namespace", None, {"metadata": {"name": name}})
            self._add("", "ServiceAccount", name, {"metadata": {"name": "default", "namespace": name}})
        for name in PRIORITIES:
            self._add("scheduling.k8s.io", "PriorityClass", None, {"metadata": {"name": name}})
        for name in ROLES:
            self._add("rbac.authorization.k8s.io", "ClusterRole", None, {"metadata": {"name": name}})
        for one in objects:
            group = one["apiVersion"].rpartition("/")[0]
            self._add(group, one["kind"], one["metadata"].get("namespace"), one)

    def has(self, group: str, kind: str, namespace: str | None, name: str) -> bool:
        self.asked.append((group, kind, namespace, name))
        if kind in {"ClusterRole", "Role"} and name.startswith("system:"):
            return True
        return (group, kind, namespace, name) in self._objects

    def get(self, group: str, kind: str, namespace: str | None, name: str) -> Mapping[str, Any] | None:
        return self._objects.get((group, kind, namespace, name))

    def list(self, group: str, kind: str, namespace: str | None) -> Sequence[Mapping[str, Any]]:
        return [one for key, one in self._objects.items() if key[:3] == (group, kind, namespace)]

    def _add(self, group: str, kind: str, namespace: str | None, one: Mapping[str, Any]) -> None:
        self._objects[group, kind, namespace, one["metadata"]["name"]] = one
