"""Which tests need a node: the rules, the list made by them, and the page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from conformance.conftest import Run

Module = Callable[[str], ModuleType]


@pytest.fixture
def listing(module: Module) -> ModuleType:
    return module("listing")


@pytest.fixture
def go() -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not on PATH, and upstream's list comes as a Go module")


def group(name: str = "g", **rules: Any) -> dict[str, Any]:
    return {"id": name, "title": "T", "why": "W", **rules}


def upstream(listing: ModuleType) -> list[Any]:
    return [listing.Test(*one) for one in (("a one", "x/a.go"), ("a two", "x/a.go"), ("b one", "y.go"))]


def test_a_test_that_no_group_names_needs_no_node(listing: ModuleType) -> None:
    needs = {"group": [group(whole=["x/"], but=["two"]), group("h", tests={"y.go": ["one"]})]}
    found = listing.sort_out(upstream(listing), needs, "v1")
    assert [test.name for test in found.no_node] == ["a two"]
    assert [[test.name for test in one.tests] for one in found.groups] == [["a one"], ["b one"]]
    assert found.total == 3
    assert listing.text(found).splitlines()[0].endswith("of Kubernetes v1 that need no node: 1 of 3.")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([group(whole=["z.go"])], "no conformance test in `z.go`"),
        ([group(whole=["x"])], "no conformance test in `x`"),
        ([group(whole=["x/"], but=["three"])], "`three`, which fits no test"),
        ([group(tests={"x/a.go": ["a"]})], "`a` fits 2 tests of `x/a.go`"),
        ([group(tests={"y.go": ["two"]})], "`two` fits 0 tests of `y.go`"),
        ([group(whole=["y.go"]), group("h", tests={"y.go": ["one"]})], "in the groups `g` and `h`"),
    ],
)
def test_rules_that_do_not_fit_are_refused(
    listing: ModuleType, groups: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(listing.MisfitError, match=said):
        listing.sort_out(upstream(listing), {"group": groups}, "v1")


def test_the_list_is_up_to_date(go: None, script: Run) -> None:
    done = script("listing.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_is_up_to_date(go: None, script: Run) -> None:
    done = script("page.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_quick_part_is_of_the_list_and_of_many_kinds(listing: ModuleType) -> None:
    quick = listing.names(listing.QUICK)
    assert set(quick) <= set(listing.names(listing.NO_NODE))
    assert len(set(quick)) == len(quick)
    for kind in ("Watchers", "Discovery", "CustomResourceDefinition", "Garbage collector"):
        assert any(kind in name for name in quick)


def test_modules_are_the_servers(listing: ModuleType) -> None:
    """One build cache serves both only where the versions are the same."""
    server = _versions((listing.HERE.parent / "server" / "go.mod").read_text(encoding="utf-8"))
    suite = _versions((listing.HERE / "go.mod").read_text(encoding="utf-8"))
    assert {name: suite[name] for name in server if name in suite} == {
        name: version for name, version in server.items() if name in suite
    }
    assert "k8s.io/kubernetes" in suite


def _versions(go_mod: str) -> dict[str, str]:
    lines = (line.removeprefix("require ").split() for line in go_mod.splitlines() if "=>" not in line)
    return {words[0]: words[1] for words in lines if len(words) > 1 and words[1].startswith("v")}
