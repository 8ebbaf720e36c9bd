"""Changes that are no fault: a validator that finds one raises a false alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import yaml

from validation.mutants import places
from validation.mutants.change import Change, Edit
from validation.mutants.document import Document, Entry

HARMLESS = "harmless"

_WORDS = {True: ("yes", "True", "on", "y"), False: ("no", "False", "off", "n")}

_NOT_PLAIN = frozenset("\"'\\#%\n")


def comments(document: Document) -> Iterator[Change]:
    """A comment above a field, or behind its value."""
    for entry in document.entries:
        if document.alone(entry):
            start = document.line_start(entry.start)
            indent = " " * (entry.column if entry.index % 2 else 0)
            yield _change(entry, Edit(start, start, f"{indent}# was: {{{{ .Values.{entry.index} }}}}\n"))
        if entry.scalar:
            at = entry.scalar.end_mark.index
            yield _change(entry, Edit(at, at, " # a: b"))


def orders(document: Document) -> Iterator[Change]:
    """Two fields of one mapping in the other order."""
    for entry in document.entries:
        before = document.sibling(entry, -1) if entry.key else None
        if before is None or before.scalar is None or entry.scalar is None or not document.alone(before):
            continue
        if before.scalar.end_mark.line + 1 != entry.scalar.start_mark.line:
            continue
        first = (before.start, document.line_end(before.start))
        second = (entry.start, document.line_end(entry.start))
        edits = (
            Edit(*first, document.text[slice(*second)]),
            Edit(*second, document.text[slice(*first)]),
        )
        yield Change(HARMLESS, edits, entry.path, (before.path, entry.path))


def quotes(document: Document) -> Iterator[Change]:
    """A string in other quotes, or a key in quotes."""
    for entry in document.entries:
        if entry.key and not entry.key.style:
            end = entry.key.end_mark.index
            yield _change(entry, Edit(entry.start, end, f'"{entry.key.value}"'))
        scalar = entry.scalar
        if scalar is None or not scalar.tag.endswith(":str") or _NOT_PLAIN & set(scalar.value):
            continue
        for quote in "\"'":
            if scalar.style != quote:
                span = (scalar.start_mark.index, scalar.end_mark.index)
                yield _change(entry, Edit(*span, f"{quote}{scalar.value}{quote}"))


def words(document: Document) -> Iterator[Change]:
    """Other spellings of one value: `yes` for true, a mode in octal digits."""
    for entry in document.entries:
        scalar = entry.scalar
        if scalar is None or places.ANYTHING.fullmatch(entry.shape):
            continue
        span = (scalar.start_mark.index, scalar.end_mark.index)
        if scalar.tag.endswith(":bool"):
            for word in _WORDS[scalar.value == "true"]:
                yield _change(entry, Edit(*span, word))
        elif scalar.tag.endswith(":int") and entry.path[-1] in {"mode", "defaultMode"}:
            mode = int(scalar.value)
            for text in (f"0{mode:o}", f"0o{mode:o}", f"0x{mode:x}"):
                yield _change(entry, Edit(*span, text))


def one_annotation_more(document: Document) -> Iterator[Change]:
    """One annotation more."""
    there = document.by_path.get(("metadata", "annotations"))
    if there:
        first = next(entry for entry in document.entries if entry.parent is there)
        at, indent = document.line_start(first.start), " " * first.column
        yield _change(there, Edit(at, at, f'{indent}example.com/more: "[a, b]: {{c}} & *d"\n'))
        return
    name = document.by_path["metadata", "name"]
    at, indent = document.line_end(name.start), " " * name.column
    added = "".join(
        f"\n{indent}{line}"
        for line in ("annotations:", "  example.com/more: |", "    two: lines", "    - of text")
    )
    path = ("metadata", "annotations")
    yield Change(HARMLESS, (Edit(at, at, added),), path, (path,))


def lines(document: Document) -> Iterator[Change]:
    """Empty lines, spaces at a line's end, and the marks of a document."""
    for entry in document.entries:
        if document.alone(entry):
            start = document.line_start(entry.start)
            yield _change(entry, Edit(start, start, "\n   \n"))
        if entry.scalar:
            at = entry.scalar.end_mark.index
            yield _change(entry, Edit(at, at, "   "))
    size = len(document.text)
    begins, ends = ("---\n", "# first of all\n\n--- # here it begins\n"), ("...\n", "---\n")
    for place, text in (*((0, mark) for mark in begins), *((size, mark) for mark in ends)):
        yield Change(HARMLESS, (Edit(place, place, text),), (), ((f"mark at {place}",),))


def as_good(document: Document) -> Iterator[Change]:
    """Another value that is as good."""
    for entry in document.entries:
        scalar = entry.scalar
        if scalar is None:
            continue
        for text in places.values(places.AS_GOOD, entry.shape):
            yield _change(entry, Edit(scalar.start_mark.index, scalar.end_mark.index, text))


def flows(document: Document) -> Iterator[Change]:
    """A list or a mapping of a few scalars in one line, in brackets."""
    for entry in document.entries:
        value = entry.value
        if entry.key is None or not isinstance(value, yaml.CollectionNode) or len(value.value) > 3:
            continue
        below = [other for other in document.entries if other.parent is entry]
        if not below or not all(other.scalar for other in below):
            continue
        end = document.end(value)
        if "#" in document.text[entry.start : end]:
            continue
        parts = [_flow(document, other) for other in below]
        inside = f"{{{', '.join(parts)}}}" if below[0].key else f"[{', '.join(parts)},]"
        yield _change(entry, Edit(entry.key.end_mark.index, end, f": {inside}"))


# Every kind of harmless change, with what makes it. An object that is there already may be given any of them.
CHANGES: dict[str, Callable[[Document], Iterator[Change]]] = {
    "comment": comments,
    "order": orders,
    "quotes": quotes,
    "words": words,
    "annotation": one_annotation_more,
    "lines": lines,
    "as-good": as_good,
    "flow": flows,
}


def _change(entry: Entry, edit: Edit) -> Change:
    return Change(HARMLESS, (edit,), entry.path, (entry.path,))


def _flow(document: Document, entry: Entry) -> str:
    """The entry as it stands between brackets: strings in quotes, for commas and brackets end plain ones."""
    scalar = entry.scalar
    if scalar is None:
        raise ValueError(f"{entry.path} is no scalar")
    text = document.text[scalar.start_mark.index : scalar.end_mark.index]
    if scalar.tag.endswith(":str") and scalar.style is None:
        text = f"'{text}'" if "'" not in text else f'"{text}"'
    return f'"{entry.key.value}": {text}' if entry.key else text
