"""What pods and templates of pods refer to."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from unit.validation.fresh_cluster import FreshCluster
from unit.validation.referring import deployment, findings, named, told, written

# A part of a pod's spec; what is missing, and where; what mends it.
REFERENCES = [
    ("serviceAccountName: bot", "missing-serviceaccount", "serviceAccountName", "v1 ServiceAccount bot"),
    ("serviceAccount: bot", "missing-serviceaccount", "serviceAccount", "v1 ServiceAccount bot"),
    (
        "priorityClassName: high",
        "missing-priorityclass",
        "priorityClassName",
        "scheduling.k8s.io/v1 PriorityClass high",
    ),
    (
        "runtimeClassName: gvisor",
        "missing-runtimeclass",
        "runtimeClassName",
        "node.k8s.io/v1 RuntimeClass gvisor",
    ),
    (
        "imagePullSecrets: [{name: registry}]",
        "missing-image-pull-secret",
        "imagePullSecrets[0].name",
        "v1 Secret registry",
    ),
    (
        "containers: [{name: a}, {name: b, env: [{valueFrom: {configMapKeyRef: {name: c, key: k}}}]}]",
        "missing-configmap",
        "containers[1].env[0].valueFrom.configMapKeyRef.name",
        "v1 ConfigMap c",
    ),
    (
        "initContainers: [{name: a, env: [{name: X, valueFrom: {secretKeyRef: {name: s, key: k}}}]}]",
        "missing-secret",
        "initContainers[0].env[0].valueFrom.secretKeyRef.name",
        "v1 Secret s",
    ),
    (
        "containers: [{name: a, envFrom: [{prefix: X_, configMapRef: {name: c}}]}]",
        "missing-configmap",
        "containers[0].envFrom[0].configMapRef.name",
        "v1 ConfigMap c",
    ),
    (
        "containers: [{name: a, envFrom: [{secretRef: {name: s}}]}]",
        "missing-secret",
        "containers[0].envFrom[0].secretRef.name",
        "v1 Secret s",
    ),
    (
        "volumes: [{name: v, configMap: {name: c}}]",
        "missing-configmap",
        "volumes[0].configMap.name",
        "v1 ConfigMap c",
    ),
    (
        "volumes: [{name: v, secret: {secretName: s}}]",
        "missing-secret",
        "volumes[0].secret.secretName",
        "v1 Secret s",
    ),
    (
        "volumes: [{name: v, projected: {sources: [{configMap: {name: c}}]}}]",
        "missing-configmap",
        "volumes[0].projected.sources[0].configMap.name",
        "v1 ConfigMap c",
    ),
    (
        "volumes: [{name: v, projected: {sources: [{downwardAPI: {}}, {secret: {name: s}}]}}]",
        "missing-secret",
        "volumes[0].projected.sources[1].secret.name",
        "v1 Secret s",
    ),
    (
        "volumes: [{name: v, csi: {driver: d.example.com, nodePublishSecretRef: {name: s}}}]",
        "missing-secret",
        "volumes[0].csi.nodePublishSecretRef.name",
        "v1 Secret s",
    ),
    (
        "volumes: [{name: v, flexVolume: {driver: example.com/d, secretRef: {name: s}}}]",
        "missing-secret",
        "volumes[0].flexVolume.secretRef.name",
        "v1 Secret s",
    ),
    (
        "volumes: [{name: v, azureFile: {shareName: x, secretName: s}}]",
        "missing-secret",
        "volumes[0].azureFile.secretName",
        "v1 Secret s",
    ),
    (
        "volumes: [{name: v, iscsi: {chapAuthSession: true, secretRef: {name: s}}}]",
        "missing-secret",
        "volumes[0].iscsi.secretRef.name",
        "v1 Secret s",
    ),
    (
        "volumes: [{name: v, persistentVolumeClaim: {claimName: p}}]",
        "missing-persistentvolumeclaim",
        "volumes[0].persistentVolumeClaim.claimName",
        "v1 PersistentVolumeClaim p",
    ),
    (
        "volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: fast}}}}]",
        "missing-storageclass",
        "volumes[0].ephemeral.volumeClaimTemplate.spec.storageClassName",
        "storage.k8s.io/v1 StorageClass fast",
    ),
    (
        "resourceClaims: [{name: gpu, resourceClaimName: one}]",
        "missing-resourceclaim",
        "resourceClaims[0].resourceClaimName",
        "resource.k8s.io/v1 ResourceClaim one",
    ),
    (
        "resourceClaims: [{name: gpu, resourceClaimTemplateName: each}]",
        "missing-resourceclaimtemplate",
        "resourceClaims[0].resourceClaimTemplateName",
        "resource.k8s.io/v1 ResourceClaimTemplate each",
    ),
]
CLUSTER_SCOPED = {"PriorityClass", "RuntimeClass", "StorageClass"}
PATHS = {
    "v1 Pod": "",
    "v1 ReplicationController": "spec.template",
    "apps/v1 Deployment": "spec.template",
    "apps/v1 ReplicaSet": "spec.template",
    "apps/v1 StatefulSet": "spec.template",
    "apps/v1 DaemonSet": "spec.template",
    "batch/v1 Job": "spec.template",
    "batch/v1 CronJob": "spec.jobTemplate.spec.template",
}


def mending(text: str) -> dict[str, Any]:
    api_version, kind, name = text.split()
    return named(api_version, kind, name, None if kind in CLUSTER_SCOPED else "default")


@pytest.mark.parametrize(("spec", "code", "field", "mends"), REFERENCES)
def test_reference(spec: str, code: str, field: str, mends: str) -> None:
    pods = deployment(spec)
    assert told(written(pods)) == [(code, f"spec.template.spec.{field}")]
    assert told(written(pods, mending(mends))) == []
    assert told(written(pods), FreshCluster(mending(mends))) == []


@pytest.mark.parametrize(("kind", "path"), PATHS.items())
def test_kinds_that_run_pods(kind: str, path: str) -> None:
    inner: dict[str, Any] = {"spec": {"serviceAccountName": "bot"}}
    for key in reversed(path.split(".") if path else []):
        inner = {key: inner}
    field = f"{path}.spec.serviceAccountName".lstrip(".")
    api_version, word = kind.split()
    assert told(written(named(api_version, word, "web") | inner)) == [("missing-serviceaccount", field)]


def test_what_is_in_another_namespace_is_not_there_but_told_of() -> None:
    text = written(
        deployment("volumes: [{name: v, configMap: {name: settings}}]"),
        named("v1", "ConfigMap", "settings", "other"),
    )
    (found,) = findings(text)
    assert found.message == (
        "ConfigMap `settings` is neither in the set nor in the cluster (namespace `default`)."
    )
    assert found.hint == "The set has it in namespace `other`."
    assert told(text, namespace="other") == []


@pytest.mark.parametrize("where", ["set", "cluster"])
def test_a_name_that_is_near_is_the_hint(where: str) -> None:
    pods = deployment("volumes: [{name: v, configMap: {name: app-config}}]")
    near = named("v1", "ConfigMap", "app-conf", "default")
    if where == "set":
        (found,) = findings(written(pods, near))
    else:
        (found,) = findings(written(pods), FreshCluster(near))
    assert found.hint == "Did you mean `app-conf`?"


def test_without_a_near_name_the_hint_says_what_to_do() -> None:
    (found,) = findings(written(deployment("priorityClassName: high")))
    assert found.message == "PriorityClass `high` is neither in the set nor in the cluster."
    assert found.hint == (
        "Add the PriorityClass to the set; where something else makes it, switch `missing-priorityclass` off."
    )


@pytest.mark.parametrize(
    "spec",
    [
        "{serviceAccountName: default, priorityClassName: system-node-critical}",
        "{serviceAccountName: '', imagePullSecrets: []}",
        "volumes: [{name: v, configMap: {name: kube-root-ca.crt}}]",
        "volumes: [{name: v, configMap: {name: c, optional: true}}]",
        "volumes: [{name: v, secret: {secretName: s, optional: true}}]",
        "volumes: [{name: v, projected: {sources: [{secret: {name: s, optional: true}}]}}]",
        "containers: [{name: a, envFrom: [{configMapRef: {name: c, optional: true}}]}]",
        "containers: [{name: a, env: [{valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}]}]",
        "volumes: [{name: v, iscsi: {secretRef: {name: s}}}]",
        "volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: ''}}}}]",
        "containers: [{name: a, volumeMounts: [{name: not-there, mountPath: /x}]}]",
    ],
)
def test_sound(spec: str) -> None:
    assert told(written(deployment(spec))) == []


def test_the_default_account_of_a_namespace_that_comes_with_the_set() -> None:
    pods = deployment("serviceAccountName: default")
    assert told(written(pods, named("v1", "Namespace", "shop")), namespace="shop") == []


# Keys

KEYED = """
containers:
- name: a
  env:
  - {name: A, valueFrom: {configMapKeyRef: {name: c, key: LOG_LEVEL}}}
  - {name: B, valueFrom: {secretKeyRef: {name: s, key: password}}}
