"""What the original note lists as not working, a test a row: what each says, for this is what users meet.

Its sections are *What Doesn't Work* and *Not Suitable For*. There is no node; docs/how-to/gvisor.md and
docs/how-to/troubleshooting.md explain what follows from it. The same tests run in gVisor, by tests/gvisor.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.kubectl import Kubectl, manifest, until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "gvisor.md"

# What is seen. The page shows each of them, and says what it means.
NO_NODES = "no nodes available to schedule pods"
NOTHING_FOUND = "No resources found"
NO_HOST = "does not have a host assigned"
NOT_RUNNING = "pod is not running. Current status=Pending"
NO_ENDPOINTS = "<unset>"
NO_VOLUMES = "no persistent volumes available for this claim and no storage class is set"
NO_METRICS = "Metrics API not available"
SEEN = (NO_NODES, NOTHING_FOUND, NO_HOST, NOT_RUNNING, NO_ENDPOINTS, NO_VOLUMES, NO_METRICS)

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Pod
metadata: {name: store}
spec:
  containers:
  - name: main
    image: nginx
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""

POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: nobody}
spec: {podSelector: {}}
"""


@pytest.fixture
def pending(kubectl: Kubectl) -> Kubectl:
    """kubectl, with a Deployment and a Service `web` whose one pod the scheduler has looked at."""
    kubectl("create", "deployment", "web", "--image=nginx", "--port=80")
    kubectl("expose", "deployment", "web")
    kubectl.wait("create", "pods", "--selector=app=web")
    kubectl.wait("condition=PodScheduled=false", "pods", "--selector=app=web")
    return kubectl


def pod_of(kubectl: Kubectl) -> str:
    (pod,) = kubectl.get("pods", "--selector=app=web")
    return str(pod["metadata"]["name"])


@pytest.mark.parametrize("seen", SEEN)
def test_what_is_seen_is_explained(seen: str) -> None:
    assert f"`{seen}`" in PAGE.read_text(encoding="utf-8").replace("pod … ", "")


class TestWorkerNodeFeatures:
    @pytest.mark.usefixtures("nodes")
    def test_pods_stay_pending_and_say_why(self, pending: Kubectl) -> None:
        (pod,) = pending.get("pods", "--selector=app=web")
        assert pod["status"]["phase"] == "Pending"
        assert "nodeName" not in pod["spec"]
        (scheduled,) = [c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled"]
        assert scheduled["reason"] == "Unschedulable"
        assert scheduled["message"] == NO_NODES
        pending.wait("create", "event", "--field-selector=reason=FailedScheduling")
        assert NO_NODES in pending("describe", "pods").stdout
        assert pending("get", "nodes").stderr == f"{NOTHING_FOUND}\n"

    def test_logs_print_nothing_and_do_not_fail(self, pending: Kubectl) -> None:
        for words in ((f"pod/{pod_of(pending)}",), ("deployment/web",), ("deployment/web", "--follow")):
            done = pending("logs", *words)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_exec_says_that_no_host_is_assigned(self, pending: Kubectl) -> None:
        pod = pod_of(pending)
        for words in (("exec", pod, "--", "true"), ("attach", pod), ("cp", f"{pod}:/etc/hosts", "/dev/null")):
            assert f"pod {pod} {NO_HOST}" in pending.refused(*words)

    def test_services_have_an_address_and_no_endpoints(self, pending: Kubectl) -> None:
        assert pending.get("service", "web")["spec"]["clusterIP"]
        chosen = "--selector=kubernetes.io/service-name=web"
        pending.wait("create", "endpointslices", chosen)
        (found,) = pending.get("endpointslices", chosen)
        assert not found["endpoints"]
        assert NO_ENDPOINTS in pending("get", "endpointslices", chosen).stdout
        for what in ("service/web", f"pod/{pod_of(pending)}"):
            assert NOT_RUNNING in pending.refused("port-forward", what, ":80")

    def test_volumes_are_not_mounted_and_claims_stay_pending(self, kubectl: Kubectl) -> None:
        kubectl.apply(CLAIM)
        kubectl.wait("condition=PodScheduled=false", "pod/store")
        assert kubectl.get("pvc", "data")["status"]["phase"] == "Pending"
        assert kubectl.get("storageclasses") == []
        kubectl.wait("create", "event", "--field-selector=reason=FailedBinding,involvedObject.name=data")
        assert NO_VOLUMES in kubectl("describe", "pvc", "data").stdout
        assert kubectl.get("pod", "store")["status"]["phase"] == "Pending"


class TestNotSuitableFor:
    def test_workloads_that_must_run(self, pending: Kubectl) -> None:
        """What waits for them waits until its time is up."""
        said = pending.refused("rollout", "status", "deployment/web", "--timeout=1s")
        assert "timed out waiting for the condition" in said
        assert pending("get", "deployment", "web").stdout.splitlines()[1].split()[1] == "0/1"

    def test_integration_tests_that_run_a_pod_to_its_end(self, kubectl: Kubectl) -> None:
        kubectl.apply(manifest("job.yaml"))
        kubectl.wait("jsonpath={.status.active}=2", "job/sums")
        job = ("--for=condition=Complete", "job/sums", "--timeout=1s")
        assert "timed out waiting" in kubectl.refused("wait", *job)
        debugged = kubectl("run", "alone", "--image=nginx")
        assert debugged.returncode == 0
        kubectl("debug", "alone", "--image=busybox")  # the container is written down, and never starts
        assert kubectl.get("pod", "alone")["status"]["phase"] == "Pending"

    @pytest.mark.parametrize("what", ["pods", "nodes"])
    def test_performance(self, kubectl: Kubectl, what: str) -> None:
        assert NO_METRICS in kubectl.refused("top", what)

    def test_network_policies_are_kept_and_nothing_acts_on_them(self, kubectl: Kubectl) -> None:
        kubectl.apply(POLICY)
        assert "status" not in kubectl.get("networkpolicy", "nobody")

    def test_storage(self, kubectl: Kubectl) -> None:
        """A StatefulSet waits for its first pod, and that for its volume."""
        kubectl.apply(manifest("statefulset.yaml"))
        until(lambda: kubectl.get("pvc") != [])
        kubectl.wait("create", "pod/db-0")
        (pod,) = kubectl.get("pods")
        assert pod["status"]["phase"] == "Pending"
        assert kubectl.get("pvc", "data-db-0")["status"]["phase"] == "Pending"
