"""Pods run: what people do with them works, at every place."""

from __future__ import annotations

import pytest

from node.conftest import Node, places, pod

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), places(0, 1, 2, 3)]

FOREVER = ("sleep", "100000")


def test_a_deployment_is_rolled_out(node: Node) -> None:
    node.kubectl("create", "deployment", "two", "--image=none", "--replicas=2", "--", *FOREVER)
    node.kubectl("rollout", "status", "deployment/two", "--timeout=60s")


def test_a_pod_that_ends_is_done_with_its_status(node: Node) -> None:
    node.apply(
        pod("fine", "sh", "-c", "echo said; echo aside >&2", restartPolicy="Never"),
        pod(
            "failed", "sh", "-c", "echo for this reason > /dev/termination-log; exit 7", restartPolicy="Never"
        ),
    )
    node.phase("fine", "Succeeded")
    assert sorted(node.logs("fine")) == ["aside", "said"]
    node.phase("failed", "Failed")
    (status,) = node.get("pod", "failed")["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 7
    assert status["state"]["terminated"]["message"] == "for this reason\n"


def test_files_of_config_maps_and_secrets(node: Node) -> None:
    node.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": "s3cret"}},
        pod(
            "reads",
            *("sh", "-c", "cat /c/a /one /s/key; echo $B; echo x > /c/a; echo x > /empty/x && cat /empty/x"),
            restartPolicy="Never",
            container={
                "env": [{"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "b"}}}],
                "volumeMounts": [
                    {"name": "c", "mountPath": "/c"},
                    {"name": "c", "mountPath": "/one", "subPath": "b"},
                    {"name": "s", "mountPath": "/s"},
                    {"name": "empty", "mountPath": "/empty"},
                ],
            },
            volumes=[
                {"name": "c", "configMap": {"name": "c"}},
                {"name": "s", "secret": {"secretName": "s"}},
                {"name": "empty", "emptyDir": {}},
            ],
        ),
    )
    node.phase("reads", "Succeeded")
    said = node.logs("reads")
    assert said[0] == "12s3cret2"
    assert "x" in said
    assert "Read-only" in "\n".join(said)


def test_commands_in_a_pod(node: Node) -> None:
    node.apply(pod("here", *FOREVER))
    node.wait("pod/here", "condition=Ready")
    assert node.execute("here", "echo", "inside").stdout == "inside\n"
    assert node.execute("here", "cat", stdin="given").stdout == "given"
    done = node.execute("here", "sh", "-c", "echo out; echo err >&2; exit 5", status=5)
    assert done.stdout == "out\n"
    assert done.stderr.startswith("err\n")
    assert "not found" in node.execute("here", "no-such-program", status=None).stderr


def test_probes(node: Node) -> None:
    node.apply(
        pod(
            "probed",
            *("sh", "-c", "touch /empty/up; sleep 2; rm /empty/up; exec sleep 100000"),
            container={
                "readinessProbe": {"exec": {"command": ["cat", "/empty/up"]}, "periodSeconds": 1},
                "livenessProbe": {
                    "exec": {"command": ["cat", "/empty/up"]},
                    "periodSeconds": 1,
                    "failureThreshold": 2,
                    "initialDelaySeconds": 1,
                },
                "volumeMounts": [{"name": "empty", "mountPath": "/empty"}],
            },
            volumes=[{"name": "empty", "emptyDir": {}}],
        )
    )
    node.wait("pod/probed", "condition=Ready")
    node.wait("pod/probed", "jsonpath={.status.containerStatuses[0].restartCount}=1")
    node.kubectl("delete", "pod", "probed")


def test_jobs(node: Node) -> None:
    node.kubectl("create", "job", "good", "--image=none", "--", "true")
    node.wait("job/good", "condition=Complete")
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "bad"},
        "spec": {"backoffLimit": 0, "template": {"spec": pod("x", "false", restartPolicy="Never")["spec"]}},
    }
    node.apply(job)
    node.wait("job/bad", "condition=Failed")


def test_a_pod_asks_the_api_server(node: Node) -> None:
    script = (
        "import os, ssl, urllib.request as u\n"
        "d = '/var/run/secrets/kubernetes.io/serviceaccount/'\n"
        "url = 'https://%s:%s/api' % tuple(os.environ['KUBERNETES_SERVICE_' + n] for n in ('HOST', 'PORT'))\n"
        "q = u.Request(url, headers={'Authorization': 'Bearer ' + open(d + 'token').read()})\n"
        "print(u.urlopen(q, context=ssl.create_default_context(cafile=d + 'ca.crt')).status)"
    )
    node.apply(pod("asks", "python3", "-c", script, restartPolicy="Never"))
    node.phase("asks", "Succeeded")
    assert node.logs("asks") == ["200"]


def test_no_pod_sees_the_clusters_keys(node: Node) -> None:
    keys = f"{node.sandkube.state}/clusters/default/pki"
    node.apply(
        pod("looks", "sh", "-c", f"ls {keys}; ls -A {node.sandkube.state}; true", restartPolicy="Never")
    )
    node.phase("looks", "Succeeded")
    assert "ca.key" not in "\n".join(node.logs("looks"))


def test_its_end_leaves_nothing(node: Node) -> None:
    mark = str(node.sandkube.state)  # also in the command line of what serves the node
    node.apply(pod("stubborn", "sh", "-c", f"trap '' TERM; : {mark}; while :; do sleep 0.1; done"))
    node.wait("pod/stubborn", "condition=Ready")
    node.sandkube("down")
    assert mark not in node.command_lines()
    node.sandkube("up")
    node.wait("pod/stubborn", "condition=Ready")
