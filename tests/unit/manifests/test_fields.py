from __future__ import annotations

import yaml

from sandkube.manifests import fields
from sandkube.manifests.composing import compose
from sandkube.manifests.lines import Lines
from sandkube.manifests.values import value_of

TEXT = """\
metadata:
  labels:
    app: web
    app.kubernetes.io/name: shop
spec:
  containers:
  - name: web
    ports:
    - {containerPort: 80, protocol: TCP}
    - {containerPort: 81}
  - name: side
    image: x
  finalizers: [a, b]
data:
  a.b: one
  a: {b: two}
"""


def tree(text: str = TEXT) -> yaml.Node:
    node = compose(text)
    assert node is not None
    return node


def at(path: str, text: str = TEXT) -> str:
    """What is found, as the line and the word that stand there; with what of the path is left."""
    found = fields.find(tree(text), path)
    span = Lines(text).span(found.key if found.key is not None else found.value)
    word = span.text[span.column - 1 : span.end - 1]
    return f"{span.line} {word}" + (f" +{found.rest}" if found.rest else "")


def test_a_path_with_indices() -> None:
    assert at("spec.containers[1].image") == "12 image"
    assert at("spec.containers[0].ports[1].containerPort") == "10 containerPort"


def test_keys_that_hold_dots_and_slashes() -> None:
    assert at("metadata.labels.app.kubernetes.io/name") == "4 app.kubernetes.io/name"
    assert at("metadata.labels[app.kubernetes.io/name]") == "4 app.kubernetes.io/name"
    assert at('metadata.labels["app"]') == "3 app"
    assert at("data.a.b") == "15 a.b"  # the longest key that fits


def test_the_paths_of_server_side_apply() -> None:
    assert at('.spec.containers[name="side"].image') == "12 image"
    assert (
        at('.spec.containers[name="web"].ports[containerPort=81,protocol="TCP"].containerPort')
        == "10 containerPort"
    )
    assert at('.spec.finalizers["b"]').startswith("13 ")


def test_what_is_not_there_gives_what_is_above_it() -> None:
    assert at("spec.containers[1].ports[0].name") == "11 name: side +ports[0].name"
    assert at("spec.replicas") == "5 spec +replicas"
    assert at("status.replicas").endswith("+status.replicas")
    assert at("spec.containers[7].name") == "6 containers +[7].name"


def test_a_path_without_indices_finds_them_all() -> None:
    found = fields.find_all(tree(), "spec.containers.ports.containerPort")
    assert [one.path for one in found] == [
        "spec.containers[0].ports[0].containerPort",
        "spec.containers[0].ports[1].containerPort",
    ]


def test_what_an_anchor_and_a_merge_bring() -> None:
    text = "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n"
    assert at("b.k", text) == "1 k"
    assert at("b.l", text) == "4 l"
    assert value_of(tree(text)) == {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}}


def test_fields_that_are_there_twice() -> None:
    text = "a: 1\nb:\n- {c: 1, c: 2}\na: 3\n"
    found = {(path, Lines(text).span(again).line) for path, _, again in fields.duplicates(tree(text))}
    assert found == {("a", 4), ("b[0].c", 3)}


def test_yes_and_true_are_the_same_field() -> None:
    assert [path for path, _, _ in fields.duplicates(tree("yes: 1\ntrue: 2\n"))] == ["true"]


def test_taking_a_field_out() -> None:
    node = tree()
    value = value_of(node)
    for path in ("spec.containers[1].image", "metadata.labels[app.kubernetes.io/name]", "spec.finalizers[0]"):
        assert fields.remove(value, fields.find(node, path))
    assert value["spec"]["containers"][1] == {"name": "side"}
    assert value["metadata"]["labels"] == {"app": "web"}
    assert value["spec"]["finalizers"] == [None, "b"]
    assert not fields.remove(value, fields.find(node, "metadata.labels[app.kubernetes.io/name]"))


def test_the_name_of_a_field() -> None:
    assert fields.last("spec.ports[0].port") == "port"
    assert fields.last("spec.ports[0]") == "ports"
    assert fields.last("kind") == "kind"
