"""kubectl's ways to change and compare: apply in its kinds, dry runs, validation, diff, patch, wait."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integration.kubectl import DATA, Kubectl, manifest

DEPLOYMENT = manifest("deployment.yaml")

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"""


def settings(**data: str) -> str:
    """The manifest of a ConfigMap `settings` with ``data``."""
    thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}
    return json.dumps(thing)


def data(kubectl: Kubectl) -> object:
    return kubectl.get("configmap", "settings")["data"]


def test_a_dry_run_on_the_server_fills_in_defaults_and_makes_nothing(kubectl: Kubectl) -> None:
    answer = json.loads(kubectl.apply(DEPLOYMENT, "--dry-run=server", "--output=json"))
    assert answer["metadata"]["uid"]
    assert answer["spec"]["progressDeadlineSeconds"] == 600
    assert kubectl.get("deployments") == []


def test_a_dry_run_on_the_server_validates(kubectl: Kubectl) -> None:
    wrong = DEPLOYMENT.replace("replicas: 2", "replicas: -2")
    apply = ("apply", "--filename=-")
    assert "spec.replicas" in kubectl.refused(*apply, "--dry-run=server", stdin=wrong)
    assert "(dry run)" in kubectl(*apply, "--dry-run=client", stdin=wrong).stdout


def test_unknown_fields_are_refused_unless_asked_otherwise(kubectl: Kubectl) -> None:
    wrong = DEPLOYMENT.replace("replicas: 2", "replicsa: 2")
    apply = ("apply", "--filename=-", "--dry-run=server")
    assert 'unknown field "spec.replicsa"' in kubectl.refused(*apply, stdin=wrong)
    warned = kubectl(*apply, "--validate=warn", stdin=wrong)
    assert 'Warning: unknown field "spec.replicsa"' in warned.stderr
    assert kubectl(*apply, "--validate=ignore", stdin=wrong).stderr == ""


def test_fields_that_are_written_twice_are_refused(kubectl: Kubectl, tmp_path: Path) -> None:
    text = tmp_path / "twice.json"  # kubectl keeps one of the two, unless it sends the text as it is
    text.write_text(
        '{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "x"}, "data": {}, "data": {}}'
    )
    path = f"/api/v1/namespaces/{kubectl.namespace}/configmaps"
    post = ("create", f"--filename={text}", "--raw")
    assert 'duplicate field "data"' in kubectl.refused(*post, f"{path}?fieldValidation=Strict")
    assert json.loads(kubectl(*post, f"{path}?fieldValidation=Ignore").stdout)["kind"] == "ConfigMap"


def test_server_side_apply_knows_whose_each_field_is(kubectl: Kubectl) -> None:
    kubectl.apply(settings(mode="fast"), "--server-side", "--field-manager=ops")
    mine = ("--server-side", "--field-manager=me")
    kubectl.apply(settings(colour="green"), *mine)
    assert data(kubectl) == {"mode": "fast", "colour": "green"}

    message = kubectl.refused("apply", "--filename=-", *mine, stdin=settings(mode="slow", colour="green"))
    assert 'conflict with "ops": .data.mode' in message
    kubectl.apply(settings(mode="slow"), *mine, "--force-conflicts")
    assert data(kubectl) == {"mode": "slow"}  # what I no longer name and nobody else does is gone

    managers = kubectl.get("configmap", "settings", "--show-managed-fields")["metadata"]["managedFields"]
    assert {(manager["manager"], manager["operation"]) for manager in managers} == {("me", "Apply")}


def test_client_side_apply_removes_what_is_no_longer_written(kubectl: Kubectl) -> None:
    kubectl.apply(settings(mode="fast", colour="green"))
    assert "unchanged" in kubectl.apply(settings(mode="fast", colour="green"))
    kubectl.apply(settings(mode="fast"))
    assert data(kubectl) == {"mode": "fast"}


def test_apply_prunes_what_is_no_longer_written(kubectl: Kubectl) -> None:
    prune = ("--prune", "--all", "--prune-allowlist=batch/v1/Job")
    kubectl.apply(f"{DEPLOYMENT}---\n{manifest('job.yaml')}")
    assert "job.batch/sums pruned" in kubectl.apply(DEPLOYMENT, *prune)
    assert "not found" in kubectl.refused("get", "job", "sums")


