"""What limits a namespace: quota, limit ranges, Pod Security, priority classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from integration.kubectl import Kubectl, manifest, until

LIMITS = """\
apiVersion: v1
kind: LimitRange
metadata: {name: limits}
spec:
  limits:
  - type: Container
    default: {cpu: 200m}
    defaultRequest: {cpu: 100m}
    max: {cpu: "1"}
"""

PRIORITY_CLASS = """\
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {{name: {name}}}
value: 1000
preemptionPolicy: Never
"""

RUN = ("run", "pod", "--image=example.com/app:1")


def pod(name: str = "pod", *, container: Mapping[str, object] | None = None, **spec: object) -> str:
    """The manifest of a pod with ``spec``, whose one container has ``container`` besides."""
    containers = [{"name": "main", "image": "example.com/app:1", **(container or {})}]
    metadata, spec = {"name": name}, {"containers": containers, **spec}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def test_a_quota_counts_and_refuses_what_exceeds_it(kubectl: Kubectl) -> None:
    kubectl("create", "quota", "few", "--hard=pods=2,count/configmaps=5,services=0")
    kubectl.wait("jsonpath={.status.used.pods}=0", "quota/few")
    used = kubectl.get("quota", "few")["status"]["used"]
    assert used == {"pods": "0", "count/configmaps": "1", "services": "0"}  # the authority's is one

    for name in ("one", "two"):
        kubectl("run", name, "--image=example.com/app:1")
    assert kubectl.get("quota", "few")["status"]["used"]["pods"] == "2"
    assert "exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2" in kubectl.refused(*RUN)
    assert "exceeded quota" in kubectl.refused("create", "service", "clusterip", "web", "--tcp=80")

    kubectl("delete", "pod", "one")
    kubectl.wait("jsonpath={.status.used.pods}=1", "quota/few")
    kubectl(*RUN)


def test_a_quota_of_cpu_wants_every_pod_to_say_how_much(kubectl: Kubectl) -> None:
    kubectl("create", "quota", "cpu", "--hard=requests.cpu=1")
    kubectl.wait(r"jsonpath={.status.used.requests\.cpu}=0", "quota/cpu")
    assert "must specify requests.cpu" in kubectl.refused(*RUN)
    kubectl.apply(pod(container={"resources": {"requests": {"cpu": "250m"}}}))
    assert kubectl.get("quota", "cpu")["status"]["used"] == {"requests.cpu": "250m"}


def test_a_quota_stops_a_deployment_at_its_limit(kubectl: Kubectl) -> None:
    kubectl("create", "quota", "few", "--hard=pods=1")
    kubectl.wait("jsonpath={.status.used.pods}=0", "quota/few")
    kubectl.apply(manifest("deployment.yaml"))
    kubectl.wait("condition=ReplicaFailure", "deployment/web")
    assert len(kubectl.get("pods")) == 1


def test_a_limit_range_gives_defaults_and_refuses_too_much(kubectl: Kubectl) -> None:
    kubectl.apply(LIMITS)
    kubectl(*RUN)
    (container,) = kubectl.get("pod", "pod")["spec"]["containers"]
    assert container["resources"] == {"limits": {"cpu": "200m"}, "requests": {"cpu": "100m"}}
    greedy = pod("greedy", container={"resources": {"limits": {"cpu": "2"}}})
    assert "maximum cpu usage per Container is 1" in kubectl.refused("apply", "--filename=-", stdin=greedy)


@pytest.fixture
def restricted(kubectl: Kubectl) -> Kubectl:
    kubectl("label", "namespace", kubectl.namespace, "pod-security.kubernetes.io/enforce=restricted")
    return kubectl


def test_pod_security_refuses_what_is_not_restricted(restricted: Kubectl) -> None:
    privileged = pod(container={"securityContext": {"privileged": True}})
    message = restricted.refused("apply", "--filename=-", stdin=privileged)
    assert 'violates PodSecurity "restricted:latest"' in message
    assert "must not set securityContext.privileged=true" in message


def test_pod_security_takes_what_is_restricted(restricted: Kubectl) -> None:
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    restricted.apply(pod(securityContext=context, container={"securityContext": own}))
    assert restricted.get("pod", "pod")["status"]["phase"] == "Pending"


def test_without_a_label_a_privileged_pod_is_taken(kubectl: Kubectl) -> None:
    kubectl.apply(pod(container={"securityContext": {"privileged": True}}))
    assert kubectl.get("pod", "pod")["status"]["phase"] == "Pending"


def test_a_priority_class_gives_pods_their_priority(
    kubectl: Kubectl, apply_globally: Callable[[str], str]
) -> None:
    name = kubectl.namespace
    apply_globally(PRIORITY_CLASS.format(name=name))
    wanted = pod(priorityClassName=name)
    until(lambda: kubectl("apply", "--filename=-", stdin=wanted, check=False).returncode == 0)
    spec = kubectl.get("pod", "pod")["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")
    unknown = pod("other", priorityClassName="no-such")
    assert "no PriorityClass with name no-such" in kubectl.refused("apply", "--filename=-", stdin=unknown)
