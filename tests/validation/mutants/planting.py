"""Every fault that can be planted in a manifest, by kind. Pure: the same text, the same changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import yaml

from validation.mutants import places
from validation.mutants.change import MARK, Change, Edit
from validation.mutants.document import Document, Entry, Steps

_UNTOUCHED: tuple[Steps, ...] = (("apiVersion",), ("kind",))


def typos(document: Document) -> Iterator[Change]:
    """A field's name misspelled, wherever the server knows the names."""
    for entry in document.entries:
        if entry.path not in _UNTOUCHED and not places.CUSTOM.fullmatch(entry.shape):
            yield from _misspelled("typo", entry)


def wrong_types(document: Document) -> Iterator[Change]:
    """A value of another type: a word for a number, a number for a word, a word for a list."""
    for entry in document.entries:
        shape = entry.shape
        if entry.path in _UNTOUCHED or places.ANYTHING.fullmatch(shape) or places.CUSTOM.fullmatch(shape):
            continue
        if entry.scalar:
            for text in _of_another_type(entry, entry.scalar):
                yield _written("wrong-type", entry, text)
        elif entry.key and isinstance(entry.value, yaml.CollectionNode) and len(entry.path) > 1:
            edit = Edit(entry.key.end_mark.index, document.end(entry.value), f": {MARK}none")
            yield Change("wrong-type", (edit,), entry.path, (entry.path,))


def wrong_indentations(document: Document) -> Iterator[Change]:
    """The last key of a mapping lands one level too high, beside the key that holds the mapping."""
    for entry in document.entries:
        outer = entry.parent
        if outer is None or outer.key is None or entry.key is None or not entry.last or not entry.index:
            continue
        name = entry.key.value
        landed = (*outer.path[:-1], name)
        if _names_are_free(outer) or landed in document.by_path:
            continue
        edits: list[Edit] = []
        lift = entry.column - outer.column
        start = document.line_start(entry.start)
        while start < document.end(entry.value):
            end = document.line_end(start)
            line = document.text[start:end]
            if line[:lift].strip():
                break
            edits.append(Edit(start, min(start + lift, end), "" if edits else MARK))
            start = end + 1
        else:
            yield Change("wrong-indentation", tuple(edits), landed, (entry.path, landed))


def broken_syntax(document: Document) -> Iterator[Change]:
    """Text that is no YAML: a tab that indents, a key that stands too deep."""
    for entry in document.entries:
        if entry.key is None or not document.alone(entry) or not entry.column:
            continue
        start = document.line_start(entry.start)
        before = document.sibling(entry, -1)
        if before is None:
            tabs = Edit(start, entry.start, f"{MARK}{chr(9) * (entry.column // 2)}")
            yield Change("syntax", (tabs,), entry.path, (entry.path,))
        elif before.scalar and before.scalar.style is None and before.scalar.value:
            yield Change("syntax", (Edit(start, start, f"{MARK} "),), entry.path, (entry.path,))


def duplicate_keys(document: Document) -> Iterator[Change]:
    """A key written a second time, with the same value."""
    for entry in document.entries:
        if entry.key is None or entry.scalar is None or entry.path in _UNTOUCHED:
            continue
        end = document.end(entry.value)
        at = document.line_end(end)
        again = document.text[entry.start : end]
        edit = Edit(at, at, f"\n{' ' * entry.column}{MARK}{again}")
        yield Change("duplicate-key", (edit,), entry.path, (entry.path,))


def out_of_range(document: Document) -> Iterator[Change]:
    """A number, percentage or address that is beyond what the field allows."""
    for entry in document.entries:
        yield from _values(document, "out-of-range", entry, places.values(places.OUT_OF_RANGE, entry.shape))


def missing_required(document: Document) -> Iterator[Change]:
    """A field that has to be there, taken out."""
    for entry in document.entries:
        if places.among(places.REQUIRED, entry.shape):
            yield from _removed(document, "missing-required", entry)


