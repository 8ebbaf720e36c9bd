"""Charts and kustomizations, rendered by the real helm and kubectl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command_line import Sandkube

VALUES = {
    "plain": "{}\n",
    "scaled": "autoscaling: {enabled: true, minReplicas: 2}\nresources: {requests: {cpu: 100m}}\n",
    "ingress": """\
ingress:
  enabled: true
  className: ""
  hosts:
  - host: shop.example.com
    paths: [{path: /, pathType: Prefix}]
""",
    "limits": "resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}\nreplicaCount: 3\n",
    "placed": "nodeSelector: {disk: ssd}\ntolerations: [{key: a, operator: Exists}]\n",
}

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer}}}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
        imagePullPolicy: Never
"""


@pytest.fixture
def chart(sandkube: Sandkube) -> Path:
    sandkube.shell(f"'{sandkube.server}' version >/dev/null 2>&1; exit 0", status=None)
    helm = sandkube.home / "helm"
    helm.symlink_to(sandkube.server)
    sandkube.run([str(helm), "create", "shop"])
    for name, text in VALUES.items():
        (sandkube.home / f"{name}.yaml").write_text(text)
    return sandkube.home / "shop"


def findings(done: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return found


@pytest.mark.timeout(240)
def test_a_new_chart_in_five_cases(sandkube: Sandkube, chart: Path) -> None:
    cases = [part for name in VALUES for part in ("--values", f"{name}.yaml")]
    done = sandkube("validate", "shop", *cases, "-o", "json", "--ignore", "missing-ingressclass")
    assert findings(done) == []
    assert json.loads(done.stdout)["summary"]["documents"] >= 5 * 4


@pytest.mark.parametrize(
    ("values", "code", "file", "line"),
    [
        ("replicaCount: many\n", "wrong-type", "deployment.yaml", "replicas: {{ .Values.replicaCount }}"),
        ("service: {port: 70000}\n", "invalid-value", "service.yaml", "- port: {{ .Values.service.port }}"),
        (
            "service: {type: Nowhere}\n",
            "unsupported-value",
            "service.yaml",
            "type: {{ .Values.service.type }}",
        ),
        (
            "resources: {limits: {cpu: lots}}\n",
            "wrong-type",
            "deployment.yaml",
            "{{- toYaml . | nindent 12 }}",
        ),
        (
            "image: {pullPolicy: Sometimes}\n",
            "unsupported-value",
            "deployment.yaml",
            "imagePullPolicy: {{ .Values.image.pullPolicy }}",
        ),
    ],
)
def test_a_value_that_breaks_it_is_found_in_the_template(
    sandkube: Sandkube, chart: Path, values: str, code: str, file: str, line: str
) -> None:
    (sandkube.home / "broken.yaml").write_text(values)
    done = sandkube(
        "validate", "shop", "--values", "plain.yaml", "--values", "broken.yaml", "-o", "json", status=1
    )
    found = [
        one
        for one in findings(done)
        if one["code"] == code and one["place"]["file"] == f"shop/templates/{file}"
    ]
    assert found, done.stdout
    place = found[0]["place"]
    assert (chart / "templates" / file).read_text().splitlines()[place["line"] - 1].strip() == line
    assert found[0]["case"] == "broken.yaml"


def test_a_template_that_cannot_be_rendered(sandkube: Sandkube, chart: Path) -> None:
    template = chart / "templates" / "extra.yaml"
    template.write_text("a: {{ .Values.nothing.here }}\n")
    (one,) = findings(sandkube("validate", "shop", "-o", "json", status=1))
    assert (one["code"], one["place"]["file"], one["place"]["line"]) == (
        "render-failed",
        "shop/templates/extra.yaml",
        1,
    )
    template.write_text("a: 1\nb: [\n")
    (one,) = findings(sandkube("validate", "shop", "-o", "json", status=1))
    assert (one["code"], one["place"]["file"]) == ("yaml-syntax", "shop/templates/extra.yaml")


def test_a_dependency_that_is_missing(sandkube: Sandkube, chart: Path) -> None:
    with (chart / "Chart.yaml").open("a") as file:
        file.write("dependencies:\n- name: postgresql\n  version: 1.0.0\n  repository: https://example.com\n")
    lines = (chart / "Chart.yaml").read_text().splitlines()
    (one,) = findings(sandkube("validate", "shop", "-o", "json", status=1))
    assert one["code"] == "missing-dependency"
    assert lines[one["place"]["line"] - 1] == "- name: postgresql"
    assert one["hint"] == "helm dependency build shop"


def test_a_subchart_definitions_hooks_and_lookup(sandkube: Sandkube, chart: Path) -> None:
    """An archive, with a custom resource of a kind that its own `crds/` defines."""
    (chart / "crds").mkdir()
    (chart / "crds" / "widgets.yaml").write_text(DEFINITION)
    (chart / "templates" / "widget.yaml").write_text(
        "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: w\n"
        '  annotations: {"helm.sh/hook": pre-install}\nspec:\n  size: {{ .Values.size | default 1 }}\n'
    )
    (chart / "templates" / "looked-up.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: looked-up}\ndata:\n"
        '  there: {{ lookup "v1" "Namespace" "" "kube-system" | empty | not | quote }}\n'
        "  version: {{ .Capabilities.KubeVersion.Version | quote }}\n"
    )
    sandkube.run([str(sandkube.home / "helm"), "package", "shop"])
    done = sandkube("validate", "shop-0.1.0.tgz", "-o", "json")
    assert findings(done) == []
    (one,) = findings(sandkube("validate", "shop-0.1.0.tgz", "--set", "size=big", "-o", "json", status=1))
    assert (one["code"], one["place"]["file"], one["place"]["line"]) == (
        "wrong-type",
        "shop-0.1.0.tgz:templates/widget.yaml",
        7,
    )


def test_a_kustomization(sandkube: Sandkube) -> None:
    base, over = sandkube.home / "base", sandkube.home / "over"
    base.mkdir()
    over.mkdir()
    (base / "app.yaml").write_text(DEPLOYMENT)
    (base / "kustomization.yaml").write_text("resources: [app.yaml]\n")
    (over / "kustomization.yaml").write_text(
        "resources: [../base]\nnamePrefix: test-\nreplicas: [{name: web, count: 3}]\n"
    )
    assert findings(sandkube("validate", "-k", "over", "-o", "json")) == []
    text = (base / "app.yaml").read_text()
    (base / "app.yaml").write_text(text.replace("Never", "Sometimes"))
    (one,) = findings(sandkube("validate", "over", "-o", "json", status=1))
    assert (one["code"], one["place"]["file"], one["place"]["line"]) == (
        "unsupported-value",
        "base/app.yaml",
        14,
    )
    assert one["object"]["name"] == "test-web"
    (base / "app.yaml").write_text(text)
    (over / "patch.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
        "spec: {template: {spec: {containers: [{name: web,\n  imagePulPolicy: Always}]}}}\n"
    )
    (over / "kustomization.yaml").write_text("resources: [../base]\npatches: [{path: patch.yaml}]\n")
    (one,) = findings(sandkube("validate", "over", "-o", "json", status=1))
    assert (one["code"], one["place"]["file"], one["place"]["line"]) == (
        "unknown-field",
        "over/patch.yaml",
        5,
    )
    for begin, end in (
        ("patches:\n- patch: |-\n", "  target: {kind: Deployment}\n"),
        ("patchesStrategicMerge:\n- |\n", "commonLabels: {a: b}\n"),
    ):
        lines = "".join(f"    {line}\n" for line in (over / "patch.yaml").read_text().splitlines())
        (over / "kustomization.yaml").write_text(f"resources: [../base]\n{begin}{lines}{end}")
        (one,) = findings(sandkube("validate", "over", "-o", "json", status=1))
        assert (one["code"], one["place"]["file"], one["place"]["line"], one["place"]["column"]) == (
            "unknown-field",
            "over/kustomization.yaml",
            8,
            7,
        )
    (over / "kustomization.yaml").write_text("resources: [../absent]\n")
    (one,) = findings(sandkube("validate", "over", "-o", "json", status=1))
    assert (one["code"], one["place"]["file"]) == ("render-failed", "over/kustomization.yaml")