def test_diff_says_by_its_status_whether_there_is_a_difference(kubectl: Kubectl) -> None:
    diff = ("diff", "--filename=-")
    kubectl.apply(settings(mode="fast"))
    assert kubectl(*diff, stdin=settings(mode="fast"), check=False).returncode == 0
    changed = kubectl(*diff, stdin=settings(mode="slow"), check=False)
    assert changed.returncode == 1
    assert "-  mode: fast" in changed.stdout
    assert "+  mode: slow" in changed.stdout
    assert kubectl(*diff, stdin="kind: Nothing", check=False).returncode > 1
    assert data(kubectl) == {"mode": "fast"}


def test_wait_for_a_condition_a_field_and_the_end(kubectl: Kubectl) -> None:
    kubectl.apply(DEPLOYMENT)
    kubectl.wait("condition=Progressing", "deployment/web")
    kubectl.wait("condition=Available=False", "deployment/web")
    kubectl.wait("jsonpath={.status.unavailableReplicas}=2", "deployment/web")
    never = kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=0", check=False)
    assert never.returncode == 1
    kubectl("delete", "deployment", "web", "--wait=false", "--cascade=foreground")
    kubectl.wait("delete", "deployment/web")


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("merge", '{"data": {"mode": null, "size": "big"}}', {"colour": "green", "size": "big"}),
        ("strategic", '{"data": {"mode": "slow"}}', {"mode": "slow", "colour": "green"}),
        (
            "json",
            '[{"op": "replace", "path": "/data/mode", "value": "off"}]',
            {"mode": "off", "colour": "green"},
        ),
    ],
)
def test_each_kind_of_patch_changes(kubectl: Kubectl, kind: str, change: str, expected: object) -> None:
    kubectl.apply(settings(mode="fast", colour="green"))
    kubectl("patch", "configmap", "settings", f"--type={kind}", "--patch", change)
    assert data(kubectl) == expected


def test_a_patch_that_tests_in_vain_changes_nothing(kubectl: Kubectl) -> None:
    kubectl.apply(settings(mode="fast"))
    steps = [{"op": "test", "path": "/data/mode", "value": "slow"}, {"op": "remove", "path": "/data/mode"}]
    kubectl.refused("patch", "configmap", "settings", "--type=json", "--patch", json.dumps(steps))
    assert data(kubectl) == {"mode": "fast"}


def test_a_strategic_patch_joins_lists_by_their_key(kubectl: Kubectl) -> None:
    kubectl.apply(DEPLOYMENT)
    sidecar = {"name": "sidecar", "image": "example.com/sidecar:1"}
    change = {"spec": {"template": {"spec": {"containers": [sidecar]}}}}
    kubectl("patch", "deployment", "web", "--patch", json.dumps(change))
    containers = kubectl.get("deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert {container["name"] for container in containers} == {"main", "sidecar"}


def test_a_write_that_comes_too_late_is_refused(kubectl: Kubectl) -> None:
    kubectl.apply(settings(mode="fast"))
    old = kubectl.get("configmap", "settings")
    kubectl.apply(settings(mode="slow"))
    old["data"]["mode"] = "off"
    assert "the object has been modified" in kubectl.refused("replace", "--filename=-", stdin=json.dumps(old))


def test_a_name_is_made_where_a_beginning_is_given(kubectl: Kubectl) -> None:
    thing = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "one-of-"}}'
    names = [kubectl("create", "--filename=-", "--output=name", stdin=thing).stdout for _ in range(2)]
    assert all(name.startswith("configmap/one-of-") for name in names)
    assert len(set(names)) == 2


def test_a_kustomization_is_applied(kubectl: Kubectl) -> None:
    kubectl("apply", "--kustomize", str(DATA / "kustomization"))
    deployment = kubectl.get("deployment", "test-web")
    assert deployment["spec"]["replicas"] == 3
    assert deployment["metadata"]["labels"]["stage"] == "test"
    (generated,) = kubectl.get("configmaps", "--selector=stage=test")
    assert generated["metadata"]["name"].startswith("test-settings-")


def test_a_claim_stays_pending_without_a_provisioner(kubectl: Kubectl) -> None:
    kubectl.apply(CLAIM)
    kubectl.wait("create", "event", "--field-selector=involvedObject.name=data")
    assert kubectl.get("pvc", "data")["status"]["phase"] == "Pending"
    (event,) = kubectl.get("events", "--field-selector=involvedObject.name=data")
    assert "no storage class" in event["message"]
