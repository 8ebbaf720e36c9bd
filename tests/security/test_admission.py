"""Admission: what is refused although RBAC would allow it, and how long a pod's token lives."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from command_line import Api, Sandkube, until

NODE = {"Impersonate-User": "system:node:one", "Impersonate-Group": "system:nodes"}
# What the kubelet asks for, for each pod; upstream's default makes a year of it.
OF_A_POD = 3607


@pytest.fixture(scope="module")
def admin(running: Sandkube) -> Api:
    return running.api()


@pytest.fixture
def namespace(admin: Api) -> Iterator[str]:
    """A namespace of the test's own, with its ServiceAccount."""
    name = f"test-{secrets.token_hex(4)}"
    assert admin("POST", "/api/v1/namespaces", {"metadata": {"name": name}})[0] == 201
    until(lambda: admin("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default")[0] == 200)
    yield name
    admin("DELETE", f"/api/v1/namespaces/{name}")


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "a", "image": "b"}], **spec}}


def as_node(running: Sandkube) -> Api:
    """A client that acts as the node `one`."""
    folder = running.folder()
    return Api(running.status()["port"], folder.pki / "ca.crt", folder.pki, NODE)


def test_a_node_changes_itself_and_no_other(running: Sandkube, admin: Api) -> None:
    kubelet = as_node(running)

    def created(name: str, **labels: str) -> tuple[int, Any]:
        return kubelet("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": labels}})

    status, answer = created("two")
    assert status == 403
    assert 'node "one" is not allowed to modify node "two"' in answer["message"]
    # Nor does it make itself what it is not.
    label = "node-restriction.kubernetes.io/trusted"
    status, answer = created("one", **{label: "yes"})
    assert status == 403
    assert f"is not allowed to set the following labels: {label}" in answer["message"]
    status, answer = created("one")
    assert status == 201, answer
    assert admin("DELETE", "/api/v1/nodes/one")[0] == 200


def test_a_pod_is_taken_with_a_service_account_that_is_there(admin: Api, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    status, answer = admin("POST", path, pod(serviceAccountName="missing"))
    assert status == 403
    assert "missing" in answer["message"]
    status, answer = admin("POST", path, pod())
    assert status == 201, answer
    assert answer["spec"]["serviceAccountName"] == "default"
    assert any("projected" in volume for volume in answer["spec"]["volumes"])


def test_namespaces_that_the_cluster_needs_stay(admin: Api) -> None:
    for name in ("default", "kube-system", "kube-public"):
        assert admin("DELETE", f"/api/v1/namespaces/{name}")[0] == 403
    path = "/api/v1/namespaces/missing/configmaps"
    assert admin("POST", path, {"metadata": {"name": "one"}})[0] == 404


def test_pod_security_refuses_what_a_namespace_does_not_allow(admin: Api, namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    body = {"metadata": {"name": namespace, "labels": labels}}
    assert admin("PUT", f"/api/v1/namespaces/{namespace}", body)[0] == 200
    status, answer = admin("POST", f"/api/v1/namespaces/{namespace}/pods", pod(hostNetwork=True))
    assert status == 403
    assert "violates PodSecurity" in answer["message"]


def token(admin: Api, account: str, body: dict[str, Any]) -> str:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": body}
    status, answer = admin("POST", f"{account}/token", request)
    assert status == 201, answer
    return str(answer["status"]["token"])


def claims(text: str) -> dict[str, Any]:
    part = text.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_the_token_of_a_pod_ends_when_it_says(admin: Api, namespace: str) -> None:
    status, made = admin("POST", f"/api/v1/namespaces/{namespace}/pods", pod())
    assert status == 201, made
    to = {"kind": "Pod", "apiVersion": "v1", "name": "one", "uid": made["metadata"]["uid"]}
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    found = claims(token(admin, account, {"expirationSeconds": OF_A_POD, "boundObjectRef": to}))
    assert found["exp"] - found["iat"] == OF_A_POD


def test_nobody_is_bound_to_more_than_upstream_binds(admin: Api) -> None:
    """No ServiceAccount but those of kube-system has a role in all namespaces."""
    status, found = admin("GET", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")
    assert status == 200
    subjects = [subject for one in found["items"] for subject in one.get("subjects", [])]
    accounts = {subject["namespace"] for subject in subjects if subject["kind"] == "ServiceAccount"}
    assert accounts == {"kube-system"}
    users = {subject["name"] for subject in subjects if subject["kind"] == "User"}
    assert users == {"system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy"}
    groups = {
        one["roleRef"]["name"]: {subject["name"] for subject in one.get("subjects", [])}
        for one in found["items"]
    }
    assert groups["cluster-admin"] == {"system:masters"}
    assert {name for name, of in groups.items() if "system:unauthenticated" in of} == {
        "system:public-info-viewer"
    }
