"""JUnit's XML, which most CI systems show: a test case for each file, so that what is well is seen too.

A file that was rendered with several cases of values has a test case for each. Errors are the one failure of
their test case, since several readers look at the first only; warnings, and what the baseline accepted, are
its output. There is no standard; attributes are those that Jenkins and GitLab read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET

from sandkube.reports import text
from sandkube.reports.characters import flowing, shortened, visible
from sandkube.reports.finding import Finding, Report
from sandkube.reports.places import file_name
from sandkube.reports.words import counted

SUITE: Final = "sandkube validate"
_CLASS: Final = "sandkube.validate"
_NO_FILE: Final = "no file"
_MESSAGE: Final = 500


@dataclass(slots=True)
class _Case:
    """What was found in one file, with one case of values."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    accepted: list[Finding] = field(default_factory=list)


def render(report: Report) -> str:
    """The report as an XML document, with a line end."""
    seconds = f"{report.seconds:.3f}"
    cases = [
        _element(file, case, found)
        for file, by_case in _by_file(report).items()
        for case, found in (by_case or {None: _Case()}).items()
    ]
    numbers = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": "0",
        "time": seconds,
    }
    suites = ET.Element("testsuites", {"name": SUITE, **numbers})
    suite = ET.SubElement(suites, "testsuite", {"name": SUITE, **numbers})
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "kubernetes", "value": visible(report.kubernetes)})
    suite.extend(cases)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _by_file(report: Report) -> dict[str | None, dict[str | None, _Case]]:
    """What was found, by file and case; files in which nothing was found have no case."""
    cases: dict[str | None, dict[str | None, _Case]] = {file: {} for file in report.files}

    def case_of(finding: Finding) -> _Case:
        file = finding.place.file if finding.place else None
        return cases.setdefault(file, {}).setdefault(finding.case, _Case())

    for finding in report.findings:
        found = case_of(finding)
        (found.errors if finding.severity == "error" else found.warnings).append(finding)
    for finding in report.accepted:
        case_of(finding).accepted.append(finding)
    return cases


def _element(file: str | None, case: str | None, found: _Case) -> ET.Element:
    name = _NO_FILE if file is None else file_name(file)
    attributes = {"name": f"{name} ({visible(case)})" if case else name, "classname": _CLASS, "time": "0"}
    if file is not None:
        attributes["file"] = name
    element = ET.Element("testcase", attributes)
    if found.errors:
        first = flowing(shortened(found.errors[0].message, _MESSAGE))
        many = f"{counted(len(found.errors), 'error')}: " if len(found.errors) > 1 else ""
        failure = {"message": f"{many}{first}", "type": visible(found.errors[0].code)}
        ET.SubElement(element, "failure", failure).text = _blocks(found.errors)
    if output := _output(found):
        ET.SubElement(element, "system-out").text = output
    return element


def _output(found: _Case) -> str:
    accepted = f"Accepted by the baseline:\n\n{_blocks(found.accepted)}" if found.accepted else ""
    return "\n\n".join(filter(None, (_blocks(found.warnings), accepted)))


def _blocks(findings: Sequence[Finding]) -> str:
    """The findings as text; what XML cannot hold is not in it, since nothing is that cannot be seen."""
    return "\n\n".join(text.block(finding) for finding in findings)
