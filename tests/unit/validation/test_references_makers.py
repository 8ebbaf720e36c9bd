"""What a set makes beside what it shows: no reference to it is amiss."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from unit.validation.referring import deployment, named, told, written

SECRET = deployment("volumes: [{name: v, secret: {secretName: web-tls}}]")
MISSING = [("missing-secret", "spec.template.spec.volumes[0].secret.secretName")]


def made(
    api_version: str, kind: str, name: str, spec: str = "{}", namespace: str | None = None
) -> dict[str, Any]:
    return named(api_version, kind, name, namespace, spec=yaml.safe_load(spec))


@pytest.mark.parametrize(
    "maker",
    [
        made("cert-manager.io/v1", "Certificate", "web", "{secretName: web-tls}"),
        made("cert-manager.io/v1", "Issuer", "ca", "{acme: {privateKeySecretRef: {name: web-tls}}}"),
        made("external-secrets.io/v1", "ExternalSecret", "web-tls"),
        made("external-secrets.io/v1", "ExternalSecret", "web", "{target: {name: web-tls}}"),
        made("external-secrets.io/v1", "ClusterExternalSecret", "web", "{externalSecretName: web-tls}"),
        made("bitnami.com/v1alpha1", "SealedSecret", "web-tls"),
        made("bitnami.com/v1alpha1", "SealedSecret", "web", "{template: {metadata: {name: web-tls}}}"),
        made(
            "secrets-store.csi.x-k8s.io/v1",
            "SecretProviderClass",
            "vault",
            "{secretObjects: [{secretName: web-tls}]}",
        ),
        made("secrets.hashicorp.com/v1beta1", "VaultStaticSecret", "web", "{destination: {name: web-tls}}"),
        made("trust.cert-manager.io/v1alpha1", "Bundle", "web-tls"),
        # Kinds that nobody knows: what they name, and what bears their name.
        made("example.com/v1", "Anything", "x", "{deep: [{down: web-tls}]}"),
        made("example.com/v1", "Anything", "web-tls"),
        made("example.com/v1", "Anything", "web"),
        made("example.com/v1", "Anything", "web", "{targets: [default]}", namespace="other"),
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "i", "annotations": {"cert-manager.io/issuer": "ca"}},
            "spec": {"tls": [{"secretName": "web-tls"}]},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "g", "annotations": {"cert-manager.io/issuer": "ca"}},
            "spec": {"listeners": [{"tls": {"certificateRefs": [{"name": "web-tls"}]}}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "s",
                "annotations": {"service.beta.openshift.io/serving-cert-secret-name": "web-tls"},
            },
        },
    ],
    ids=lambda maker: f"{maker['kind']}-{maker['metadata']['name']}",
)
def test_a_secret_that_is_made(maker: dict[str, Any]) -> None:
    assert told(written(SECRET)) == MISSING
    assert told(written(SECRET, maker)) == []


@pytest.mark.parametrize(
    "bystander",
    [
        made("cert-manager.io/v1", "Certificate", "web-tls", "{secretName: other}"),
        made("cert-manager.io/v1", "Certificate", "web", "{secretName: web-tls}", namespace="other"),
        made("external-secrets.io/v1", "ExternalSecret", "web-tls", "{target: {name: other}}"),
        made("external-secrets.io/v1", "SecretStore", "web-tls"),
        made("bitnami.com/v1alpha1", "SealedSecret", "web"),
        made("monitoring.coreos.com/v1", "ServiceMonitor", "web", "{bearerTokenSecret: {name: web-tls}}"),
        made("gateway.networking.k8s.io/v1", "HTTPRoute", "web"),
        made("keda.sh/v1alpha1", "ScaledObject", "web"),
        made("argoproj.io/v1alpha1", "Rollout", "web"),
        made("example.com/v1", "Anything", "we"),
        made("example.com/v1", "Anything", "web", namespace="other"),
        made("apps/v1", "Deployment", "web-tls"),
    ],
    ids=lambda bystander: f"{bystander['kind']}-{bystander['metadata']['name']}",
)
def test_what_makes_no_such_secret(bystander: dict[str, Any]) -> None:
    assert told(written(SECRET, bystander)) == MISSING


def test_other_kinds_that_may_be_made() -> None:
    text = written(
        named(
            "networking.k8s.io/v1",
            "Ingress",
            "shop",
            spec={"defaultBackend": {"service": {"name": "shop-cluster-rw", "port": {"number": 5432}}}},
        ),
        deployment(
            "{serviceAccountName: shop-cluster, volumes: ["
            "{name: v, persistentVolumeClaim: {claimName: shop-cluster-1}},"
            "{name: c, configMap: {name: shop-cluster-conf, items: [{key: a, path: a}]}}]}"
        ),
    )
    assert len(told(text)) == 4
    assert told(written(text, made("postgresql.cnpg.io/v1", "Cluster", "shop-cluster"))) == []


def test_keys_that_are_merged_in() -> None:
    config = named("v1", "Secret", "web-tls", data={"ca.crt": ""})
    pods = deployment("volumes: [{name: v, secret: {secretName: web-tls, items: [{key: tls.crt, path: c}]}}]")
    assert [code for code, _ in told(written(pods, config))] == ["missing-key"]
    merging = made("external-secrets.io/v1", "ExternalSecret", "x", "{target: {name: web-tls}}")
    assert told(written(pods, config, merging)) == []


# Programs of the set

GRANT = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: maker}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: maker}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: maker}
subjects: [{kind: ServiceAccount, name: maker, namespace: default}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: maker}
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: make}
spec:
  template:
    spec:
      serviceAccountName: maker
      containers: [{name: make, image: certgen, args: [create, --secret-name=web-tls]}]
"""
SCRIPT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: script}
data: {make.sh: kubectl create secret generic web-tls --from-file=/out}
"""


def test_a_secret_that_a_job_makes() -> None:
    assert told(written(SECRET, JOB, GRANT)) == []


@pytest.mark.parametrize(
    ("job", "grant"),
    [
        (JOB.replace("web-tls", "other-tls"), GRANT),
        (JOB.replace("web-tls", "my-web-tls"), GRANT),
        (JOB.replace("web-tls", "web-tls-2"), GRANT),
        (JOB, GRANT.replace("create", "list")),
        (JOB, GRANT.replace("secrets", "configmaps")),
        (JOB.replace("serviceAccountName: maker", "serviceAccountName: default"), GRANT),
    ],
)
def test_a_job_that_does_not_make_it(job: str, grant: str) -> None:
    assert told(written(SECRET, job, grant)) == MISSING


@pytest.mark.parametrize(
    ("job", "more"),
    [
        (JOB.replace("args: [create, --secret-name=web-tls]", "env: [{name: X, value: web-tls}]"), []),
        (JOB.replace("args: [create, --secret-name=web-tls]", "command: [sh, /s/make.sh]"), [SCRIPT]),
    ],
)
def test_other_ways_to_tell_a_program(job: str, more: list[str]) -> None:
    assert told(written(SECRET, job, GRANT, *more)) == []


@pytest.mark.parametrize(("role", "expected"), [("edit", []), ("cluster-admin", []), ("view", MISSING)])
def test_roles_of_every_cluster_that_may_write(role: str, expected: list[tuple[str, str]]) -> None:
    grant = GRANT.replace("kind: Role, name: maker", f"kind: ClusterRole, name: {role}")
    assert told(written(SECRET, JOB, grant)) == expected


# Pods that no template shows

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: active}
spec: {selector: {app: vault, active: "true"}, ports: [{port: 80, targetPort: http}]}
"""
UNSELECTED = [("service-without-pods", "spec.selector")]


