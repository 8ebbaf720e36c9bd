"""Bindings, ServiceAccounts and bindings of policies."""

from __future__ import annotations

from typing import Any

import pytest

from unit.validation.fresh_cluster import FreshCluster
from unit.validation.referring import findings, named, told, written

RBAC = "rbac.authorization.k8s.io"


def binding(role: str, *subjects: dict[str, str], kind: str = "RoleBinding") -> dict[str, Any]:
    role_kind, name = role.split()
    namespace = "shop" if kind == "RoleBinding" else None
    return named(
        f"{RBAC}/v1",
        kind,
        "binding",
        namespace,
        roleRef={"apiGroup": RBAC, "kind": role_kind, "name": name},
        subjects=list(subjects),
    )


def account(name: str, namespace: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


@pytest.mark.parametrize(
    ("made", "there"),
    [
        (binding("Role reader"), named(f"{RBAC}/v1", "Role", "reader", "shop")),
        (binding("ClusterRole reader"), named(f"{RBAC}/v1", "ClusterRole", "reader")),
        (
            binding("ClusterRole reader", kind="ClusterRoleBinding"),
            named(f"{RBAC}/v1", "ClusterRole", "reader"),
        ),
    ],
)
def test_a_role(made: dict[str, Any], there: dict[str, Any]) -> None:
    code = f"missing-{made['roleRef']['kind'].lower()}"
    assert told(written(made)) == [(code, "roleRef.name")]
    assert told(written(made, there)) == []
    assert told(written(made), FreshCluster(there)) == []


def test_a_role_of_another_namespace() -> None:
    distractors = named("v1", "Secret", "reader", "a"), named(f"{RBAC}/v1", "Role", "other", "b")
    text = written(binding("Role reader"), named(f"{RBAC}/v1", "Role", "reader", "ci"), *distractors)
    (found,) = findings(text)
    assert found.hint == "The set has it in namespace `ci`."


@pytest.mark.parametrize("name", ["cluster-admin", "view", "system:auth-delegator"])
def test_roles_of_every_cluster(name: str) -> None:
    assert told(written(binding(f"ClusterRole {name}"))) == []


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (account("bot", "shop"), []),
        (account("default", "shop"), []),
        (account("default", "kube-system"), []),
        (account("robot", "shop"), [("missing-serviceaccount", "subjects[0].name")]),
        (account("bot", "kube-system"), [("missing-serviceaccount", "subjects[0].name")]),
        (account("bot", "nowhere"), [("missing-namespace", "subjects[0].namespace")]),
        (account("default", "nowhere"), [("missing-namespace", "subjects[0].namespace")]),
        ({"kind": "ServiceAccount", "name": "robot"}, []),
        ({"kind": "User", "name": "jane"}, []),
        ({"kind": "Group", "name": "developers"}, []),
    ],
)
def test_a_subject(subject: dict[str, str], expected: list[tuple[str, str]]) -> None:
    text = written(binding("ClusterRole view", subject), named("v1", "ServiceAccount", "bot", "shop"))
    assert told(text) == expected


def test_a_namespace_of_the_cluster_or_the_set() -> None:
    text = written(binding("ClusterRole view", account("default", "team")))
    team = named("v1", "Namespace", "team")
    assert told(text, FreshCluster(team)) == []
    assert told(written(text, team)) == []
    assert told(written(text, named("v1", "Namespace", "teams"), named("v1", "Secret", "team"))) != []


def test_a_role_in_a_binding_for_the_whole_cluster_is_the_servers_to_refuse() -> None:
    assert told(written(binding("Role reader", kind="ClusterRoleBinding"))) == []


def test_the_secrets_of_an_account() -> None:
    bot = named(
        "v1", "ServiceAccount", "bot", imagePullSecrets=[{"name": "registry"}], secrets=[{"name": "token"}]
    )
    assert told(written(bot)) == [
        ("missing-image-pull-secret", "imagePullSecrets[0].name"),
        ("missing-secret", "secrets[0].name"),
    ]
    assert told(written(bot, named("v1", "Secret", "registry"), named("v1", "Secret", "token"))) == []


@pytest.mark.parametrize("kind", ["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"])
def test_a_binding_of_a_policy(kind: str) -> None:
    group = "admissionregistration.k8s.io/v1"
    text = written(named(group, f"{kind}Binding", "limit", spec={"policyName": "limits"}))
    assert told(text) == [(f"missing-{kind.lower()}", "spec.policyName")]
    assert told(written(text, named(group, kind, "limits"))) == []
