from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from sandkube.reports import Report, junit
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


def parsed(found: Report) -> ET.Element:
    root = ET.fromstring(junit.render(found).encode())
    assert root.tag == "testsuites"
    (suite,) = root
    for name in ("tests", "failures", "errors", "skipped", "time"):
        assert root.get(name) == suite.get(name)
    cases = suite.findall("testcase")
    assert int(suite.get("tests", "")) == len(cases)
    assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
    return suite


def names(found: Report) -> list[str | None]:
    return [case.get("name") for case in parsed(found).iter("testcase")]


def test_every_file_is_a_test_case() -> None:
    suite = parsed(CLEAN)
    assert names(CLEAN) == ["deploy.yaml", "more/pdb.yaml", "service.yaml"]
    assert [len(case) for case in suite.iter("testcase")] == [0, 0, 0]
    assert (suite.get("failures"), suite.get("time")) == ("0", "1.420")
    assert {case.get("file") for case in suite.iter("testcase")} == set(CLEAN.files)


def test_nothing_read_gives_no_test_case() -> None:
    assert names(EMPTY) == []


def test_an_error_fails_its_file_and_a_warning_is_output() -> None:
    first, second, third = parsed(report([ERROR, WARNING])).iter("testcase")
    failure = first.find("failure")
    assert failure is not None
    assert failure.get("message") == 'unknown field "imagePullPolicyy"'
    assert failure.get("type") == "unknown-field"
    assert "   12 |         imagePullPolicyy: Always\n" in (failure.text or "")
    assert second.find("failure") is None
    assert (second.findtext("system-out") or "").startswith("more/pdb.yaml:1:1: warning: policy/v1beta1")
    assert len(third) == 0


def test_all_errors_of_a_file_are_in_its_one_failure() -> None:
    first, *_ = parsed(report([ERROR, replace(ERROR, message="another")])).iter("testcase")
    (failure,) = first.findall("failure")
    assert failure.get("message") == '2 errors: unknown field "imagePullPolicyy"'
    assert (failure.text or "").count("deploy.yaml:12:9: error:") == 2


def test_each_case_of_values_is_a_test_case_of_its_own() -> None:
    file = "chart/templates/deploy.yaml"
    dev, prod = replace(RENDERED, case="dev"), replace(RENDERED, case="prod")
    found = report([dev, prod, dev], files=[file, "a.yaml"])
    assert names(found) == [f"{file} (dev)", f"{file} (prod)", "a.yaml"]


def test_what_lies_in_no_file_that_was_read_is_told_too() -> None:
    assert names(report([NOWHERE, RENDERED], files=["a.yaml"])) == [
        "a.yaml",
        "no file",
        "chart/templates/deploy.yaml (values-prod.yaml)",
    ]


def test_what_the_baseline_accepted_fails_nothing_and_is_told() -> None:
    first, *_ = parsed(report(accepted=[ERROR])).iter("testcase")
    assert first.find("failure") is None
    output = first.findtext("system-out") or ""
    assert output.startswith("Accepted by the baseline:\n\ndeploy.yaml:12:9: error:")


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_stay_text(kind: str) -> None:
    suite = parsed(filled(HOSTILE[kind]))
    assert [child.tag for child in suite] == ["properties", "testcase", "testcase"]
    first, second = suite.iter("testcase")
    assert [child.tag for child in first] == ["failure", "system-out"]
    assert [child.tag for child in second] == ["system-out"]


def test_what_xml_can_hold_comes_out_as_it_went_in() -> None:
    text = "\"a\" 'b' <c> & ]]> 🎉 {{ }}"
    first, _ = parsed(filled(text)).iter("testcase")
    failure = first.find("failure")
    assert failure is not None
    assert (first.get("name"), failure.get("message")) == (f"{text} ({text})", text)


def test_five_thousand_findings() -> None:
    suite = parsed(many(5000))
    assert suite.get("tests") == "100"
    assert sum((case.findtext("failure") or "").count(": error: ") for case in suite.iter("testcase")) == 4000


def test_mixed_findings_are_each_where_they_belong() -> None:
    failed = [case.get("name") for case in parsed(MIXED).iter("testcase") if case.find("failure") is not None]
    assert failed == ["deploy.yaml", "chart/templates/deploy.yaml (values-prod.yaml)", "no file"]
