"""What a deleted object owned is deleted before it, after it, or left without an owner, as is asked for."""

from __future__ import annotations

import pytest

from integration.kubectl import Kubectl, manifest


@pytest.fixture(autouse=True)
def _deployment(kubectl: Kubectl) -> None:
    """A Deployment with its ReplicaSet and two pods."""
    kubectl.apply(manifest("deployment.yaml"))
    kubectl.wait("jsonpath={.status.replicas}=2", "deployment/web")


def hold(kubectl: Kubectl) -> None:
    """Keep the pods from going by a finalizer of our own."""
    held = '{"metadata": {"finalizers": ["example.com/held"]}}'
    for pod in kubectl.get("pods"):
        kubectl("patch", "pod", pod["metadata"]["name"], "--patch", held)


def let_go(kubectl: Kubectl) -> None:
    for pod in kubectl.get("pods"):
        name = pod["metadata"]["name"]
        kubectl("patch", "pod", name, "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')


def test_background_the_owner_goes_first(kubectl: Kubectl) -> None:
    hold(kubectl)
    kubectl("delete", "deployment", "web", "--cascade=background")
    assert "not found" in kubectl.refused("get", "deployment", "web")
    kubectl.wait("delete", "replicasets", "--all")
    assert len(kubectl.get("pods")) == 2
    let_go(kubectl)
    kubectl.wait("delete", "pods", "--all")


def test_foreground_the_owner_goes_last(kubectl: Kubectl) -> None:
    hold(kubectl)
    kubectl("delete", "deployment", "web", "--cascade=foreground", "--wait=false")
    kubectl.wait("jsonpath={.metadata.deletionTimestamp}", "pods", "--all")
    assert kubectl.get("deployment", "web")["metadata"]["finalizers"] == ["foregroundDeletion"]
    let_go(kubectl)
    kubectl.wait("delete", "deployment/web")
    assert kubectl.get("replicasets") == kubectl.get("pods") == []


def test_orphan_what_was_owned_stays(kubectl: Kubectl) -> None:
    kubectl("delete", "deployment", "web", "--cascade=orphan")
    (replica_set,) = kubectl.get("replicasets")
    assert "ownerReferences" not in replica_set["metadata"]
    assert len(kubectl.get("pods")) == 2


def test_what_belongs_to_nobody_that_exists_is_deleted(kubectl: Kubectl) -> None:
    kubectl.apply("""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: stray
  ownerReferences:
  - {apiVersion: v1, kind: ConfigMap, name: gone, uid: 00000000-0000-4000-8000-000000000000}
""")
    kubectl.wait("delete", "configmap/stray")