@pytest.mark.parametrize(
    "runner",
    [
        made("example.com/v1", "Cluster", "vault"),
        made("example.com/v1", "Pool", "x", "{template: {metadata: {labels: {app: vault, active: 'true'}}}}"),
    ],
    ids=["by name", "by labels"],
)
def test_pods_of_a_custom_resource(runner: dict[str, Any]) -> None:
    assert told(SERVICE) == UNSELECTED
    assert told(written(SERVICE, runner)) == []


def test_a_custom_resource_with_other_labels() -> None:
    other = made("example.com/v1", "Pool", "x", "{template: {metadata: {labels: {app: vault}}}}")
    assert told(written(SERVICE, other)) == UNSELECTED


def test_a_rollout_has_pods_like_a_deployment() -> None:
    template = "{template: {metadata: {labels: {app: vault, active: 'true'}}, spec: {containers: []}}}"
    rollout = made("argoproj.io/v1alpha1", "Rollout", "x", template)
    assert told(written(SERVICE, rollout)) == [("missing-target-port", "spec.ports[0].targetPort")]


@pytest.mark.parametrize(
    ("resource", "verb", "silent"),
    [
        ("pods", "patch", True),
        ("pods", "create", True),
        ("pods", "list", False),
        ("deployments", "create", True),
        ("deployments", "patch", False),
    ],
)
def test_a_program_that_labels_or_makes_pods(resource: str, verb: str, silent: bool) -> None:  # noqa: FBT001
    grant = GRANT.replace("[secrets]", f"[{resource}]").replace("[get, create]", f"[{verb}]")
    found = told(written(SERVICE, JOB, grant))
    assert found == ([] if silent else UNSELECTED)
