"""Telling once what has one cause: findings of several cases, and what two ways of looking found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sandkube.manifests import fields
from sandkube.manifests.document import Document
from sandkube.reports import Finding
from sandkube.validation import references

# What the server says because of something that is not there.
_CONSEQUENCES = ("failed-create", "refused")
# What it says of a field that is not there, or is as empty as if it were not.
_OF_ABSENCE = ("required", "invalid-value")
_DID_YOU_MEAN = re.compile(r"did you mean `([^`]+)`\?")
_REFERENCES = {rule.code for rule in references.RULES}

Found = tuple[Document, Finding]


def of_one_cause(findings: Sequence[Found]) -> list[Found]:
    """Without what only follows from another finding of the same object.

    Of an absent object that a reference leads to, the reference tells, at its own place, as severely as the
    server. Of a field that is missing because its name was misspelt, the misspelling tells.
    """
    return _of_typos(_of_references(findings))


def _of_typos(findings: Sequence[Found]) -> list[Found]:
    meant = {(id(document), path) for document, one in findings if (path := _meant(one)) is not None}
    return [
        (document, one)
        for document, one in findings
        if one.code not in _OF_ABSENCE or (id(document), one.field) not in meant
    ]


def _meant(one: Finding) -> str | None:
    """The field that a misspelt one was meant to be."""
    found = _DID_YOU_MEAN.fullmatch(one.hint or "") if one.code == "unknown-field" else None
    return f"{(one.field or '').removesuffix(fields.last(one.field or ''))}{found[1]}" if found else None


def _of_references(findings: Sequence[Found]) -> list[Found]:
    consequences: dict[int, list[Finding]] = {}
    for document, one in findings:
        if one.code in _CONSEQUENCES:
            consequences.setdefault(id(document), []).append(one)
    dropped: set[int] = set()
    told: dict[int, Finding] = {}
    for document, reference in findings:
        if reference.code not in _REFERENCES or reference.field is None:
            continue
        name = getattr(document.find(reference.field).value, "value", None)
        if not isinstance(name, str) or not name:
            continue
        for other in consequences.get(id(document), ()):
            if _is_of(reference.code, name, (other.server or "").lower()):
                dropped.add(id(other))
                told[id(reference)] = replace(reference, severity=other.severity, server=other.server)
    return [(document, told.get(id(one), one)) for document, one in findings if id(one) not in dropped]


def _is_of(code: str, name: str, said: str) -> bool:
    """Whether a text in small letters says that just this is not there: of that kind, with that name."""
    kind = code.removeprefix("missing-")
    return f'{kind} "{name}" not found' in said or f"{kind} with name {name} was found" in said


def of_cases(findings: Sequence[Finding], cases: int) -> list[Finding]:
    """The same finding of several cases once; of all cases, without one."""
    if cases <= 1:
        return list(findings)
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(replace(one, case=None).fingerprint, []).append(one)
    merged = []
    for same in found.values():
        names = list(dict.fromkeys(one.case for one in same if one.case))
        everywhere = not names or len(names) == cases
        merged.append(replace(same[0], case=None if everywhere else ", ".join(names)))
    return merged