def bad_quantities(document: Document) -> Iterator[Change]:
    """A quantity that is none, or a negative one."""
    for entry in document.entries:
        if places.QUANTITY.fullmatch(entry.shape):
            negative = ("-1",) if places.NOT_NEGATIVE.fullmatch(entry.shape) else ()
            yield from _values(document, "bad-quantity", entry, iter(places.BAD_QUANTITIES + negative))


def bad_labels(document: Document) -> Iterator[Change]:
    """A label's value, or its key, that no label may have."""
    for entry in document.entries:
        if places.LABEL.fullmatch(entry.shape):
            yield from _values(document, "bad-label", entry, iter(places.BAD_LABELS))
        if places.LABEL_KEY.fullmatch(entry.shape):
            for name in places.BAD_LABEL_KEYS:
                yield _renamed("bad-label", entry, name)


def bad_crons(document: Document) -> Iterator[Change]:
    """A schedule that never comes, or a time zone that is none."""
    schedule = document.by_path.get(("spec", "schedule"))
    if document.kind != "CronJob" or schedule is None:
        return
    yield from _values(document, "bad-cron", schedule, (f'"{text}"' for text in places.BAD_SCHEDULES))
    zone = document.by_path.get(("spec", "timeZone"))
    if zone:
        yield from _values(document, "bad-cron", zone, iter(places.BAD_TIME_ZONES))


def bad_ports(document: Document) -> Iterator[Change]:
    """A port's number, name or protocol that is none."""
    for entry in document.entries:
        yield from _values(document, "bad-port", entry, places.values(places.BAD_PORT, entry.shape))


def bad_selectors(document: Document) -> Iterator[Change]:
    """A selector that misses its own template; an operator that is unknown, or has values it may not have."""
    for entry in document.entries:
        if places.WORKLOAD_SELECTOR.fullmatch(entry.shape):
            yield from _values(document, "bad-selector", entry, iter(("other", "mistaken")))
        if places.OPERATOR.fullmatch(entry.shape):
            yield from _values(document, "bad-selector", entry, iter(places.UNKNOWN_OPERATORS))
            if (*entry.path[:-1], "values") in document.by_path:
                yield from _values(document, "bad-selector", entry, iter(places.NO_VALUES))


def removed_versions(document: Document) -> Iterator[Change]:
    """A version that this kind was once served in, and is no longer."""
    entry = document.by_path["apiVersion",]
    yield from _values(document, "removed-api-version", entry, iter(places.REMOVED.get(document.kind, ())))


def broken_rules(document: Document) -> Iterator[Change]:
    """A resource that breaks a rule of its definition; an expression that is no CEL, or of a wrong type."""
    for entry in document.entries:
        for table in (places.BROKEN_RULES, places.BROKEN_EXPRESSIONS):
            yield from _values(document, "cel-rule", entry, places.values(table, entry.shape))


def against_definition(document: Document) -> Iterator[Change]:
    """A custom resource that its definition's schema does not allow."""
    for entry in document.entries:
        if not places.CUSTOM.fullmatch(entry.shape):
            continue
        yield from _values(document, "against-crd", entry, places.values(places.AGAINST_SCHEMA, entry.shape))
        if places.among(places.REQUIRED_BY_SCHEMA, entry.shape):
            yield from _removed(document, "against-crd", entry)
        yield from _misspelled("against-crd", entry)


def immutable_changes(document: Document) -> Iterator[Change]:
    """A field changed that may not change: no fault in a new object, but in one that replaces another."""
    for entry in document.entries:
        yield from _values(document, "immutable", entry, places.values(places.IMMUTABLE, entry.shape))
        if places.IMMUTABLE_SELECTOR.fullmatch(entry.shape):
            label = document.by_path["spec", "template", "metadata", "labels", "app"]
            (selector,) = _values(document, "immutable", entry, iter(("other",)))
            start, end = label.value.start_mark.index, label.value.end_mark.index
            edits = (*selector.edits, Edit(start, end, "other"))
            yield Change("immutable", edits, entry.path, (entry.path, label.path))


