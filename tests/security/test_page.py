"""The page on security names tests: each of them is there, and each item has one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "security.md"

_ROW = re.compile(r"^\| (\d+) \| .+ \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
ITEMS = range(1, 24)


def names_in(file: Path) -> set[str]:
    """The names of the test functions of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_item_has_a_test() -> None:
    rows = dict(_ROW.findall(PAGE.read_text(encoding="utf-8")))
    assert [int(number) for number in rows] == list(ITEMS)
    assert [number for number, tests in rows.items() if not _TEST.findall(tests)] == []


def test_every_test_that_is_named_is_there() -> None:
    named = _TEST.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > len(ITEMS)
    missing = [f"{file}::{name}" for file, name in named if name not in names_in(TESTS / file)]
    assert missing == []
    assert all(name.startswith("test_") for _, name in named)


def test_nothing_in_the_column_of_tests_is_something_else() -> None:
    for _, tests in _ROW.findall(PAGE.read_text(encoding="utf-8")):
        assert re.sub(_TEST, "", tests).strip(", ") == ""
