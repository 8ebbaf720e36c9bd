"""HorizontalPodAutoscalers and PodDisruptionBudgets."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from unit.validation.referring import deployment, findings, named, told, written

REQUESTS = "containers: [{name: app, resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}}]"
TARGET = "{apiVersion: apps/v1, kind: Deployment, name: web}"


def autoscaler(spec: str, version: str = "autoscaling/v2") -> str:
    return f"apiVersion: {version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web}}\nspec: {spec}"


def budget(spec: str) -> str:
    return f"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: web}}\nspec: {spec}"


# What is scaled


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (TARGET, []),
        ("{apiVersion: apps/v1beta2, kind: Deployment, name: web}", []),
        (
            "{apiVersion: apps/v1, kind: Deployment, name: wep}",
            [("missing-scale-target", "spec.scaleTargetRef.name", "Did you mean `web`?")],
        ),
        (
            "{apiVersion: extensions/v1beta1, kind: Deployment, name: web}",
            [("missing-scale-target", "spec.scaleTargetRef.apiVersion", "Write `apiVersion: apps/v1`.")],
        ),
        ("{kind: [Deployment], name: web}", []),
    ],
)
def test_what_is_scaled(target: str, expected: list[tuple[str, str, str]]) -> None:
    found = findings(written(autoscaler(f"{{scaleTargetRef: {target}}}"), deployment(REQUESTS)))
    assert [(one.code, one.field, one.hint) for one in found] == expected


def test_a_target_of_another_kind() -> None:
    text = autoscaler("{scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}}")
    assert told(text) == [("missing-scale-target", "spec.scaleTargetRef.name")]
    assert told(written(text, named("argoproj.io/v1alpha1", "Rollout", "web"))) == []


def test_the_object_of_a_metric() -> None:
    metrics = """[{type: Object, object: {describedObject:
      {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main}}},
      {type: Object, object: {describedObject: {apiVersion: example.com/v1, kind: Queue, name: q}}}]"""
    text = written(
        autoscaler(f"{{scaleTargetRef: {TARGET}, metrics: {metrics}}}"), deployment("containers: []")
    )
    assert told(text) == [("missing-metric-object", "spec.metrics[0].object.describedObject.name")]
    assert told(written(text, named("networking.k8s.io/v1", "Ingress", "main"))) == []


# What is requested

CPU = "[{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]"


def scaled(pods: str, metrics: str = CPU) -> str:
    return written(autoscaler(f"{{scaleTargetRef: {TARGET}, metrics: {metrics}}}"), deployment(pods))


@pytest.mark.parametrize(
    "pods",
    [
        REQUESTS,
        "containers: [{name: app, resources: {limits: {cpu: 1}}}]",
        "{resources: {requests: {cpu: 1}}, containers: [{name: app}]}",
        "{initContainers: [{name: setup}], containers: [{name: app, resources: {requests: {cpu: 1}}}]}",
    ],
)
def test_requests_that_are_there(pods: str) -> None:
    assert told(scaled(pods)) == []


@pytest.mark.parametrize(
    ("pods", "container"),
    [
        ("containers: [{name: app}]", "app"),
        ("containers: [{name: app, resources: {requests: {memory: 1Gi}}}]", "app"),
        ("containers: [{name: app, resources: {requests: {cpu: 1}}}, {name: side}]", "side"),
        (
            "{initContainers: [{name: proxy, restartPolicy: Always}], "
            + REQUESTS.replace("name: app", "name: a")
            + "}",
            "proxy",
        ),
    ],
)
def test_requests_that_are_not(pods: str, container: str) -> None:
    (found,) = findings(scaled(pods))
    assert (found.code, found.field) == ("missing-resource-request", "spec.metrics[0].resource.name")
    assert f"Container `{container}` of Deployment `web` requests no cpu" in found.message


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("{resource: {name: cpu, target: {type: AverageValue, averageValue: 1}}}", []),
        ("{external: {metric: {name: queue}, target: {type: Value, value: 1}}}", []),
        ("{containerResource: {name: cpu, container: app, target: {type: Utilization}}}", []),
        (
            "{containerResource: {name: cpu, container: side, target: {type: Utilization}}}",
            [("missing-resource-request", "spec.metrics[0].containerResource.name")],
        ),
    ],
)
def test_other_metrics(metric: str, expected: list[tuple[str, str]]) -> None:
    pods = "containers: [{name: app, resources: {requests: {cpu: 1}}}, {name: side}]"
    assert told(scaled(pods, f"[{metric}]")) == expected


def test_the_old_version_of_an_autoscaler() -> None:
    spec = f"{{scaleTargetRef: {TARGET}, targetCPUUtilizationPercentage: 80}}"
    text = written(autoscaler(spec, "autoscaling/v1"), deployment("containers: [{name: app}]"))
    assert told(text) == [("missing-resource-request", "spec.targetCPUUtilizationPercentage")]


@pytest.mark.parametrize(
    "filler",
    [
        named("v1", "LimitRange", "defaults"),
        named("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", "web"),
        named("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", "requests"),
    ],
)
def test_requests_that_something_else_may_give(filler: dict[str, Any]) -> None:
    assert told(written(scaled("containers: [{name: app}]"), filler)) == []


# What is protected


@pytest.mark.parametrize(
    "selector",
    [
        "{matchLabels: {app: web}}",
        "{matchExpressions: [{key: app, operator: In, values: [web, api]}]}",
        "{matchExpressions: [{key: app, operator: Exists}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [api]}]}",
        "{matchExpressions: [{key: team, operator: DoesNotExist}]}",
        "{matchExpressions: [{key: team, operator: NotIn, values: [a]}], matchLabels: {app: web}}",
        "{matchExpressions: [{key: app, operator: Near, values: [a]}]}",
        "{matchExpressions: [{key: app, operator: In}]}",
        "{matchExpressions: app}",
        "{matchLabels: {app: 1}}",
        "web",
    ],
)
def test_a_sound_or_malformed_budget(selector: str) -> None:
    assert told(written(budget(f"{{selector: {selector}}}"), deployment(REQUESTS))) == []


@pytest.mark.parametrize(
    "selector",
    [
        "{matchLabels: {app: api}}",
        "{matchExpressions: [{key: app, operator: In, values: [api]}]}",
        "{matchExpressions: [{key: team, operator: Exists}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}",
        "{matchExpressions: [{key: app, operator: DoesNotExist}]}",
        "{matchExpressions: [{key: team, operator: Exists}], matchLabels: {app: web}}",
    ],
)
def test_a_budget_that_covers_nothing(selector: str) -> None:
    text = written(budget(f"{{selector: {selector}}}"), deployment(REQUESTS))
    assert told(text) == [("budget-without-pods", "spec.selector")]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("{minAvailable: 1}", "covers no pod"),
        ("{minAvailable: 1, selector: null}", "covers no pod"),
        ("{minAvailable: 1, selector: {}}", "covers every pod"),
        ("{minAvailable: 1, selector: {matchLabels: {}, matchExpressions: []}}", "covers every pod"),
    ],
)
def test_a_budget_whose_selector_is_empty(spec: str, says: str) -> None:
    (found,) = findings(written(budget(spec), deployment(REQUESTS)))
    assert (found.code, found.field) == ("empty-selector", "spec.selector")
    assert says in found.message


def test_a_policy_for_all_pods_is_no_surprise() -> None:
    policy = named("networking.k8s.io/v1", "NetworkPolicy", "deny", spec=yaml.safe_load("{podSelector: {}}"))
    assert told(written(policy)) == []
