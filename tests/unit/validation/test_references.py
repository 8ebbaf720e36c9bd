"""Going through a set as a whole: order, namespaces, malformed manifests, rules."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from sandkube.validation.references import RULES, dangling
from sandkube.validation.references.tree import Node
from unit.validation.fresh_cluster import FreshCluster
from unit.validation.referring import deployment, findings, named, objects, told, written
from validation.sets import ManifestSet, never_run
from validation.sets import written as written_in

# What may stand anywhere in a malformed manifest.
ODD: list[Any] = [None, True, 0, -1.5, "", "text", [], [None], ["text"], [[]], {}, {"name": None}, {1: 2}]


def test_the_order_is_that_of_the_objects() -> None:
    text = written(
        deployment("volumes: [{name: a, configMap: {name: a}}, {name: b, configMap: {name: b}}]"),
        named("v1", "Namespace", "shop"),
        deployment("priorityClassName: high", name="other"),
    )
    assert [(one.index, one.code) for one in findings(text)] == [
        (0, "missing-configmap"),
        (0, "missing-configmap"),
        (2, "missing-priorityclass"),
    ]


def test_the_namespace_of_what_names_none() -> None:
    pods = written(deployment("volumes: [{name: a, configMap: {name: a}}]"))
    assert told(pods, FreshCluster(named("v1", "ConfigMap", "a", "shop")), namespace="shop") == []
    assert told(pods, FreshCluster(named("v1", "ConfigMap", "a", "shop"))) != []


def test_kinds_of_another_group_are_not_ours() -> None:
    service = named("serving.knative.dev/v1", "Service", "web", spec={"selector": {}})
    assert told(written(service)) == []


def test_a_custom_resource_without_a_namespace() -> None:
    definition = named(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "buckets.example.com",
        spec={"group": "example.com", "scope": "Cluster", "names": {"kind": "Bucket"}},
    )
    bucket = named("example.com/v1", "Bucket", "x", "ignored")
    binding = named(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "b",
        roleRef={"kind": "ClusterRole", "name": "view"},
        subjects=[{"kind": "ServiceAccount", "name": "default", "namespace": "ignored"}],
    )
    assert told(written(bucket, binding)) == []
    assert told(written(definition, bucket, binding)) == [("missing-namespace", "subjects[0].namespace")]


def test_what_is_in_the_set_is_not_asked_of_the_cluster() -> None:
    cluster = FreshCluster()
    text = written(
        deployment("volumes: [{name: v, configMap: {name: a}}, {name: w, configMap: {name: b}}]"),
        named("v1", "ConfigMap", "a"),
    )
    told(text, cluster)
    assert cluster.asked == [("", "ConfigMap", "default", "b")]


def test_each_rule_has_a_code_of_its_own_and_is_a_warning() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert {rule.severity for rule in RULES} == {"warning"}
    assert all(rule.title and rule.meaning.endswith(".") for rule in RULES)


# Malformed manifests


@pytest.mark.parametrize("odd", [*ODD, {"kind": "Pod"}, {"apiVersion": 1, "kind": []}, {"metadata": "x"}])
def test_what_is_no_manifest_says_nothing(odd: Any) -> None:
    assert list(dangling([odd], FreshCluster(), default_namespace="default")) == []


def test_an_alias_that_leads_into_itself() -> None:
    text = written(
        "{apiVersion: example.com/v1, kind: Loop, metadata: {name: l}, spec: &a {more: *a, list: [*a]}}",
        deployment("volumes: [{name: v, secret: {secretName: s}}]"),
    )
    assert told(text) == [("missing-secret", "spec.template.spec.volumes[0].secret.secretName")]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a manifest: what holds it, and the key or index in that."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield value, key
            yield from places(inside)
    elif isinstance(value, list):
        for index, inside in enumerate(value):
            yield value, index
            yield from places(inside)


@pytest.mark.parametrize("manifests", never_run(), ids=str)
def test_odd_values_anywhere_raise_nothing(manifests: ManifestSet) -> None:
    drawn = random.Random(manifests.name)
    sound = [one.manifest for one in written_in(manifests.folder)]
    for _ in range(60):
        broken = copy.deepcopy(sound)
        holder, key = drawn.choice(list(places(broken)))
        holder[key] = copy.deepcopy(drawn.choice(ODD))
        for one in dangling(broken, FreshCluster(), default_namespace="default"):
            assert one.message
            assert one.field


# Reading


def test_a_path_is_written_as_the_server_writes_it() -> None:
    (manifest,) = objects("spec: {containers: [{name: a}, {name: b}]}")
    first, second = Node(manifest).at("spec", "containers").each()
    assert (first["name"].path, first["name"].text) == ("spec.containers[0].name", "a")
    assert second["ports"].path == "spec.containers[1].ports"
    assert not second["ports"].there


def test_what_is_below_another_type_is_not_there() -> None:
    node = Node("text").at("a", "b")
    assert (node.path, node.text, node.number, list(node.each()), node.strings()) == ("a.b", "", None, [], {})
    assert Node(True).number is None
