"""The report for programs: JSON with a version. `json_schema` describes it."""

from __future__ import annotations

from typing import Final

from sandkube.reports.characters import as_json
from sandkube.reports.finding import Finding, Place, Report, Rule, Subject

VERSION: Final = 1
KIND: Final = "ValidationReport"
# A file may be one line, and every finding in it would carry that line along.
LONGEST_LINE: Final = 1_000


def render(report: Report) -> str:
    """The report as indented JSON, with a line end."""
    return as_json(document(report))


def document(report: Report) -> dict[str, object]:
    """The report as what JSON knows. Every key is always there; what is not known is null."""
    return {
        "version": VERSION,
        "kind": KIND,
        "ok": report.ok,
        "kubernetes": report.kubernetes,
        "seconds": round(report.seconds, 3),
        "summary": {
            "files": len(report.files),
            "documents": report.documents,
            "errors": report.count("error"),
            "warnings": report.count("warning"),
            "accepted": len(report.accepted),
        },
        "files": list(report.files),
        "findings": [_finding(finding) for finding in report.findings],
        "accepted": [_finding(finding) for finding in report.accepted],
        "rules": {code: _rule(rule) for code, rule in report.rules.items()},
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "place": _place(finding.place),
        "object": _subject(finding.subject),
        "field": finding.field,
        "server": finding.server,
        "hint": finding.hint,
        "rendered": _place(finding.rendered),
        "case": finding.case,
        "fingerprint": finding.fingerprint,
    }


def _place(place: Place | None) -> dict[str, object] | None:
    if place is None:
        return None
    text = place.text if place.text is not None and len(place.text) <= LONGEST_LINE else None
    return {"file": place.file, "line": place.line, "column": place.column, "end": place.end, "text": text}


def _subject(subject: Subject | None) -> dict[str, object] | None:
    if subject is None:
        return None
    return {
        "apiVersion": subject.api_version,
        "kind": subject.kind,
        "namespace": subject.namespace,
        "name": subject.name,
    }


def _rule(rule: Rule) -> dict[str, object]:
    return {"severity": rule.severity, "title": rule.title, "meaning": rule.meaning}
