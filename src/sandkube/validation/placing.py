"""From a field of an object to a place in a file, and from there to a finding."""

from __future__ import annotations

from sandkube.manifests import fields
from sandkube.manifests.document import Document, Origin
from sandkube.manifests.fields import Found
from sandkube.manifests.lines import Lines, Span
from sandkube.manifests.reading import Flaw
from sandkube.reports import Finding, Place, Severity, Subject
from sandkube.validation import hints
from sandkube.validation.rules import RULES


def finding(
    document: Document,
    code: str,
    message: str,
    *,
    field: str | None = None,
    found: Found | None = None,
    span: Span | None = None,
    value: bool = False,
    server: str | None = None,
    hint: str | None = None,
    namespace: str | None = None,
    severity: Severity | None = None,
) -> Finding:
    """A finding at ``field`` of the document, or at the nearest thing above it that is there.

    ``found`` is given where the field was looked for already, ``span`` where the place is known otherwise.
    ``value`` means the field's value and not its name.
    """
    if span is None and (field is not None or found is not None):
        found = found if found is not None else document.find(field or "")
        if found.key is None and not found.path:
            span = document.start
        else:
            span = document.value_span(found) if value and found.whole else document.span(found)
    if span is None:
        span = document.start
    here = place(document.file, span)
    rendered = None
    if document.origin is not None:
        here, rendered = _in_source(document, found, span)
    return Finding(
        code=code,
        severity=severity or RULES[code].severity,
        message=message,
        place=here,
        subject=subject(document, namespace),
        field=field,
        server=server,
        hint="; ".join(filter(None, (hint, hints.of_key(found)))) or None,
        rendered=rendered,
        case=document.case,
    )


def place(file: str, span: Span) -> Place:
    """A span of a file as reports have it."""
    return Place(file, span.line, span.column, span.text, span.end)


def subject(document: Document, namespace: str | None = None) -> Subject:
    """The object as reports name it."""
    name = document.name or str(document.metadata.get("generateName") or "")
    return Subject(document.api_version, document.kind, name, document.namespace or namespace or None)


def of_flaw(flaw: Flaw) -> Finding:
    """A part of a file that could not be read, as a finding."""
    where = place(flaw.file, flaw.span) if flaw.span is not None else Place(flaw.file, 1)
    return Finding(flaw.code, RULES[flaw.code].severity, flaw.message, where, hint=flaw.hint, case=flaw.case)


def _patched(origin: Origin, path: str) -> Place | None:
    """The place in a patch that brought a field, where the object as written has none of it."""
    for patch in origin.patches:
        # items of lists may have other numbers there
        there = [patch.find(path), *fields.named(patch.node, fields.last(path))]
        if (one := next((one for one in there if one.whole), None)) is not None:
            return place(patch.file, patch.span(one))
    return None


def _in_source(document: Document, found: Found | None, span: Span) -> tuple[Place, Place]:
    """The place in the template, and the one in what it gave; twice the same where no template is known."""
    rendered = place(document.file, span)
    origin = document.origin
    if origin is None or origin.template is None or origin.text is None:
        return rendered, rendered
    if origin.written is not None:
        path = found.path if found is not None else ""
        there = origin.written.find(path)
        if not there.whole and (patched := _patched(origin, path)) is not None:
            return patched, rendered
        return place(
            origin.template, origin.written.span(there) if there.path else origin.written.start
        ), rendered
    number = span.line - document.first
    if not 0 <= number < len(origin.lines):
        return Place(origin.template, 1), rendered
    lines = Lines(origin.text)
    line = lines.line(origin.lines[number])
    start = len(line) - len(line.lstrip())
    # the very field where the template has its name as it is, else the line
    name = span.text[span.column - 1 : span.end - 1]
    at = line.find(name) if name and len(name) < len(line) else -1
    if at >= 0:
        return Place(origin.template, origin.lines[number], at + 1, line, at + 1 + len(name)), rendered
    return Place(origin.template, origin.lines[number], start + 1, line, len(line) + 1), rendered