# Every kind of fault, with what plants it.
FAULTS: dict[str, Callable[[Document], Iterator[Change]]] = {
    "typo": typos,
    "wrong-type": wrong_types,
    "wrong-indentation": wrong_indentations,
    "syntax": broken_syntax,
    "duplicate-key": duplicate_keys,
    "out-of-range": out_of_range,
    "missing-required": missing_required,
    "bad-quantity": bad_quantities,
    "bad-label": bad_labels,
    "bad-cron": bad_crons,
    "bad-port": bad_ports,
    "bad-selector": bad_selectors,
    "removed-api-version": removed_versions,
    "cel-rule": broken_rules,
    "against-crd": against_definition,
    "immutable": immutable_changes,
}


def misspellings(name: str) -> tuple[str, ...]:
    """How a name may be mistyped: letters swapped, one left out, one twice, a capital."""
    wrong = [name[0].upper() + name[1:]] if name[0].islower() else []
    middle = len(name) // 2
    if len(name) > 2:
        wrong += [
            name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :],
            name[:middle] + name[middle] + name[middle:],
        ]
    if len(name) > 3:
        wrong.append(name[:middle] + name[middle + 1 :])
    return tuple(text for text in wrong if text != name)


def _misspelled(kind: str, entry: Entry) -> Iterator[Change]:
    if entry.key is None or _names_are_free(entry):
        return
    for name in misspellings(entry.key.value):
        yield _renamed(kind, entry, name)


def _names_are_free(entry: Entry) -> bool:
    """Whether the keys beside this one are anybody's choice, or not looked at."""
    if entry.parent is None:
        return False
    shape = entry.parent.shape
    return any(pattern.fullmatch(shape) for pattern in (places.FREE, places.ANYTHING, places.BLIND))


def _of_another_type(entry: Entry, scalar: yaml.ScalarNode) -> tuple[str, ...]:
    if places.INT_OR_STRING.fullmatch(entry.shape):
        return ("true", "[8080]")
    if places.QUANTITY.fullmatch(entry.shape):
        return ("true", "[1]")
    kind = scalar.tag.rpartition(":")[2]
    return {"int": ("many", '"7"'), "float": ("many", '"7"'), "bool": ('"true"', "maybe")}.get(
        kind, ("7", "yes", "[a, b]")
    )


def _renamed(kind: str, entry: Entry, name: str) -> Change:
    if entry.key is None:
        raise ValueError(f"{entry.path} has no name")
    edit = Edit(entry.start, entry.key.end_mark.index, MARK + name)
    path = (*entry.path[:-1], name)
    return Change(kind, (edit,), path, (entry.path, path))


def _written(kind: str, entry: Entry, text: str) -> Change:
    edit = Edit(entry.value.start_mark.index, entry.value.end_mark.index, MARK + text)
    return Change(kind, (edit,), entry.path, (entry.path,))


def _values(document: Document, kind: str, entry: Entry, texts: Iterator[str]) -> Iterator[Change]:
    if entry.scalar is None:
        return
    there = document.text[entry.scalar.start_mark.index : entry.scalar.end_mark.index]
    for text in texts:
        if text.strip('"') != there.strip("\"'"):
            yield _written(kind, entry, text)


def _removed(document: Document, kind: str, entry: Entry) -> Iterator[Change]:
    """Without the field, unless nothing would be left beside it; its parent is marked."""
    if entry.key is None:
        return
    after = document.sibling(entry, 1)
    if after:
        edit = Edit(entry.start, after.start, "")
    elif entry.index and document.alone(entry):
        end = document.line_end(document.end(entry.value))
        edit = Edit(document.line_start(entry.start), min(end + 1, len(document.text)), "")
    else:
        return
    place = entry.parent.start if entry.parent else document.root.start_mark.index
    yield Change(kind, (Edit(place, place, MARK), edit), entry.path, (entry.path,))
