"""What several forms say in the same words."""

from __future__ import annotations

from collections.abc import Iterator

from sandkube.reports.characters import visible
from sandkube.reports.finding import Finding, Report


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``, ``5,000 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def severities(errors: int, warnings: int) -> str:
    """``2 errors, 1 warning``; what there is none of is left out."""
    return ", ".join(counted(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n)


def extent(report: Report) -> str:
    """How much was judged: ``12 objects in 3 files``."""
    return f"{counted(report.documents, 'object')} in {counted(len(report.files), 'file')}"


def outcome(report: Report) -> str:
    """What came of it: ``2 errors, 1 warning``, ``nothing amiss``, and what the baseline accepted."""
    found = severities(report.count("error"), report.count("warning"))
    accepted = f"{len(report.accepted):,} accepted by the baseline" if report.accepted else ""
    if not found and accepted:
        found = "nothing new"
    elif not found:
        found = "nothing amiss" if report.documents else "nothing to judge"
    return ", ".join(filter(None, (found, accepted)))


def judge(report: Report) -> str:
    """Who judged, and how long it took: ``Kubernetes v1.37.2, 1.4 s``."""
    version = f"Kubernetes v{visible(report.kubernetes).removeprefix('v')}" if report.kubernetes else ""
    return ", ".join(filter(None, (version, f"{report.seconds:.1f} s")))


def summary(report: Report) -> str:
    """The closing line: ``12 objects in 3 files: 2 errors, 1 warning (Kubernetes v1.37.2, 1.4 s)``."""
    return f"{extent(report)}: {outcome(report)} ({judge(report)})"


def server_words(finding: Finding) -> str | None:
    """What the server said, where the message does not say the same already."""
    said = finding.server or ""
    return None if said.split() in ([], finding.message.split()) else said.strip()


def notes(finding: Finding) -> Iterator[tuple[str, str]]:
    """What is said below a message, each with its name; as it was given, not made visible."""
    if finding.subject and (named := str(finding.subject)):
        yield "object", named
    if finding.field:
        yield "field", finding.field
    if finding.case:
        yield "case", finding.case
    if said := server_words(finding):
        yield "server", said
    if finding.hint:
        yield "hint", finding.hint
