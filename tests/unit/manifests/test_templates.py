from __future__ import annotations

from sandkube.manifests.templates import origins

TEMPLATE = """\
{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "demo.fullname" . }}
  labels:
    {{- include "demo.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  template:
    spec:
      containers:
        {{- range .Values.containers }}
        - name: {{ .name }}
          image: "{{ .image }}:{{ .tag | default "latest" }}"
        {{- end }}
      {{- with .Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
"""

OUTPUT = [
    "# Source: demo/templates/deployment.yaml",
    "apiVersion: apps/v1",
    "kind: Deployment",
    "metadata:",
    "  name: release-name-demo",
    "  labels:",
    "    app.kubernetes.io/name: demo",
    '    app.kubernetes.io/version: "1"',
    "spec:",
    "  replicas: 3",
    "  template:",
    "    spec:",
    "      containers:",
    "        - name: web",
    '          image: "nginx:latest"',
    "        - name: side",
    '          image: "busybox:1"',
    "      nodeSelector:",
    "        disk: ssd",
    "        zone: a",
    "",
]


def line_of(text: str, output: list[str] = OUTPUT, template: str = TEMPLATE) -> str:
    number = next(number for number, line in enumerate(output) if text in line)
    return template.split("\n")[origins(template, output)[number] - 1].strip()


def test_lines_that_stand_there_as_they_are() -> None:
    assert line_of("kind: Deployment") == "kind: Deployment"
    assert line_of("template:") == "template:"


def test_lines_with_values() -> None:
    assert line_of("replicas: 3") == "replicas: {{ .Values.replicaCount }}"
    assert line_of("release-name-demo") == 'name: {{ include "demo.fullname" . }}'


def test_several_lines_of_one_action() -> None:
    assert line_of("app.kubernetes.io/version") == '{{- include "demo.labels" . | nindent 4 }}'
    assert line_of("disk: ssd") == "{{- toYaml . | nindent 8 }}"
    assert line_of("zone: a") == "{{- toYaml . | nindent 8 }}"


def test_each_turn_of_a_loop() -> None:
    assert line_of("nginx:latest").startswith("image:")
    assert line_of("- name: side") == "- name: {{ .name }}"
    assert line_of("busybox:1").startswith("image:")


def test_a_branch_that_was_not_taken() -> None:
    output = [line for line in OUTPUT if "replicas" not in line]
    assert line_of("nodeSelector", output) == "nodeSelector:"


def test_definitions_give_nothing_where_they_stand() -> None:
    template = '{{- define "x" }}\nname: no\n{{- end }}\nname: {{ .a }}\n'
    assert origins(template, ["name: yes"]) == [4]


def test_nothing_to_say() -> None:
    assert origins("", ["a: 1"]) == []
    assert origins("{{ if . }}{{ end }}", ["a: 1"]) == []
    assert origins("a: 1", []) == []
