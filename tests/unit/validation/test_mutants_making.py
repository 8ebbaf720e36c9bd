"""The mutant maker: the same mutants every time, faults where it says they are, and enough of each kind."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml

from validation.mutants import places
from validation.mutants.change import MARK, Change, Edit, applied
from validation.mutants.document import Document, Entry, written
from validation.mutants.harmless import CHANGES, HARMLESS
from validation.mutants.making import MASKING, Mutant, mutants
from validation.mutants.planting import FAULTS, misspellings
from validation.mutants.seed import Seed, seeds

SMALL = """\
# a comment
apiVersion: v1
kind: Service
metadata:
  name: web
  labels:
    app: web
spec:
  selector:
    app: web
  ports:
  - name: http
    port: 80
    targetPort: 8080
  - name: https
    port: 443
"""


@pytest.fixture(scope="module")
def five_hundred() -> list[Mutant]:
    return mutants(1, 500)


@pytest.fixture(scope="module")
def by_name() -> dict[str, Seed]:
    return {seed.name: seed for seed in seeds()}


def test_the_same_numbers_give_the_same_mutants(five_hundred: list[Mutant]) -> None:
    assert mutants(1, 500) == five_hundred
    assert mutants(1, 20) == five_hundred[:20]


def test_another_seed_gives_others(five_hundred: list[Mutant]) -> None:
    assert {mutant.text for mutant in mutants(2, 100)} != {mutant.text for mutant in five_hundred[:100]}


def test_there_are_forty_kinds_among_the_seeds_and_among_the_mutants(five_hundred: list[Mutant]) -> None:
    assert len({seed.document.kind for seed in seeds()}) >= 40
    used = {mutant.seed for mutant in five_hundred}
    assert len({seed.document.kind for seed in seeds() if seed.name in used}) >= 40


def test_every_kind_of_fault_occurs(five_hundred: list[Mutant]) -> None:
    counted = Counter(kind for mutant in five_hundred for kind in mutant.kinds)
    assert set(counted) == {*FAULTS, HARMLESS}
    assert min(counted.values()) >= 8


def test_about_one_in_six_is_harmless_and_one_in_three_has_two_faults(five_hundred: list[Mutant]) -> None:
    faults = Counter(len(mutant.faults) for mutant in five_hundred)
    assert 60 <= faults[0] <= 110
    assert 130 <= faults[2] <= 205
    assert set(faults) == {0, 1, 2}


def test_no_mutant_is_its_seed_or_another_mutant(
    five_hundred: list[Mutant], by_name: dict[str, Seed]
) -> None:
    assert len({mutant.text for mutant in five_hundred}) == 500
    assert len({mutant.name for mutant in five_hundred}) == 500
    for mutant in five_hundred:
        assert mutant.text != by_name[mutant.seed].text


def test_what_is_not_about_syntax_is_yaml(five_hundred: list[Mutant]) -> None:
    for mutant in five_hundred:
        assert parses(mutant.text) == ("syntax" not in mutant.kinds), mutant.name


def test_no_mark_is_left_behind(five_hundred: list[Mutant]) -> None:
    assert not any(MARK in mutant.text for mutant in five_hundred)


def test_harmless_ones_say_so_and_nothing_else(five_hundred: list[Mutant]) -> None:
    for mutant in five_hundred:
        assert (mutant.kinds == (HARMLESS,)) == (not mutant.faults), mutant.name
        assert mutant.kinds == (HARMLESS,) or set(mutant.kinds) == {fault.kind for fault in mutant.faults}


def test_an_old_text_comes_with_what_cannot_change(
    five_hundred: list[Mutant], by_name: dict[str, Seed]
) -> None:
    for mutant in five_hundred:
        if "immutable" in mutant.kinds:
            assert mutant.old == by_name[mutant.seed].text
        elif mutant.old is not None:
            assert mutant.kinds == (HARMLESS,)


def test_custom_resources_come_with_their_definitions(five_hundred: list[Mutant]) -> None:
    seen = set()
    for mutant in five_hundred:
        if mutant.seed.startswith(("orchard", "beehive")):
            assert "kind: CustomResourceDefinition" in mutant.needs[0]
            seen.add(mutant.seed)
        else:
            assert mutant.needs == ()
    assert seen


def test_what_hides_other_faults_is_a_kind_of_fault() -> None:
    assert set(FAULTS) >= MASKING


def test_lines_are_those_of_the_fields(five_hundred: list[Mutant]) -> None:
    """A line holds the name of its field, or, where the field is missing, that of its parent."""
    checked = 0
    for mutant in five_hundred:
        lines = mutant.text.splitlines()
        there = [] if "syntax" in mutant.kinds else [written(entry.path) for entry in entries(mutant.text)]
        for fault in mutant.faults:
            missing = "syntax" not in mutant.kinds and fault.path not in there
            name = last_name(fault.path.rpartition(".")[0] if missing else fault.path)
            if name:
                assert name in lines[fault.line - 1], (mutant.name, fault)
                checked += 1
    assert checked > 400


def test_single_faults_change_their_own_line_alone(
    five_hundred: list[Mutant], by_name: dict[str, Seed]
) -> None:
    """Where only a value or a name was changed, exactly that line differs."""
    kinds = {
        "typo",
        "out-of-range",
        "bad-quantity",
        "bad-label",
        "bad-cron",
        "bad-port",
        "removed-api-version",
    }
    for mutant in five_hundred:
        if len(mutant.faults) == 1 and set(mutant.kinds) <= kinds:
            pairs = zip(by_name[mutant.seed].text.splitlines(), mutant.text.splitlines(), strict=True)
            differing = [number for number, (old, new) in enumerate(pairs, 1) if old != new]
            assert differing == [mutant.faults[0].line], mutant.name


def test_two_faults_are_at_fields_that_have_nothing_to_do_with_each_other(five_hundred: list[Mutant]) -> None:
    for mutant in five_hundred:
        if len(mutant.faults) == 2:
            first, second = (fault.path for fault in mutant.faults)
            assert first != second
            assert not first.startswith((f"{second}.", f"{second}["))
            assert not second.startswith((f"{first}.", f"{first}["))


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name)
def test_every_fault_that_can_be_planted_leaves_yaml_behind(seed: Seed) -> None:
    for kind, plant in FAULTS.items():
        for change in plant(seed.document):
            text, (line,) = applied(seed.text, [change])
            assert line > 0, change
            assert text != seed.text, change
            assert parses(text) == (kind != "syntax"), change


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name)
def test_what_is_harmless_leaves_what_is_said_as_it_was(seed: Seed) -> None:
    """Comments, order, quotes, lines and brackets change nothing in the data."""
    same = {"comment", "order", "quotes", "lines", "flow"}
    data = yaml.load(seed.text, Loader=yaml.CSafeLoader)
    for kind in same:
        for change in CHANGES[kind](seed.document):
            text, _ = applied(seed.text, [change])
            there = [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one is not None]
            assert there == [data], change


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name)
def test_yes_and_octal_digits_are_other_words_for_the_same(seed: Seed) -> None:
    data = yaml.load(seed.text, Loader=yaml.CSafeLoader)
    for change in CHANGES["words"](seed.document):
        text, _ = applied(seed.text, [change])
        # PyYAML takes `y`, `n` and 0o17 for strings; the server does not
        if not any(edit.text in {"y", "n"} or edit.text.startswith("0o") for edit in change.edits):
            assert yaml.load(text, Loader=yaml.CSafeLoader) == data, change


def test_each_seed_is_one_object_in_block_style() -> None:
    for seed in seeds():
        (data,) = yaml.load_all(seed.text, Loader=yaml.CSafeLoader)
        assert data["kind"] == seed.document.kind
        assert seed.text.endswith("\n")
        assert not any(hidden(entry) for entry in seed.document.entries), seed.name


def test_patterns_all_belong_to_some_field() -> None:
    """A pattern that matches nothing is a mistake of its writer."""
    shapes = {entry.shape for seed in seeds() for entry in seed.document.entries}
    tables = (
        places.OUT_OF_RANGE,
        places.BAD_PORT,
        places.BROKEN_EXPRESSIONS,
        places.BROKEN_RULES,
        places.AGAINST_SCHEMA,
        places.IMMUTABLE,
        places.AS_GOOD,
    )
    patterns = [pattern for table in tables for pattern, _ in table]
    patterns += [*places.REQUIRED, *places.REQUIRED_BY_SCHEMA]
    unused = [pattern for pattern in patterns if not any(places.among((pattern,), shape) for shape in shapes)]
    assert unused == []


def test_removed_versions_are_of_kinds_that_are_there() -> None:
    assert set(places.REMOVED) <= {seed.document.kind for seed in seeds()}


def test_no_misspelled_name_is_a_name() -> None:
    names = {entry.key.value for seed in seeds() for entry in seed.document.entries if entry.key}
    for name in names:
        assert names.isdisjoint(misspellings(name)), name


@pytest.mark.parametrize(
    ("kind", "path", "changed", "line"),
    [
        ("typo", "spec.selcetor", "  selcetor:\n    app: web\n", 9),
        ("missing-required", "spec.ports[0].port", "  - name: http\n    targetPort: 8080\n", 12),
        ("missing-required", "spec.ports[1].port", "  - name: https\n", 15),
        ("duplicate-key", "spec.ports[0].port", "    port: 80\n    port: 80\n", 14),
        ("wrong-indentation", "spec.app", "  selector:\n  app: web\n", 10),
    ],
)
def test_planting_by_hand(kind: str, path: str, changed: str, line: int) -> None:
    text = SMALL
    if kind == "wrong-indentation":
        text = SMALL.replace("  selector:\n    app: web\n", "  selector:\n    tier: front\n    app: web\n")
        changed = changed.replace("  selector:\n", "  selector:\n    tier: front\n")
        line += 1
    found = [change for change in FAULTS[kind](Document(text)) if written(change.path) == path]
    results = [applied(text, [change]) for change in found]
    assert [lines for made, lines in results if changed in made] == [(line,)]


def test_lines_count_what_two_changes_do_to_each_other() -> None:
    document = Document(SMALL)
    (twice,) = (
        change for change in FAULTS["duplicate-key"](document) if change.path == ("metadata", "labels", "app")
    )
    port = ("spec", "ports", 1, "port")
    below = next(change for change in FAULTS["bad-port"](document) if change.path == port)
    assert twice.apart(below)
    text, lines = applied(SMALL, [below, twice])
    assert lines == (17, 8)
    assert text.splitlines()[16].strip().startswith("port: ")
    assert text.splitlines()[7] == "    app: web"


def test_changes_that_touch_each_other_are_not_apart() -> None:
    outer = Change("typo", (Edit(0, 4, "x"),), ("spec",), (("spec",),))
    inner = Change("typo", (Edit(10, 14, "x"),), ("spec", "ports"), (("spec", "ports"),))
    beside = Change("typo", (Edit(20, 24, "x"),), ("metadata",), (("metadata",),))
    same_text = Change("typo", (Edit(22, 26, "x"),), ("status",), (("status",),))
    assert not outer.apart(inner)
    assert not inner.apart(outer)
    assert outer.apart(beside)
    assert not beside.apart(same_text)


def test_edits_that_overlap_are_refused() -> None:
    one = Change("typo", (Edit(0, 4, MARK),), ("a",), (("a",),))
    other = Change("typo", (Edit(2, 6, MARK),), ("b",), (("b",),))
    with pytest.raises(ValueError, match="overlap"):
        applied("abcdefgh", [one, other])


def test_too_many_mutants_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("validation.mutants.making._TRIES", 0)
    with pytest.raises(ValueError, match="no mutant"):
        mutants(1, 1)


def parses(text: str) -> bool:
    """Whether every document of the text is YAML."""
    try:
        list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return False
    return True


def entries(text: str) -> tuple[Entry, ...]:
    """The fields of the one object in a text."""
    return Document(text).entries


def last_name(path: str) -> str | None:
    """The last name in a path; None if it ends in a number, or is empty."""
    if path.endswith("]"):
        inside = path.rpartition("[")[2].rstrip("]")
        return None if inside.isdigit() else inside
    return path.rpartition(".")[2] or None


def hidden(entry: Entry) -> bool:
    """Whether something is in the field's value in flow style, where nothing is planted."""
    return isinstance(entry.value, yaml.CollectionNode) and bool(entry.value.flow_style and entry.value.value)
