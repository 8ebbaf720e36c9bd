"""From what the server says of an object to findings: in plain words, at the very field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from sandkube.kube.openapi import Schema
from sandkube.manifests import fields
from sandkube.manifests.document import Document
from sandkube.manifests.fields import Found
from sandkube.manifests.lines import Span
from sandkube.reports import Finding
from sandkube.validation import hints, types
from sandkube.validation.placing import finding
from sandkube.validation.refusals import Fault

_AT_THE_VALUE = frozenset({"invalid-value", "unsupported-value", "too-long", "wrong-type", "immutable-field"})
_DEPRECATED = re.compile(r"deprecated", re.IGNORECASE)
# What was given, in most of what validation says: `Invalid value: "a b": a valid label must be …`
_GIVEN = re.compile(
    r'(?:Invalid|Unsupported|Duplicate) value: ("(?:[^"\\]|\\.)*"|-?[\d.]+|true|false)(?=[:\s]|$)'
)
# A whole object, as validation prints it, says less than its place.
_WHOLE = re.compile(r"^Invalid value: [{\[].*[}\]]: ", re.DOTALL)
# What no person reads; the server's own text keeps it.
_PATTERNS = re.compile(r" \(e\.g\. .*regex used for validation is '.*'\)")
# What the server calls a field, and how people write it.
_OTHERWISE = (
    (re.compile(r"\btemplate\.(?=labels|annotations)"), "template.metadata."),
    (re.compile(r"\bclusterIPs(\[0\])?$"), "clusterIP"),
)
_UNMATCHED = "does not match template `labels`"
_OF_SELF = re.compile(r"\bself\.([A-Za-z_]\w*)")


def of_fault(
    document: Document,
    fault: Fault,
    schema: Schema | None,
    older: Document | None = None,
    namespace: str | None = None,
) -> Finding | None:
    """The finding for a fault; None for one that is none.

    ``schema`` is the kind's, which knows the names of its fields and the rules of its definition; ``older``
    is the object that is there, of one that cannot be changed like this; ``namespace`` is where it lies if
    it names none.
    """
    if fault.code == "duplicate-key":
        return _duplicate(document, fault)
    if fault.code == "unknown-field":
        return _unknown(document, fault, schema)
    if _UNMATCHED in fault.message and (lacking := _unmatched(document)) is not None:
        return _lacking(document, fault, lacking, namespace)
    field = path = fault.field
    if fault.code == "immutable-field" and older is not None:
        path = fields.difference(older.value, document.value, path)
    elif fault.code == "invalid-value" and schema is not None:
        field = path = _of_rule(document, fault, schema) or path
    found = _meant(_whole(document, path), fault.message)
    return finding(
        document,
        "missing-name" if fault.code == "required" and path in ("metadata.name", "name") else fault.code,
        _words(fault),
        field=field or None,
        found=found,
        value=fault.code in _AT_THE_VALUE and not _is_of_key(found, fault.message),
        server=fault.message,
        hint=hints.of_fault(fault.message, found),
        namespace=namespace,
    )


def unreadable(document: Document, fault: Fault, found: Found | None, schema: Schema | None) -> Finding:
    """A value that the server cannot read; ``found`` is None where nobody knows which it is."""
    here = schema.at(found.path) if schema is not None and found is not None else None
    words = (
        types.wanted_words(fault.wanted, here.kind if here is not None else None) if fault.wanted else None
    )
    field = found.path if found is not None else fault.field
    name = f"`{fields.last(field)}`" if field else "A value"
    is_ = f"{name} has to be {words}" if words else f"{name} cannot be read"
    but = hints.described(found.value) if found is not None else None
    return finding(
        document,
        "wrong-type",
        f"{is_}, and is {but}." if but else f"{is_}.",
        field=field or None,
        found=found,
        value=True,
        server=fault.message,
        hint=hints.of_value(found.value, fault.wanted or "") if found is not None else None,
    )


def duplicates(document: Document) -> Iterator[Finding]:
    """The fields that are there twice, which a server that gets JSON of ours cannot see."""
    for path, key, _ in fields.duplicates(document.node):
        yield finding(document, "duplicate-key", _twice(path), field=path, span=document.lines.span(key))


def warned(document: Document, warning: str) -> Finding:
    """The text of a `Warning` header."""
    path, _, said = warning.partition(": ")
    found = document.find(path) if said and " " not in path else None
    code = "deprecated-api" if _DEPRECATED.search(warning) else "server-warning"
    if found is not None and found.path:
        return finding(document, code, _sentence(said), field=path, found=found, server=warning)
    field = "apiVersion" if warning.startswith(f"{document.api_version} ") else None
    return finding(document, code, _sentence(warning), field=field, value=True, server=warning)


def _unknown(document: Document, fault: Fault, schema: Schema | None) -> Finding:
    name = fields.last(fault.field)
    message = f"`{document.kind}` has no field `{fault.field}`."
    if "." in fault.field:
        above = fault.field.removesuffix(f".{name}")
        message = f"There is no field `{name}` in `{above}` of a `{document.kind}`."
    hint = hints.of_field(fault.field, document, schema)
    return finding(document, fault.code, message, field=fault.field, server=fault.message, hint=hint)


def _duplicate(document: Document, fault: Fault) -> Finding | None:
    """None where the decoder takes a field beside a merge (`<<`) that brings it for a second one."""
    name = fault.field
    for path, key, value in fields.duplicates(document.node):
        span = document.lines.span(key)
        # the decoder tells the line of the value
        told = fault.line is not None and document.first + fault.line - 1
        same = told and fields.last(path) == name and span.line <= told <= document.lines.span(value).line
        if same or (fault.line is None and path == name):
            return finding(document, fault.code, _twice(path), field=path, span=span, server=fault.message)
    if fields.merges(document.node):
        return None
    line = document.first + (fault.line or 1) - 1
    text = document.lines.line(line)
    start = len(text) - len(text.lstrip())
    span = Span(line, start + 1, len(text) + 1, text)
    return finding(document, fault.code, _twice(name), span=span, server=fault.message)


def _twice(path: str) -> str:
    return f"The field `{fields.last(path)}` is there twice."


def _unmatched(document: Document) -> tuple[str, Any, Any] | None:
    """The first label that a selector wants and the template does not have.

    Its path in the selector, what is wanted, and what the template has.
    """
    spec = document.value.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    selector, template = spec.get("selector"), spec.get("template")
    if not isinstance(selector, dict) or not isinstance(template, dict):
        return None
    is_plain = not selector.keys() & {"matchLabels", "matchExpressions"}  # a ReplicationController's
    wanted = selector if is_plain else selector.get("matchLabels")
    metadata = template.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    there: Mapping[str, Any] = labels if isinstance(labels, dict) else {}
    path = "spec.selector" if is_plain else "spec.selector.matchLabels"
    for key, value in (wanted if isinstance(wanted, dict) else {}).items():
        if there.get(key) != value:
            return fields.join(path, str(key)), value, there.get(key)
    return None


def _lacking(
    document: Document, fault: Fault, lacking: tuple[str, Any, Any], namespace: str | None
) -> Finding:
    path, wanted, there = lacking
    has = f"has `{there}`" if there is not None else "has no such label"
    message = f"The selector wants `{fields.last(path)}: {wanted}`, and the template {has}."
    return finding(
        document, fault.code, message, field=path, value=True, server=fault.message, namespace=namespace
    )


def _of_rule(document: Document, fault: Fault, schema: Schema) -> str | None:
    """The field that a definition's rule is about first, of those that are there; None if no rule said it."""
    here = schema.at(fault.field)
    said = fault.message.rpartition("Invalid value: ")[2]
    for rule, message in here.rules if here is not None else ():
        if said.endswith(message or f"failed rule: {rule}"):
            names = sorted(dict.fromkeys(_OF_SELF.findall(rule)), key=lambda name: _first(name, said))
            paths = (fields.join(fault.field, name) for name in names)
            return next((path for path in paths if document.find(path).whole), None)
    return None


