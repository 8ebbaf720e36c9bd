"""Asking what a few manifests refer to, in the tests of `validation.references`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from sandkube.validation.references import RULES, Dangling, dangling
from unit.validation.fresh_cluster import FreshCluster

CODES = {rule.code for rule in RULES}


def objects(text: str) -> list[dict[str, Any]]:
    """The documents of a text in YAML."""
    return list(yaml.safe_load_all(text))


def findings(text: str, cluster: FreshCluster | None = None, namespace: str = "default") -> list[Dangling]:
    """All that leads nowhere; each code has a rule."""
    found = list(dangling(objects(text), cluster or FreshCluster(), default_namespace=namespace))
    assert {one.code for one in found} <= CODES
    return found


def told(text: str, cluster: FreshCluster | None = None, namespace: str = "default") -> list[tuple[str, str]]:
    """The code and the field of each."""
    return [(one.code, one.field) for one in findings(text, cluster, namespace)]


def written(*parts: Mapping[str, Any] | str) -> str:
    """Documents as one text."""
    texts = [part if isinstance(part, str) else yaml.safe_dump(dict(part)) for part in parts]
    return "\n---\n".join(texts)


def named(
    api_version: str, kind: str, name: str, namespace: str | None = None, **more: Any
) -> dict[str, Any]:
    """An object that has a name, and what else a test gives it."""
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def deployment(spec: str, name: str = "web", labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A Deployment whose pods have this ``spec``, in YAML."""
    labels = dict(labels or {"app": name})
    template = {"metadata": {"labels": labels}, "spec": yaml.safe_load(spec)}
    selector = {"matchLabels": labels}
    return named("apps/v1", "Deployment", name, spec={"selector": selector, "template": template})
