"""Admission webhooks on https://127.0.0.1: validating, mutating, and what happens when none answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.kubectl import Kubectl, until
from integration.webhook_server import Webhook, serve


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Webhook]:
    with serve(tmp_path) as served:
        yield served


def configuration(kind: str, namespace: str, client: dict[str, str], policy: str = "Fail") -> str:
    """The manifest of a webhook for the ConfigMaps that are made in ``namespace``."""
    not_the_authority = "object.metadata.name != 'kube-root-ca.crt'"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    webhook: dict[str, Any] = {
        "name": "configmaps.example.com",
        "clientConfig": client,
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchExpressions": [{"key": "unseen", "operator": "DoesNotExist"}]},
        "matchConditions": [{"name": "not-the-authority", "expression": not_the_authority}],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": policy,
        "timeoutSeconds": 5,
    }
    return json.dumps(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [webhook],
        }
    )


def probe(kubectl: Kubectl) -> subprocess.CompletedProcess[str]:
    """Try, without making anything, what the webhook is asked about."""
    return kubectl("create", "configmap", "probe", "--dry-run=server", "--output=json", check=False)


def asked(kubectl: Kubectl, webhook: Webhook) -> bool:
    """Whether the webhook is asked by now."""
    probe(kubectl)
    return bool(webhook.reviewed)


def test_a_validating_webhook_refuses_and_warns(
    kubectl: Kubectl, webhook: Webhook, apply_globally: Callable[[str], str]
) -> None:
    apply_globally(configuration("Validating", kubectl.namespace, webhook.client_config("/validate")))
    until(lambda: asked(kubectl, webhook))
    assert "bad-one is no good name" in kubectl.refused("create", "configmap", "bad-one")
    done = kubectl("create", "configmap", "good-one")
    assert "Warning: looked at by a test" in done.stderr
    names = [review["name"] for review in webhook.reviewed if not review["dryRun"]]
    assert names == ["bad-one", "good-one"]
    assert webhook.reviewed[-1]["userInfo"]["username"]


def test_a_mutating_webhook_changes(
    kubectl: Kubectl, webhook: Webhook, apply_globally: Callable[[str], str]
) -> None:
    apply_globally(configuration("Mutating", kubectl.namespace, webhook.client_config("/mutate")))
    until(lambda: asked(kubectl, webhook))
    kubectl("create", "configmap", "one")
    assert kubectl.get("configmap", "one")["data"] == {"added": "by a test"}


def test_what_a_webhook_does_not_select_is_not_sent(
    kubectl: Kubectl, webhook: Webhook, apply_globally: Callable[[str], str]
) -> None:
    apply_globally(configuration("Validating", kubectl.namespace, webhook.client_config("/validate")))
    until(lambda: asked(kubectl, webhook))
    unseen = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "bad-two", "labels": {"unseen": ""}},
    }
    kubectl.apply(json.dumps(unseen))
    kubectl("create", "secret", "generic", "bad-secret")
    kubectl.given("--namespace=default")("create", "configmap", "bad-three", "--dry-run=server")
    assert {review["name"] for review in webhook.reviewed} == {"probe"}


def test_without_an_answer_the_failure_policy_decides(
    kubectl: Kubectl, webhook: Webhook, apply_globally: Callable[[str], str]
) -> None:
    nowhere = {"url": "https://127.0.0.1:1/validate"}
    apply_globally(configuration("Validating", kubectl.namespace, nowhere, "Fail"))
    until(lambda: "failed calling webhook" in probe(kubectl).stderr)
    apply_globally(configuration("Validating", kubectl.namespace, nowhere, "Ignore"))
    until(lambda: probe(kubectl).returncode == 0)


def test_a_webhook_that_its_authority_did_not_sign_is_not_believed(
    kubectl: Kubectl, webhook: Webhook, apply_globally: Callable[[str], str]
) -> None:
    unsigned = {"url": webhook.client_config("/validate")["url"]}
    apply_globally(configuration("Validating", kubectl.namespace, unsigned))
    until(lambda: "x509: certificate signed by unknown authority" in probe(kubectl).stderr)
    assert webhook.reviewed == []
