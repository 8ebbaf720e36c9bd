"""What was found: findings, where they are, and the report that holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

# Worst first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means: for rules of SARIF, for the page, and for the docs.

    ``title`` is a few words, ``meaning`` a sentence or two: what the cluster does, and what helps.
    """

    code: str
    severity: Severity
    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a text: ``line`` and ``column`` count from 1, columns in characters.

    ``text`` is the line as it stands there, ``end`` the column behind what is meant. ``file`` is the path as
    the person gave it, ``-`` for standard input.
    """

    file: str
    line: int
    column: int = 1
    text: str | None = None
    end: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that a finding is about. ``namespace`` is None for what lies in none."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}".strip()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is amiss.

    ``message`` says it in plain words; ``server`` is what the server itself said, where it said something;
    ``field`` is the path of the field, as the server writes paths (``spec.containers[0].image``); ``hint`` is
    what may help. ``place`` is None where no file is to blame. Of something rendered, ``place`` lies in the
    template, and ``rendered`` in what came of it. ``case`` names the case of values it was rendered with.
    """

    code: str
    severity: Severity
    message: str
    place: Place | None = None
    subject: Subject | None = None
    field: str | None = None
    server: str | None = None
    hint: str | None = None
    rendered: Place | None = None
    case: str | None = None

    @property
    def fingerprint(self) -> str:
        """What stays the same while lines are moved about: the baseline knows a finding by it."""
        parts = (
            self.code,
            self.place.file if self.place else "",
            str(self.subject or ""),
            self.field or "",
            self.message,
            self.case or "",
        )
        return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Report:
    """What a validation found.

    ``files`` are all that were read, as the person gave them, ``documents`` is how many objects were judged.
    ``accepted`` are findings that the baseline knows; they are not among ``findings``. ``rules`` explains
    every code that may occur, by code. ``kubernetes`` is the version that judged, ``seconds`` how long it
    took.
    """

    findings: Sequence[Finding]
    files: Sequence[str]
    documents: int
    rules: Mapping[str, Rule]
    kubernetes: str
    seconds: float
    accepted: Sequence[Finding] = ()

    def count(self, severity: Severity) -> int:
        """How many findings of this severity there are."""
        return sum(finding.severity == severity for finding in self.findings)

    def fails(self, fail_on: Severity = "error") -> bool:
        """Whether there is a finding that is at least as bad as ``fail_on``."""
        bad = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
        return any(finding.severity in bad for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether there is no error; there may be warnings."""
        return not self.fails()
