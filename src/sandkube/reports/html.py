"""The report as one page, for a person with a browser: it asks for no other file, and needs no script.

`page.html.j2` is the page, `page.css` and `page.js` are put into it. What comes from a user's file gets there
as text alone: jinja2 escapes it, none of it is in the script, and the page's own policy (CSP) allows that
script and that style by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from sandkube import __version__
from sandkube.reports import words
from sandkube.reports.characters import flowing, shortened, visible, visible_lines
from sandkube.reports.excerpt import Excerpt, excerpt
from sandkube.reports.finding import Finding, Place, Report, Rule, Severity
from sandkube.reports.places import file_name, place_name

_MESSAGE: Final = 1_000
_NOTE: Final = 4_000
_LINE: Final = 200
_NO_FILE: Final = "No file"


@dataclass(frozen=True, slots=True)
class _Source:
    """A place, and the line there in three parts, if it is known."""

    name: str
    line: int
    shown: Excerpt | None


@dataclass(frozen=True, slots=True)
class _Shown:
    """A finding as the page shows it: each text visible, and not too long."""

    id: str
    severity: Severity
    code: str
    message: str
    kind: str
    source: _Source | None
    rendered: _Source | None
    facts: tuple[tuple[str, str], ...]
    hint: str | None
    server: str | None
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class _Group:
    """The findings in one file."""

    id: str
    name: str
    counts: str
    findings: tuple[_Shown, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A filter with its values, and how many findings each has."""

    id: str
    label: str
    values: tuple[tuple[str, int], ...]


def render(report: Report) -> str:
    """The report as an HTML page, with a line end."""
    environment = Environment(
        autoescape=True,
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    script, style = _text("page.js"), _text("page.css")
    return environment.from_string(_text("page.html.j2")).render(
        policy=policy(script, style),
        script=Markup(script),  # noqa: S704 -- ours, from a file beside this one
        style=Markup(style),  # noqa: S704 -- the same
        version=__version__,
        outcome=words.outcome(report),
        extent=words.extent(report),
        judge=words.judge(report),
        verdict="error" if report.count("error") else "warning" if report.findings else "fine",
        errors=report.count("error"),
        warnings=report.count("warning"),
        total=words.counted(len(report.findings), "finding"),
        groups=_groups(report),
        choices=_choices(report),
        accepted=_shown(report.accepted, report, "a"),
    )


def policy(script: str, style: str) -> str:
    """The page's Content-Security-Policy: this script, this style, an icon that is in the page."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _text(name: str) -> str:
    return (files("sandkube.reports") / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _file(finding: Finding) -> str:
    return file_name(finding.place.file) if finding.place else _NO_FILE


def _groups(report: Report) -> list[_Group]:
    """The findings by file, in the order in which the report comes to them."""
    by_file: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_file.setdefault(_file(finding), []).append(finding)
    groups: list[_Group] = []
    before = 0
    for number, (name, findings) in enumerate(by_file.items(), 1):
        errors = sum(finding.severity == "error" for finding in findings)
        counts = words.severities(errors, len(findings) - errors)
        shown = _shown(findings, report, "f", before)
        groups.append(_Group(f"file-{number}", name, counts, shown))
        before += len(findings)
    return groups


def _choices(report: Report) -> list[_Choice]:
    """The filters beside severity and text; one that would have no value is left out."""
    findings = report.findings
    choices = [
        _choice("code", "Code", (visible(finding.code) for finding in findings)),
        _choice("file", "File", (_file(finding) for finding in findings)),
        _choice("kind", "Kind", (_kind(finding) for finding in findings)),
    ]
    return [choice for choice in choices if choice.values]


def _choice(name: str, label: str, values: Iterable[str]) -> _Choice:
    return _Choice(name, label, tuple(sorted(Counter(filter(None, values)).items())))


def _kind(finding: Finding) -> str:
    return visible(finding.subject.kind) if finding.subject else ""


def _shown(findings: Sequence[Finding], report: Report, prefix: str, before: int = 0) -> tuple[_Shown, ...]:
    return tuple(
        _Shown(
            id=f"{prefix}{number}",
            severity=finding.severity,
            code=visible(finding.code),
            message=flowing(shortened(finding.message, _MESSAGE)),
            kind=_kind(finding),
            source=_source(finding.place),
            rendered=_source(finding.rendered),
            facts=_facts(finding),
            hint=_many_lines(finding.hint),
            server=_many_lines(words.server_words(finding)),
            rule=_rule(report.rules.get(finding.code)),
        )
        for number, finding in enumerate(findings, before + 1)
    )


def _facts(finding: Finding) -> tuple[tuple[str, str], ...]:
    facts = (("Object", str(finding.subject or "")), ("Field", finding.field), ("Case", finding.case))
    return tuple((name, visible(shortened(said, _MESSAGE))) for name, said in facts if said)


def _rule(rule: Rule | None) -> Rule | None:
    return rule and replace(rule, title=visible(rule.title), meaning=visible(rule.meaning))


def _many_lines(text: str | None) -> str | None:
    return "\n".join(visible_lines(shortened(text, _NOTE))) if text else None


def _source(place: Place | None) -> _Source | None:
    if place is None:
        return None
    found = excerpt(place, _LINE)
    if found is not None:
        found = Excerpt(*(visible(part, tab="\t") for part in (found.before, found.marked, found.behind)))
    return _Source(place_name(place), place.line, found)
