"""What has to be there before the objects of a set can be judged in a control plane of our own.

Everything is awaited through watches.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from sandkube.errors import ApiFailed
from sandkube.kube.client import Client
from sandkube.kube.discovery import Resource, Served, defined_by
from sandkube.kube.watching import watch

_SECONDS = 20.0
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_MERGE = "application/merge-patch+json"


def make_namespaces(client: Client, names: Iterable[str]) -> None:
    """Make the namespaces that are not there. ApiFailed."""
    for name in sorted(set(names)):
        body = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        # one that none can have is told of at the objects that lie there
        client.send("POST", "/api/v1/namespaces", body=body.encode())


def await_accounts(client: Client, namespaces: Iterable[str]) -> None:
    """Wait until pods can be created in the namespaces: each has its service account `default`."""
    for name in sorted(set(namespaces)):
        path = f"/api/v1/namespaces/{name}/serviceaccounts"
        _await(client, path, "default", lambda _: True)


def await_quota(client: Client, namespace: str, name: str) -> None:
    """Wait until a quota is counted: until then everything that it is for is refused."""
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    _await(client, path, name, lambda one: "hard" in one.get("status", {}))


def await_priority(client: Client, name: str) -> None:
    """Wait until pods may have a PriorityClass: admission knows it some moments after it is there."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "sandkube-"},
        "spec": {"priorityClassName": name, "containers": [{"name": "a", "image": "a"}]},
    }
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        answer = client.send(
            "POST", "/api/v1/namespaces/default/pods", query={"dryRun": "All"}, body=json.dumps(pod).encode()
        )
        if b"no PriorityClass" not in answer.body:
            return
        time.sleep(0.01)


def serve(client: Client, served: Served, kept: Mapping[str, Any]) -> None:
    """Wait until the kinds of a CustomResourceDefinition, as the server keeps it, are served; take them in.

    A conversion by webhook is switched off first: nothing answers there.
    """
    name = kept["metadata"]["name"]
    if kept["spec"].get("conversion", {}).get("strategy") == "Webhook":
        patch = {"spec": {"conversion": {"strategy": "None", "webhook": None}}}
        client.send("PATCH", f"{_DEFINITIONS}/{name}", body=json.dumps(patch).encode(), content_type=_MERGE)
    _await(client, _DEFINITIONS, name, _is_established)
    resources = list(defined_by(kept))
    for resource in resources:
        _await_served(client, resource)
    served.add(resources)


def _is_established(definition: Mapping[str, Any]) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(
        (one["type"] == "Established" and one["status"] == "True")
        or (one["type"] == "NamesAccepted" and one["status"] == "False")
        for one in conditions
    )


def _await_served(client: Client, resource: Resource) -> None:
    """A kind is served some moments after it is established, and nothing tells of it."""
    deadline = time.monotonic() + _SECONDS
    while client.send("GET", resource.path(), query={"limit": "1"}).code == HTTPStatus.NOT_FOUND:
        if time.monotonic() > deadline:
            raise ApiFailed(f"`{resource.kind}` is not served after {_SECONDS:.0f} s.")
        time.sleep(0.01)


def _await(client: Client, path: str, name: str, there: Callable[[Mapping[str, Any]], bool]) -> None:
    """Wait until the object is as it should be. Not for ever: the objects that need it are then refused."""
    query = {"fieldSelector": f"metadata.name={name}"}
    for kind, one in watch(client, path, seconds=_SECONDS, query=query):
        if kind in ("ADDED", "MODIFIED") and there(one):
            return