def _first(word: str, text: str) -> int:
    """Where the word stands in a text; behind all others if it does not."""
    found = re.search(rf"\b{re.escape(word)}\b", text)
    return found.start() if found else len(text)


def _whole(document: Document, path: str) -> Found:
    """What a path of the server's leads to, as people write it."""
    found = document.find(path)
    if found.whole:
        return found
    for pattern, written in _OTHERWISE:
        other = document.find(pattern.sub(written, path))
        if other.whole:
            return other
    return found


def _meant(found: Found, message: str) -> Found:
    """The very entry of a map or a list that a message is about, where it names only the whole."""
    given = _given(message)
    return (fields.entry(found, given) if given is not None and found.whole else None) or found


def _given(message: str) -> str | None:
    """The value that a message says was given."""
    found = _GIVEN.search(message)
    if found is None:
        return None
    try:
        return str(json.loads(found[1]))
    except ValueError:
        return found[1]


def _is_of_key(found: Found, message: str) -> bool:
    """Whether a message is about the key of an entry, and not about its value."""
    return isinstance(found.key, yaml.ScalarNode) and _given(message) == found.key.value


def _words(fault: Fault) -> str:
    """What the server says, as a sentence that begins with what it is about."""
    said = _PATTERNS.sub("", _WHOLE.sub("", fault.message.strip()))
    if not fault.field:
        return _sentence(said)
    return f"`{fields.last(fault.field) or fault.field}`: {said[:1].lower()}{said[1:]}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
