"""SARIF 2.1.0, which forges and editors read.

The specification: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. Where it leaves a choice,
it is made so that GitHub's code scanning takes the file: that refuses a file as a whole for one result
without a location in a file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sandkube import __version__
from sandkube.reports import places
from sandkube.reports.characters import as_json, encodable
from sandkube.reports.excerpt import excerpt
from sandkube.reports.finding import Finding, Place, Report, Rule, Subject
from sandkube.reports.places import STDIN, STDIN_NAME
from sandkube.reports.words import server_words

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VERSION: Final = "2.1.0"
FINGERPRINT: Final = "sandkubeFingerprint/v1"
ROOT: Final = "%SRCROOT%"
HOME: Final = "https://github.com/sandkube/sandkube"
# A line that is longer is left out: a file may be one line, and every finding would carry it along.
LONGEST_LINE: Final = 1_000
# `[words](target)` in a message is a link (3.11.6 of the specification); what is quoted is none.
_LINK: Final = re.compile(r"\[(?=[^\[\]]*\]\()")

_Object = dict[str, Any]


def render(report: Report) -> str:
    """The report as indented JSON, with a line end; files are told from the checkout we are in."""
    here = Path.cwd()
    return as_json(document(report, here, places.root(os.environ, here)))


def document(report: Report, here: Path, root: Path) -> _Object:
    """The report as a SARIF log of one run. Files were given in ``here``, and are told from ``root``."""
    return {"$schema": SCHEMA, "version": VERSION, "runs": [_Run(report, here, root).document()]}


class _Run:
    """A run in the making: what all its parts need to know."""

    def __init__(self, report: Report, here: Path, root: Path) -> None:
        self._report = report
        self._here = here
        self._root = root
        self._index = {code: index for index, code in enumerate(report.rules)}

    def document(self) -> _Object:
        report = self._report
        return {
            "tool": {
                "driver": {
                    "name": "sandkube",
                    "version": __version__,
                    "semanticVersion": __version__,
                    "informationUri": HOME,
                    "rules": [_rule(code, rule) for code, rule in report.rules.items()],
                }
            },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                ROOT: {"description": {"text": "The checkout, or the folder that sandkube was called in."}}
            },
            "invocations": [{"executionSuccessful": True}],
            "artifacts": [self._artifact(file) for file in dict.fromkeys(report.files)],
            "results": [
                *(self._result(finding, accepted=False) for finding in report.findings),
                *(self._result(finding, accepted=True) for finding in report.accepted),
            ],
            "properties": {
                "kubernetes": report.kubernetes,
                "documents": report.documents,
                "seconds": round(report.seconds, 3),
            },
        }

    def _artifact(self, file: str) -> _Object:
        roles = ["analysisTarget", "standardStream"] if file == STDIN else ["analysisTarget"]
        return {"location": self._file(file), "roles": roles}

    def _result(self, finding: Finding, *, accepted: bool) -> _Object:
        result: _Object = {"ruleId": finding.code}
        if finding.code in self._index:
            result["ruleIndex"] = self._index[finding.code]
        result |= {
            "level": finding.severity,
            "message": {"text": _message(finding)},
            "locations": self._locations(finding),
            "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        }
        if finding.rendered:
            result["relatedLocations"] = [
                {
                    "id": 1,
                    "message": {"text": "rendered"},
                    "physicalLocation": self._physical(finding.rendered),
                }
            ]
        if self._report.accepted:  # all results of a run say whether they are suppressed, or none (3.27.23)
            result["suppressions"] = [_SUPPRESSION] if accepted else []
        told = {"field": finding.field, "case": finding.case}
        if properties := {name: value for name, value in told.items() if value}:
            result["properties"] = properties
        return result

    def _locations(self, finding: Finding) -> list[_Object]:
        """The place, and the object. Where no file is to blame, the first that was read stands in for one."""
        location: _Object = {}
        if finding.place:
            location["physicalLocation"] = self._physical(finding.place)
        elif self._report.files:
            location["physicalLocation"] = self._physical(Place(self._report.files[0], 1))
        if finding.subject:
            location["logicalLocations"] = [_object(finding.subject)]
        return [location] if location else []

    def _physical(self, place: Place) -> _Object:
        location: _Object = {"artifactLocation": self._file(place.file), "region": _region(place)}
        text = (place.text or "").rstrip("\r\n")
        if 1 < place.column <= len(text) <= LONGEST_LINE:  # it has to hold more than the region does
            location["contextRegion"] = {"startLine": place.line, "snippet": {"text": text}}
        return location

    def _file(self, file: str) -> _Object:
        """Where a file is: told from the root, or with its whole path where it lies elsewhere."""
        if file == STDIN:
            return {"uri": "stdin", "description": {"text": STDIN_NAME}}
        if (told := places.relative(file, self._here, self._root)) is not None:
            return {"uri": _encoded(told), "uriBaseId": ROOT}
        path = places.absolute(file, self._here).as_posix()
        return {"uri": f"file:///{_encoded(path.lstrip('/'))}"}


_SUPPRESSION: Final[_Object] = {
    "kind": "external",
    "status": "accepted",
    "justification": "accepted by the baseline",
}


def _encoded(path: str) -> str:
    """``path`` as part of a URI; bytes that are no UTF-8 stay what they are."""
    try:
        raw = path.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raw = encodable(path).encode()
    return quote(raw)


def _region(place: Place) -> _Object:
    """What is meant; without an end it goes as far as the line does."""
    region: _Object = {"startLine": place.line, "startColumn": place.column}
    if place.end is None or place.end <= place.column:
        return region
    region["endColumn"] = place.end
    shown = excerpt(place, LONGEST_LINE)
    if shown and len(shown.marked) == place.end - place.column:
        region["snippet"] = {"text": shown.marked}
    return region


def _object(subject: Subject) -> _Object:
    namespace = [subject.namespace] if subject.namespace else []
    path = "/".join([subject.api_version, subject.kind, *namespace, subject.name])
    return {"name": str(subject), "fullyQualifiedName": path, "kind": "object"}


def _message(finding: Finding) -> str:
    said = [finding.message]
    if words := server_words(finding):
        said.append(f"server: {words}")
    if finding.hint:
        said.append(f"hint: {finding.hint}")
    return _LINK.sub(r"\\[", "\n".join(said))


def _rule(code: str, rule: Rule) -> _Object:
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", code)) or code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": rule.meaning},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"problem.severity": rule.severity},
    }