volumes:
- {name: v, configMap: {name: c, items: [{key: logo.png, path: l}, {key: run.sh, path: r}]}}
- {name: w, projected: {sources: [{secret: {name: s, items: [{key: user, path: u}]}}]}}
"""


def test_keys_that_are_there() -> None:
    data = {"LOG_LEVEL": "info", "run.sh": ""}
    text = written(
        deployment(KEYED),
        named("v1", "ConfigMap", "c", data=data, binaryData={"logo.png": "AA=="}),
        named("v1", "Secret", "s", data={"user": "YQ=="}, stringData={"password": "p"}),
    )
    assert told(text) == []


@pytest.mark.parametrize("where", ["set", "cluster"])
def test_keys_that_are_not(where: str) -> None:
    config = named("v1", "ConfigMap", "c", "default", data={"LOG_LEVLE": "info", "logo.png": ""})
    secret = named("v1", "Secret", "s", "default", data={"user": "YQ=="})
    pods = deployment(KEYED)
    if where == "set":
        found = findings(written(pods, config, secret))
    else:
        found = findings(written(pods), FreshCluster(config, secret))
    assert [(one.code, one.field.removeprefix("spec.template.spec."), one.hint) for one in found] == [
        (
            "missing-key",
            "containers[0].env[0].valueFrom.configMapKeyRef.key",
            "Did you mean `LOG_LEVLE`?",
        ),
        ("missing-key", "containers[0].env[1].valueFrom.secretKeyRef.key", "It has `user`."),
        ("missing-key", "volumes[0].configMap.items[1].key", "It has `LOG_LEVLE`, `logo.png`."),
    ]
    assert found[0].message == "ConfigMap `c` has no key `LOG_LEVEL`."


def test_many_keys_are_not_all_told() -> None:
    config = named("v1", "ConfigMap", "c", data=dict.fromkeys("abcdefg", ""))
    pods = deployment("volumes: [{name: v, configMap: {name: c, items: [{key: run.sh, path: r}]}}]")
    (found,) = findings(written(pods, config))
    assert found.hint == "It has `a`, `b`, `c`, `d`, `e` and 2 more."


@pytest.mark.parametrize(
    "secret",
    [
        {"type": "kubernetes.io/service-account-token", "data": {"extra": "YQ=="}},
        {"data": {}},
        {"data": None},
    ],
)
def test_keys_that_something_else_writes(secret: dict[str, Any]) -> None:
    pods = deployment("volumes: [{name: v, secret: {secretName: s, items: [{key: token, path: t}]}}]")
    assert told(written(pods, named("v1", "Secret", "s") | secret)) == []


# Claims of a StatefulSet

STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  template:
    metadata: {labels: {app: db}}
    spec:
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: is-replaced}}
      - {name: more, persistentVolumeClaim: {claimName: is-not}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {storageClassName: fast}
"""


def test_a_template_of_a_claim_goes_before_a_volume_of_its_name() -> None:
    assert told(STATEFUL) == [
        ("missing-persistentvolumeclaim", "spec.template.spec.volumes[1].persistentVolumeClaim.claimName"),
        ("missing-storageclass", "spec.volumeClaimTemplates[0].spec.storageClassName"),
    ]


@pytest.mark.parametrize(
    ("claim", "there"), [("data-db-0", True), ("data-db-12", True), ("data-db", False), ("log-db-0", False)]
)
def test_claims_that_a_stateful_set_makes_are_there(claim: str, there: bool) -> None:  # noqa: FBT001
    reader = yaml.safe_dump({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]})
    found = [one for one in findings(written(STATEFUL, deployment(reader))) if one.index == 1]
    assert bool(found) is not there


def test_a_pull_secret_does_not_stop_a_pod() -> None:
    (found,) = findings(written(deployment("imagePullSecrets: [{name: registry}]")))
    assert "goes on without it" in found.message
