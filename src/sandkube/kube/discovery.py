"""The kinds that an API server serves, and where.

Aggregated discovery (KEP-3352): two requests tell all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sandkube.kube.client import Client

_ACCEPT = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind in one version, and the last part of its path (``plural``)."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """``v1``, ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Where its objects are; without ``namespace`` those of all."""
        parts = ["/apis" if self.group else "/api", self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name, safe=""))
        return "/".join(parts)


@dataclass
class Served:
    """All kinds that are served."""

    resources: dict[tuple[str, str], Resource] = field(default_factory=dict)

    def add(self, resources: Iterable[Resource]) -> None:
        """Take more kinds in; what is known already stays."""
        for resource in resources:
            self.resources.setdefault((resource.api_version, resource.kind), resource)

    def of(self, api_version: str, kind: str) -> Resource | None:
        """The kind in this very version."""
        return self.resources.get((api_version, kind))

    def versions(self, kind: str, group: str | None = None) -> list[Resource]:
        """The kind in all its versions, of one group or of all."""
        return [one for one in self.resources.values() if one.kind == kind and group in (None, one.group)]

    def preferred(self, group: str, kind: str) -> Resource | None:
        """The kind in the version that the server names first."""
        return next(iter(self.versions(kind, group)), None)

    def kinds(self) -> set[str]:
        """The names of all kinds."""
        return {kind for _, kind in self.resources}


def discover(client: Client) -> Served:
    """Ask what is served. ApiFailed."""
    served = Served()
    for path in ("/api", "/apis"):
        served.add(_resources(client.get(path, accept=_ACCEPT) or {}))
    return served


def _resources(document: dict[str, object]) -> Iterator[Resource]:
    groups: object = document.get("items")
    for group in groups if isinstance(groups, list) else ():
        name = group.get("metadata", {}).get("name", "")
        for version in group.get("versions", ()):
            for one in version.get("resources", ()):
                kind = one.get("responseKind") or {}
                yield Resource(
                    group=kind.get("group") or name,
                    version=kind.get("version") or version["version"],
                    kind=kind.get("kind", ""),
                    plural=one["resource"],
                    namespaced=one.get("scope") == "Namespaced",
                    verbs=frozenset(one.get("verbs", ())),
                )


def defined_by(definition: Mapping[str, Any]) -> Iterator[Resource]:
    """The kinds that a CustomResourceDefinition, as the server keeps it, makes the server serve."""
    spec = definition["spec"]
    names = spec["names"]
    for version in spec["versions"]:
        if version.get("served"):
            yield Resource(
                group=spec["group"],
                version=version["name"],
                kind=names["kind"],
                plural=names["plural"],
                namespaced=spec["scope"] == "Namespaced",
            )
