"""Findings of one cause, told once."""

from __future__ import annotations

from sandkube.manifests.document import Document
from sandkube.manifests.reading import read
from sandkube.reports import Finding
from sandkube.validation.folding import of_one_cause
from sandkube.validation.placing import finding

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  serviceAccountName: web
  containers:
  - name: web
    imagee: web
    envFrom: [{configMapRef: {name: web}}]
"""
ABSENT = 'pods "web" is forbidden: looking up service account default/web: serviceaccount "web" not found'


def document() -> Document:
    (one,) = read(POD.encode(), "pod.yaml").documents
    return one


def folded(one: Document, *found: Finding) -> list[tuple[str, str]]:
    return [(told.code, told.severity) for _, told in of_one_cause([(one, each) for each in found])]


def test_a_reference_tells_what_the_server_says_of_it_as_severely() -> None:
    pod = document()
    refused = finding(pod, "refused", ABSENT, server=ABSENT)
    account = finding(pod, "missing-serviceaccount", "absent", field="spec.serviceAccountName")
    assert folded(pod, refused, account) == [("missing-serviceaccount", "error")]
    other = document()
    assert len(of_one_cause([(other, refused), (pod, account)])) == 2


def test_another_object_of_that_name_has_nothing_to_do_with_it() -> None:
    pod = document()
    refused = finding(pod, "refused", ABSENT, server=ABSENT)
    settings = finding(
        pod, "missing-configmap", "absent", field="spec.containers[0].envFrom[0].configMapRef.name"
    )
    assert folded(pod, refused, settings) == [("refused", "error"), ("missing-configmap", "warning")]


def test_a_misspelt_field_tells_that_it_is_missing() -> None:
    pod = document()
    hint = "did you mean `image`?"
    typo = finding(pod, "unknown-field", "no such field", field="spec.containers[0].imagee", hint=hint)
    missing = finding(pod, "required", "missing", field="spec.containers[0].image")
    other = finding(pod, "required", "missing", field="spec.containers[1].image")
    assert folded(pod, typo, missing, other) == [("unknown-field", "error"), ("required", "error")]
    assert folded(pod, missing) == [("required", "error")]
