"""Admission policies in CEL: a validating one refuses, warns, reads parameters; a mutating one changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integration.kubectl import Kubectl, until

VALIDATING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  failurePolicy: Fail
  paramKind: {{apiVersion: v1, kind: ConfigMap}}
  matchConstraints:
    resourceRules:
    - {{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}}
  matchConditions:
  - {{name: not-excepted, expression: object.metadata.name != 'excepted'}}
  variables:
  - {{name: most, expression: int(params.data.most)}}
  validations:
  - expression: object.spec.replicas <= variables.most
    messageExpression: "'no more than ' + string(variables.most) + ' replicas'"
    reason: Invalid
"""

VALIDATING_BINDING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec:
  policyName: {name}
  validationActions: [{action}]
  paramRef: {{name: limits, namespace: {name}, parameterNotFoundAction: Deny}}
  matchResources:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}
"""

MUTATING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  reinvocationPolicy: IfNeeded
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}
    resourceRules:
    - {{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}}
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: "Object{{metadata: Object.metadata{{labels: {{'team': 'blue'}}}}}}"
  - patchType: JSONPatch
    jsonPatch:
      expression: "[JSONPatch{{op: 'add', path: '/spec/hostname', value: object.metadata.namespace}}]"
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}}}
"""

CREATE = ("create", "deployment", "web", "--image=example.com/app:1", "--dry-run=server")


@pytest.fixture
def bind(kubectl: Kubectl, apply_globally: Callable[[str], str]) -> Callable[[str], None]:
    """Makes the policy of no more than 3 replicas and binds it with an action."""
    kubectl("create", "configmap", "limits", "--from-literal=most=3")
    apply_globally(VALIDATING.format(name=kubectl.namespace))

    def bind(action: str) -> None:
        apply_globally(VALIDATING_BINDING.format(name=kubectl.namespace, action=action))

    return bind


def until_refused(kubectl: Kubectl) -> None:
    """Wait until the policy refuses; before the server knows its parameter, it refuses for want of that."""
    until(lambda: "no more than 3 replicas" in kubectl(*CREATE, "--replicas=4", check=False).stderr)


def test_a_validating_policy_refuses(kubectl: Kubectl, bind: Callable[[str], None]) -> None:
    bind("Deny")
    until_refused(kubectl)
    kubectl(*CREATE, "--replicas=3")
    kubectl("create", "deployment", "excepted", "--image=example.com/app:1", "--replicas=4")
    kubectl.given("--namespace=default")(*CREATE, "--replicas=4")


def test_a_validating_policy_warns(kubectl: Kubectl, bind: Callable[[str], None]) -> None:
    bind("Warn")
    until(lambda: "no more than 3 replicas" in kubectl(*CREATE, "--replicas=4").stderr)
    assert kubectl(*CREATE, "--replicas=3").stderr == ""


def test_a_validating_policy_follows_its_parameters(kubectl: Kubectl, bind: Callable[[str], None]) -> None:
    bind("Deny")
    until_refused(kubectl)
    kubectl("patch", "configmap", "limits", "--patch", '{"data": {"most": "4"}}')
    until(lambda: kubectl(*CREATE, "--replicas=4", check=False).returncode == 0)
    assert "no more than 4 replicas" in kubectl.refused(*CREATE, "--replicas=5")


def test_a_policy_that_does_not_fit_its_types_says_so(
    kubectl: Kubectl, apply_globally: Callable[[str], str]
) -> None:
    policy = VALIDATING.format(name=kubectl.namespace).replace("object.spec.replicas", "object.spec.replicsa")
    apply_globally(policy)
    kubectl.wait(
        "jsonpath={.status.typeChecking.expressionWarnings[0].fieldRef}=spec.validations[0].expression",
        f"validatingadmissionpolicy/{kubectl.namespace}",
    )


def test_a_mutating_policy_changes(kubectl: Kubectl, apply_globally: Callable[[str], str]) -> None:
    apply_globally(MUTATING.format(name=kubectl.namespace))
    run = ("run", "pod", "--image=example.com/app:1")
    team = ("--dry-run=server", "--output=jsonpath={.metadata.labels.team}")
    until(lambda: kubectl(*run, *team).stdout == "blue")
    kubectl(*run)
    pod = kubectl.get("pod", "pod")
    assert pod["metadata"]["labels"] == {"run": "pod", "team": "blue"}
    assert pod["spec"]["hostname"] == kubectl.namespace
