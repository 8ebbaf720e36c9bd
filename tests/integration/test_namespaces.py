"""Namespaces come with what every pod needs, and go with all that is in them."""

from __future__ import annotations

import base64
import json

from kubernetes import client

from integration.kubectl import Kubectl, manifest


def test_a_fresh_namespace_has_a_service_account_and_the_authority(kubectl: Kubectl) -> None:
    kubectl.wait("create", "serviceaccount/default")
    kubectl.wait("create", "configmap/kube-root-ca.crt")
    authority = kubectl.get("configmap", "kube-root-ca.crt")["data"]["ca.crt"]
    (entry,) = json.loads(kubectl("config", "view", "--raw", "--output=json").stdout)["clusters"]
    assert base64.b64decode(entry["cluster"]["certificate-authority-data"]).decode() == authority


def test_deleting_a_namespace_empties_and_removes_it(kubectl: Kubectl, core: client.CoreV1Api) -> None:
    kubectl.apply(manifest("deployment.yaml"))
    kubectl("create", "secret", "generic", "password", "--from-literal=word=secret")
    kubectl("create", "service", "clusterip", "web", "--tcp=80")
    kubectl.wait("create", "pods", "--selector=app=web")
    kubectl("delete", "namespace", kubectl.namespace, "--wait=false")
    kubectl.wait("delete", f"namespace/{kubectl.namespace}")
    for kind in ("pods", "secrets", "services", "deployments", "events", "configmaps"):
        assert kubectl.get(kind) == []


def test_nothing_is_made_in_a_namespace_that_goes(kubectl: Kubectl) -> None:
    finalizer = '{"metadata": {"finalizers": ["example.com/held"]}}'
    kubectl("create", "configmap", "held")
    kubectl("patch", "configmap", "held", "--patch", finalizer)
    kubectl("delete", "namespace", kubectl.namespace, "--wait=false")
    kubectl.wait("jsonpath={.status.phase}=Terminating", f"namespace/{kubectl.namespace}")
    assert "is being terminated" in kubectl.refused("create", "configmap", "late")
    kubectl.wait("condition=NamespaceFinalizersRemaining", f"namespace/{kubectl.namespace}")
    assert kubectl.get("configmap", "held")["metadata"]["deletionTimestamp"]
    kubectl("patch", "configmap", "held", "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
    kubectl.wait("delete", "configmap/held")


def test_the_four_namespaces_are_there_and_the_system_ones_stay(kubectl: Kubectl) -> None:
    names = {namespace["metadata"]["name"] for namespace in kubectl.get("namespaces")}
    assert {"default", "kube-node-lease", "kube-public", "kube-system"} <= names
    assert "is forbidden" in kubectl.refused("delete", "namespace", "kube-system")
