"""Controllers make ReplicaSets, pods and jobs of what is asked for; the scheduler says why no pod can run."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from kubernetes import client

from integration.kubectl import Kubectl, manifest, until


def owner(thing: Any) -> tuple[str, str]:
    """Kind and UID of the one controller that a thing belongs to."""
    (reference,) = thing["metadata"]["ownerReferences"]
    assert reference["controller"] is True
    return reference["kind"], reference["uid"]


def conditions(thing: Any) -> dict[str, Any]:
    return {condition["type"]: condition for condition in thing["status"]["conditions"]}


def managers(thing: Any) -> set[str]:
    return {entry["manager"] for entry in thing["metadata"]["managedFields"]}


def test_a_deployment_owns_a_replica_set_that_owns_pods(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("deployment.yaml"))
    kubectl.wait("jsonpath={.status.replicas}=2", "deployment/web")
    deployment = kubectl.get("deployment", "web")
    (replica_set,) = kubectl.get("replicasets")
    pods = kubectl.get("pods", "--selector=app=web")
    assert owner(replica_set) == ("Deployment", deployment["metadata"]["uid"])
    assert [owner(pod) for pod in pods] == [("ReplicaSet", replica_set["metadata"]["uid"])] * 2
    assert all(pod["metadata"]["name"].startswith(replica_set["metadata"]["name"]) for pod in pods)


def test_a_pod_stays_pending_and_the_scheduler_says_why(kubectl: Kubectl) -> None:
    kubectl("run", "lonely", "--image=example.com/app:1")
    kubectl.wait("condition=PodScheduled=false", "pod/lonely")
    pod = kubectl.get("pod", "lonely")
    scheduled = conditions(pod)["PodScheduled"]
    assert pod["status"]["phase"] == "Pending"
    assert scheduled["reason"] == "Unschedulable"
    assert "available" in scheduled["message"]  # "no nodes available to schedule pods"
    kubectl.wait("create", "event", "--field-selector=reason=FailedScheduling,involvedObject.name=lonely")


def test_a_stateful_set_makes_its_first_pod_with_its_claim(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("statefulset.yaml"))
    kubectl.wait("create", "pod/db-0")
    (pod,) = kubectl.get("pods")  # db-1 waits until db-0 runs
    assert owner(pod)[0] == "StatefulSet"
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "data-db-0"
    assert kubectl.get("pvc", "data-db-0")["status"]["phase"] == "Pending"


@pytest.mark.usefixtures("nodes")
def test_a_daemon_set_makes_a_pod_for_each_node_and_none_without(
    kubectl: Kubectl, core: client.CoreV1Api
) -> None:
    name = kubectl.namespace
    kubectl.apply(manifest("daemonset.yaml"))
    kubectl.wait("jsonpath={.status.observedGeneration}=1", "daemonset/collector")
    assert kubectl.get("daemonset", "collector")["status"]["desiredNumberScheduled"] == 0
    assert kubectl.get("pods") == []
    # Nobody else's pods are put there.
    taint = client.V1Taint(key="for-one-test", effect="NoSchedule")
    metadata, spec = client.V1ObjectMeta(name=name), client.V1NodeSpec(taints=[taint])
    core.create_node(client.V1Node(metadata=metadata, spec=spec))
    try:
        kubectl.wait("jsonpath={.status.desiredNumberScheduled}=1", "daemonset/collector")
        kubectl.wait("create", "pods", "--selector=app=collector")
        (pod,) = kubectl.get("pods")
        assert owner(pod)[0] == "DaemonSet"
    finally:
        core.delete_node(name)
        kubectl("delete", "daemonset", "collector", "--cascade=orphan")
        kubectl("delete", "pods", "--all", "--force", "--grace-period=0")  # there is no kubelet to do it


def test_a_job_makes_pods_and_is_complete_when_they_have_succeeded(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("job.yaml"))
    kubectl.wait("jsonpath={.status.active}=2", "job/sums")
    pods = kubectl.get("pods", "--selector=batch.kubernetes.io/job-name=sums")
    assert [owner(pod)[0] for pod in pods] == ["Job", "Job"]
    for pod in pods:
        name = pod["metadata"]["name"]
        kubectl("patch", "pod", name, "--subresource=status", "--patch", '{"status": {"phase": "Succeeded"}}')
    kubectl.wait("condition=Complete", "job/sums")
    assert kubectl.get("job", "sums")["status"]["succeeded"] == 2


def test_a_job_is_made_from_a_cron_job_by_hand(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("cronjob.yaml"))
    kubectl("create", "job", "now", "--from=cronjob/yearly")
    kubectl.wait("create", "pods", "--selector=batch.kubernetes.io/job-name=now")
    cron_job = kubectl.get("cronjob", "yearly")
    assert owner(kubectl.get("job", "now")) == ("CronJob", cron_job["metadata"]["uid"])


def test_a_cron_job_that_missed_its_time_makes_a_job_with_a_pod(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("cronjob.yaml"))
    long_ago = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=400)
    last = {"status": {"lastScheduleTime": long_ago.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    kubectl("patch", "cronjob", "yearly", "--subresource=status", "--type=merge", "--patch", json.dumps(last))
    kubectl.wait("create", "pods", "--selector=batch.kubernetes.io/job-name")
    (job,) = kubectl.get("jobs")
    assert owner(job)[0] == "CronJob"
    assert job["metadata"]["name"].startswith("yearly-")


def test_a_rollout_has_a_history_and_can_be_undone(kubectl: Kubectl) -> None:
    revision = r"jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}"
    kubectl.apply(manifest("deployment.yaml"))
    kubectl.wait(f"{revision}=1", "deployment/web")
    kubectl("set", "image", "deployment/web", "main=example.com/app:2")
    kubectl.wait(f"{revision}=2", "deployment/web")
    history = kubectl("rollout", "history", "deployment/web").stdout.split("\n")[2:]
    assert [line.split()[0] for line in history if line] == ["1", "2"]
    assert "example.com/app:1" in kubectl("rollout", "history", "deployment/web", "--revision=1").stdout
    kubectl("rollout", "undo", "deployment/web")
    kubectl.wait(f"{revision}=3", "deployment/web")
    (container,) = kubectl.get("deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "example.com/app:1"


def test_scaling_makes_and_removes_pods(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("deployment.yaml"))
    for replicas in (4, 1):
        kubectl("scale", "deployment/web", f"--replicas={replicas}")
        kubectl.wait(f"jsonpath={{.status.replicas}}={replicas}", "deployment/web")
        until(lambda expected=replicas: len(kubectl.get("pods")) == expected)  # type: ignore[misc]


def test_an_autoscaler_keeps_its_minimum_and_is_read_in_both_versions(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("deployment.yaml"))
    kubectl("autoscale", "deployment/web", "--min=3", "--max=5", "--cpu=80%")
    (metric,) = kubectl.get("horizontalpodautoscalers.v2.autoscaling", "web")["spec"]["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == 80
    old = kubectl.get("horizontalpodautoscalers.v1.autoscaling", "web")
    assert old["spec"]["targetCPUUtilizationPercentage"] == 80
    kubectl.wait("jsonpath={.spec.replicas}=3", "deployment/web")


def test_a_disruption_budget_counts_its_pods(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("deployment.yaml"))
    kubectl("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=1")
    kubectl.wait("jsonpath={.status.expectedPods}=2", "poddisruptionbudget/web")
    assert kubectl.get("poddisruptionbudget", "web")["status"]["desiredHealthy"] == 1


def test_controllers_and_scheduler_write_under_their_own_names(kubectl: Kubectl) -> None:
    """GitOps tools leave alone what `kube-controller-manager` changed."""
    kubectl.apply(manifest("deployment.yaml"))
    kubectl.wait("jsonpath={.status.replicas}=2", "deployment/web")
    kubectl.wait("condition=PodScheduled=false", "pods", "--selector=app=web")
    (replica_set,) = kubectl.get("replicasets", "--show-managed-fields")
    assert managers(replica_set) == {"kube-controller-manager"}
    pod, _ = kubectl.get("pods", "--show-managed-fields")
    assert managers(pod) == {"kube-controller-manager", "kube-scheduler"}


@pytest.mark.parametrize(
    ("right", "wrong", "field"),
    [
        ("matchLabels: {app: web}", "matchLabels: {app: other}", "spec.template.metadata.labels"),
        ("replicas: 2", "replicas: -2", "spec.replicas"),
        ("name: main", "name: Main", "spec.template.spec.containers[0].name"),
    ],
)
def test_a_deployment_that_makes_no_sense_is_refused(
    kubectl: Kubectl, right: str, wrong: str, field: str
) -> None:
    deployment = manifest("deployment.yaml")
    assert right in deployment
    message = kubectl.refused("apply", "--filename=-", stdin=deployment.replace(right, wrong))
    assert f"{field}: Invalid value" in message
