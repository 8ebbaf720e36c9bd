"""Kinds of one's own: schema, rules, defaults, subresources, versions, columns and selectable fields."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from integration.kubectl import Kubectl, manifest, until
from sandkube import Cluster


@pytest.fixture(scope="module")
def group(cluster: Cluster) -> Iterator[str]:
    """A group with the kind Widget, until all tests here are done."""
    kubectl, name = Kubectl(cluster), f"w{secrets.token_hex(4)}.example.com"
    definition = manifest("widgets.yaml").replace("GROUP", name)
    kubectl.apply(definition)
    kubectl.wait("condition=Established", f"crd/widgets.{name}")
    yield name
    kubectl("delete", "crd", f"widgets.{name}", "--wait=false")


@pytest.fixture
def widget(kubectl: Kubectl, group: str) -> Any:
    """A Widget that can be made; the kind is served."""
    until(lambda: kubectl("get", f"widgets.{group}", check=False).returncode == 0)
    return {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": 3}}


def get(kubectl: Kubectl, group: str, name: str = "one") -> Any:
    return kubectl.get(f"widgets.v1.{group}", name)


def test_defaults_are_filled_in(kubectl: Kubectl, group: str, widget: Any) -> None:
    kubectl.apply(json.dumps(widget))
    assert get(kubectl, group)["spec"] == {"size": 3, "colour": "green", "replicas": 1}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"size": 11}, "should be less than or equal to 10"),
        ({"size": "big"}, 'must be of type integer: "string"'),
        ({}, "spec.size: Required value"),
        ({"size": 3, "colour": "blue"}, 'supported values: "red", "green"'),
        ({"size": 3, "least": 4}, "least must not exceed size"),
        ({"size": 3, "sise": 4}, 'unknown field "spec.sise"'),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(
    kubectl: Kubectl, widget: Any, spec: dict[str, object], reason: str
) -> None:
    message = kubectl.refused("apply", "--filename=-", stdin=json.dumps(widget | {"spec": spec}))
    assert reason in message


def test_a_rule_on_changes_holds(kubectl: Kubectl, group: str, widget: Any) -> None:
    widget["spec"]["fixed"] = "so"
    kubectl.apply(json.dumps(widget))
    change = '{"spec": {"fixed": "otherwise"}}'
    message = kubectl.refused("patch", f"widgets.{group}", "one", "--type=merge", "--patch", change)
    assert "fixed cannot be changed" in message


def test_status_is_changed_apart_from_the_rest(kubectl: Kubectl, group: str, widget: Any) -> None:
    kubectl.apply(json.dumps(widget | {"status": {"phase": "Done"}}))
    assert "status" not in get(kubectl, group)
    change = '{"spec": {"size": 4}, "status": {"phase": "Done"}}'
    patch = ("patch", f"widgets.{group}", "one", "--type=merge", "--patch", change)
    kubectl(*patch, "--subresource=status")
    assert (get(kubectl, group)["spec"]["size"], get(kubectl, group)["status"]["phase"]) == (3, "Done")
    assert get(kubectl, group)["metadata"]["generation"] == 1
    kubectl(*patch)
    assert get(kubectl, group)["metadata"]["generation"] == 2


def test_it_scales(kubectl: Kubectl, group: str, widget: Any) -> None:
    kubectl.apply(json.dumps(widget))
    kubectl("scale", f"widgets.{group}", "one", "--replicas=5")
    assert get(kubectl, group)["spec"]["replicas"] == 5


def test_versions_hold_the_same_object_and_an_old_one_warns(
    kubectl: Kubectl, group: str, widget: Any
) -> None:
    kubectl.apply(json.dumps(widget))
    old = kubectl("get", f"widgets.v1beta1.{group}", "one", "--output=json")
    assert json.loads(old.stdout)["spec"] == get(kubectl, group)["spec"]
    assert "widgets v1beta1 are old" in old.stderr


def test_columns_and_short_names_are_used(kubectl: Kubectl, group: str, widget: Any) -> None:
    kubectl.apply(json.dumps(widget))
    header, row = kubectl("get", f"wd.{group}").stdout.splitlines()
    assert (header.split(), row.split()) == (["NAME", "COLOUR"], ["one", "green"])


def test_fields_select(kubectl: Kubectl, group: str, widget: Any) -> None:
    kubectl.apply(json.dumps(widget))
    kubectl.apply(json.dumps(widget | {"metadata": {"name": "two"}, "spec": {"size": 3, "colour": "red"}}))
    (found,) = kubectl.get(f"widgets.{group}", "--field-selector=spec.colour=red")
    assert found["metadata"]["name"] == "two"
    assert "field label not supported" in kubectl.refused(
        "get", f"widgets.{group}", "--field-selector=spec.size=3"
    )


def test_it_is_explained(kubectl: Kubectl, group: str, widget: Any) -> None:
    def text() -> str:
        done = kubectl("explain", f"widgets.{group}", "--recursive", check=False)
        return done.stdout if "Widget is a thing to test with" in done.stdout else ""

    assert "size" in until(text)
    assert (
        "Size is how big it is" in kubectl("explain", "widgets.spec.size", f"--api-version={group}/v1").stdout
    )


def test_a_definition_that_makes_no_sense_is_refused(kubectl: Kubectl) -> None:
    definition = manifest("widgets.yaml").replace("GROUP", "other.example.com")
    wrong = definition.replace("rule: self == oldSelf", "rule: self === oldSelf")
    assert "Syntax error" in kubectl.refused("apply", "--filename=-", stdin=wrong)


def test_with_the_definition_all_of_the_kind_is_gone(kubectl: Kubectl) -> None:
    group = f"{kubectl.namespace}.example.com"
    definition = manifest("widgets.yaml").replace("GROUP", group)
    kubectl.apply(definition)
    kubectl.wait("condition=Established", f"crd/widgets.{group}")
    thing = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": 3}}
    create = ("create", "--filename=-")
    until(lambda: kubectl(*create, stdin=json.dumps(thing), check=False).returncode == 0)
    kubectl("delete", "crd", f"widgets.{group}", "--wait=false")
    kubectl.wait("delete", f"crd/widgets.{group}")
    until(lambda: f"apis/{group}" not in kubectl("get", "--raw=/openapi/v3").stdout)
