"""What the API says of itself: versions, resources, documentation and schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integration.kubectl import Kubectl

GROUPS = {
    "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1",
    "apiregistration.k8s.io/v1",
    "apps/v1",
    "authentication.k8s.io/v1",
    "authorization.k8s.io/v1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "certificates.k8s.io/v1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "events.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1",
    "networking.k8s.io/v1",
    "node.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "resource.k8s.io/v1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1",
    "v1",
}


def raw(kubectl: Kubectl, path: str) -> Any:
    return json.loads(kubectl("get", f"--raw={path}").stdout)


def test_client_and_server_say_the_same_version(kubectl: Kubectl) -> None:
    versions = json.loads(kubectl("version", "--output=json").stdout)
    assert versions["clientVersion"]["gitVersion"] == "v1.37.2"
    assert versions["serverVersion"]["gitVersion"] == "v1.37.2"
    assert (versions["serverVersion"]["major"], versions["serverVersion"]["minor"]) == ("1", "37")


def test_every_group_of_a_default_server_is_served(kubectl: Kubectl) -> None:
    assert set(kubectl("api-versions").stdout.split()) >= GROUPS


def test_no_alpha_or_beta_is_served_unasked(kubectl: Kubectl) -> None:
    versions = kubectl("api-versions").stdout.split()
    ours = [version for version in versions if "example.com" not in version]  # other tests' kinds
    assert [version for version in ours if "alpha" in version or "beta" in version] == []


def test_resources_have_their_kinds_short_names_and_verbs(kubectl: Kubectl) -> None:
    lines = kubectl("api-resources", "--api-group=apps", "--no-headers", "--output=wide").stdout.splitlines()
    rows = {line.split()[0]: line.split() for line in lines}
    assert set(rows) == {"controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"}
    name, short, version, namespaced, kind, verbs, _ = rows["deployments"]
    assert (name, short, version, namespaced, kind) == (
        "deployments",
        "deploy",
        "apps/v1",
        "true",
        "Deployment",
    )
    assert set(verbs.split(",")) == {
        "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"
    }  # fmt: skip


def test_fields_are_explained(kubectl: Kubectl) -> None:
    text = kubectl("explain", "deployment.spec.template").stdout
    assert "FIELD: template <PodTemplateSpec>" in text
    assert "Template describes the pods that will be created" in text
    assert "does not exist" in kubectl.refused("explain", "deployment.spec.nothing")


def test_the_second_openapi_document_has_definitions_and_paths(kubectl: Kubectl) -> None:
    document = raw(kubectl, "/openapi/v2")
    assert document["info"] == {"title": "Kubernetes", "version": "1.37"}
    assert "io.k8s.api.apps.v1.Deployment" in document["definitions"]
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}" in document["paths"]


def test_the_third_openapi_document_covers_every_served_group(kubectl: Kubectl) -> None:
    paths = raw(kubectl, "/openapi/v3")["paths"]
    groups = raw(kubectl, "/apis")["groups"]
    served = {f"apis/{version['groupVersion']}" for group in groups for version in group["versions"]}
    assert served | {"api/v1"} <= set(paths)


@pytest.mark.parametrize("path", ["api/v1", "apis/apps/v1", "apis/apiextensions.k8s.io/v1"])
def test_a_group_of_the_third_openapi_document_is_complete(kubectl: Kubectl, path: str) -> None:
    document = raw(kubectl, raw(kubectl, "/openapi/v3")["paths"][path]["serverRelativeURL"])
    assert document["info"] == {"title": "Kubernetes", "version": "1.37"}
    resources = {item["name"].partition("/")[0] for item in raw(kubectl, f"/{path}")["resources"]}
    assert resources
    named = {part for route in document["paths"] for part in route.split("/")}
    assert resources <= named
