"""Findings that are known and accepted: a file that lies beside the manifests, in version control.

It is JSON, sorted, and without line numbers, so that it changes only where a finding comes or goes. A finding
is known by its fingerprint; the rest of an entry is for who reads the file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from sandkube.errors import UsageError
from sandkube.reports.characters import as_json
from sandkube.reports.finding import Finding

VERSION: Final = 1
KIND: Final = "ValidationBaseline"

_ANEW: Final = "write it anew: `sandkube validate --baseline FILE --update-baseline`"
_CONFLICT: Final = "it holds a merge conflict: keep both sides' entries, or write it anew: --update-baseline"
_NEWER: Final = "use the sandkube that wrote it, or write it anew: --update-baseline"


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding that is accepted as often as ``count`` says. What was not known of it is None."""

    fingerprint: str
    code: str
    message: str
    file: str | None = None
    subject: str | None = None
    field: str | None = None
    case: str | None = None
    count: int = 1


class Split(NamedTuple):
    """Findings beside a baseline: those it does not know, those it accepts, and entries that are left.

    The ``count`` of an entry in ``stale`` is how often it could still have accepted something.
    """

    new: tuple[Finding, ...]
    accepted: tuple[Finding, ...]
    stale: tuple[Entry, ...]


def entries(findings: Sequence[Finding]) -> tuple[Entry, ...]:
    """The entries that accept ``findings``, sorted by file, code, object, field and message."""
    counts = Counter(finding.fingerprint for finding in findings)
    found = {finding.fingerprint: _entry(finding) for finding in findings}
    return tuple(sorted((replace(entry, count=counts[key]) for key, entry in found.items()), key=_order))


def split(findings: Iterable[Finding], baseline: Iterable[Entry]) -> Split:
    """Part ``findings`` by ``baseline``: an entry accepts the first of them, as often as it was recorded."""
    known = tuple(baseline)
    left: Counter[str] = Counter()
    for entry in known:
        left[entry.fingerprint] += entry.count
    new: list[Finding] = []
    accepted: list[Finding] = []
    for finding in findings:
        fingerprint = finding.fingerprint
        if left[fingerprint]:
            left[fingerprint] -= 1
            accepted.append(finding)
        else:
            new.append(finding)
    stale: list[Entry] = []
    for entry in known:
        if unused := min(entry.count, left[entry.fingerprint]):
            left[entry.fingerprint] -= unused
            stale.append(replace(entry, count=unused))
    return Split(tuple(new), tuple(accepted), tuple(stale))


def render(findings: Sequence[Finding]) -> str:
    """The text of a baseline that accepts ``findings``."""
    return as_json({"version": VERSION, "kind": KIND, "findings": [_document(e) for e in entries(findings)]})


def write(path: Path, findings: Sequence[Finding]) -> None:
    """Write a baseline that accepts ``findings``, those that an older one accepted included.

    UsageError where ``path`` cannot be written.
    """
    try:
        path.write_text(render(findings), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"The baseline {path} cannot be written: {error.strerror}.") from error


def read(path: Path) -> tuple[Entry, ...]:
    """The entries of the baseline ``path``. UsageError, with file and line, where it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The baseline {path} cannot be read: {error.strerror}.", hint=_ANEW) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(path, data.count(b"\n", 0, error.start) + 1, "it is not UTF-8 text") from error
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        hint = _CONFLICT if "\n<<<<<<< " in f"\n{text}" else _ANEW
        raise _fault(path, error.lineno, f"it is no JSON: {error.msg}", hint) from error
    except (RecursionError, ValueError) as error:  # nested too deep, a number too long
        raise _fault(path, 1, f"it cannot be read: {error}") from error
    return _Reading(path, text).entries(document)


def _fault(path: Path, line: int, why: str, hint: str = _ANEW) -> UsageError:
    return UsageError(f"{path}:{line}: This is no baseline: {why}.", hint=hint)


class _Reading:
    """The reading of one file: its name and its text, for what is said where it is no baseline."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text

    def entries(self, document: Any) -> tuple[Entry, ...]:
        if not isinstance(document, dict) or document.get("kind") != KIND:
            raise self._fault(f"it is not of the kind {KIND}", "kind")
        version = document.get("version")
        if version != VERSION:
            why = f"it has version {version!r}, and {VERSION} is what is known"
            raise self._fault(why, "version", hint=_NEWER)
        found = document.get("findings")
        if not isinstance(found, list):
            raise self._fault("`findings` is no list", "findings")
        return tuple(self._entry(item, index) for index, item in enumerate(found))

    def _entry(self, item: Any, index: int) -> Entry:
        if not isinstance(item, dict):
            raise self._fault("an entry is no object", "findings", index)
        for key in _KEYS.values():
            wanted = (str,) if key in _NEEDED else (str, type(None))
            if not isinstance(item.get(key), wanted):
                raise self._fault(f"`{key}` of an entry is no text", "findings", index, key)
        count = item.get("count", 1)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise self._fault("`count` of an entry is no number from 1", "findings", index, "count")
        known: dict[str, Any] = {name: item.get(key) for name, key in _KEYS.items()}
        return Entry(**known, count=count)

    def _fault(self, why: str, *steps: str | int, hint: str = _ANEW) -> UsageError:
        return _fault(self._path, _line(self._text, steps), why, hint)


def _line(text: str, steps: Sequence[str | int]) -> int:
    """The line of what the keys and indices ``steps`` lead to in JSON, as far as they lead; 1 if nowhere.

    JSON is YAML, and a reader of YAML knows the lines.
    """
    import yaml

    try:
        node: yaml.Node | None = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:  # tabs between tokens, which JSON allows
        return 1
    if node is None:
        return 1
    for step in steps:
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            inner = node.value[step]
        if inner is None:
            break
        node = inner
    return int(node.start_mark.line) + 1


# The keys of an entry in the file, by the names they have here.
_KEYS: Final = {
    "fingerprint": "fingerprint",
    "code": "code",
    "file": "file",
    "subject": "object",
    "field": "field",
    "case": "case",
    "message": "message",
}
_NEEDED: Final = ("fingerprint", "code", "message")


def _entry(finding: Finding) -> Entry:
    return Entry(
        finding.fingerprint,
        finding.code,
        finding.message,
        file=finding.place.file if finding.place else None,
        subject=str(finding.subject) if finding.subject else None,
        field=finding.field,
        case=finding.case,
    )


def _document(entry: Entry) -> dict[str, object]:
    return {key: getattr(entry, name) for name, key in _KEYS.items()} | {"count": entry.count}


def _order(entry: Entry) -> tuple[str, ...]:
    return (
        entry.file or "",
        entry.code,
        entry.subject or "",
        entry.field or "",
        entry.case or "",
        entry.message,
        entry.fingerprint,
    )
