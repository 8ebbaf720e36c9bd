from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sandkube.reports import Report, json_report
from sandkube.reports.json_schema import SCHEMA
from unit.reports.samples import CLEAN, EMPTY, ERROR, HOSTILE, MIXED, NOWHERE, RENDERED, filled, many, report

VALIDATOR = Draft202012Validator(SCHEMA)


def parsed(found: Report) -> Any:
    return json.loads(json_report.render(found))


def undescribed(value: Any, schema: Any) -> list[str]:
    """Give the keys that a document and its schema do not have in common, and those that are optional."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return [] if value is None else undescribed(value, schema["anyOf"][0])
    if isinstance(value, list):
        return [key for item in value for key in undescribed(item, schema["items"])]
    if not isinstance(value, dict):
        return []
    if "additionalProperties" in schema:
        return [key for item in value.values() for key in undescribed(item, schema["additionalProperties"])]
    properties = schema["properties"]
    odd = sorted((set(value) ^ set(properties)) | (set(schema["required"]) ^ set(properties)))
    known = set(value) & set(properties)
    return odd + [key for name in known for key in undescribed(value[name], properties[name])]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("found", [EMPTY, CLEAN, MIXED, many(5000)], ids=["empty", "clean", "mixed", "many"])
def test_a_report_is_valid(found: Report) -> None:
    VALIDATOR.validate(parsed(found))


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_report_of_hostile_texts_is_valid(kind: str) -> None:
    VALIDATOR.validate(parsed(filled(HOSTILE[kind])))


@pytest.mark.parametrize("found", [MIXED, filled("text")], ids=["mixed", "filled"])
def test_the_schema_describes_every_key_and_every_key_is_there(found: Report) -> None:
    assert undescribed(parsed(found), SCHEMA) == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (["version"], 2),
        (["kind"], "Report"),
        (["seconds"], None),
        (["summary", "errors"], -1),
        (["findings", 0, "severity"], "fatal"),
        (["findings", 0, "place", "line"], 0),
        (["findings", 0, "object", "name"], None),
        (["rules", "unknown-field", "title"], 1),
    ],
)
def test_the_schema_refuses_what_is_no_report(path: list[Any], wrong: object) -> None:
    document = deepcopy(parsed(MIXED))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = wrong
    assert not VALIDATOR.is_valid(document)


def test_a_finding_is_told_whole() -> None:
    assert parsed(report([RENDERED]))["findings"] == [
        {
            "code": "unknown-field",
            "severity": "error",
            "message": 'unknown field "imagePullPolicyy"',
            "place": {
                "file": "chart/templates/deploy.yaml",
                "line": 20,
                "column": 11,
                "end": 31,
                "text": "          {{ .Values.policy }}: Always",
            },
            "object": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "namespace": "shop",
                "name": "web",
            },
            "field": "spec.template.spec.containers[0].imagePullPolicyy",
            "server": ERROR.server,
            "hint": "did you mean `imagePullPolicy`?",
            "rendered": {
                "file": "chart/templates/deploy.yaml",
                "line": 12,
                "column": 9,
                "end": 25,
                "text": "        imagePullPolicyy: Always",
            },
            "case": "values-prod.yaml",
            "fingerprint": RENDERED.fingerprint,
        }
    ]


def test_what_is_not_known_is_null() -> None:
    (found,) = parsed(report([NOWHERE]))["findings"]
    assert {key for key, value in found.items() if value is None} == {
        "place",
        "object",
        "field",
        "server",
        "hint",
        "rendered",
        "case",
    }


def test_a_report_sums_up() -> None:
    found = parsed(MIXED)
    assert found["summary"] == {"files": 3, "documents": 12, "errors": 3, "warnings": 1, "accepted": 1}
    assert (found["version"], found["kind"], found["ok"]) == (1, "ValidationReport", False)
    assert (found["kubernetes"], found["seconds"]) == ("v1.37.2", 1.42)
    assert [item["code"] for item in found["accepted"]] == ["deprecated-api"]
    assert parsed(CLEAN)["ok"] is True
