"""Reading what the suite left, and comparing it with what is expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from sandkube.errors import SandkubeError

Module = Callable[[str], ModuleType]

JUNIT = """<?xml version="1.0"?>
<testsuites><testsuite>
<testcase name="[SynchronizedBeforeSuite]" status="passed" time="1"/>
<testcase name="[It] [sig-a] passes [Conformance] [sig-a, Conformance]" status="passed" time="1.5"/>
<testcase name="[It] [sig-a] fails [Conformance] [Serial]" status="failed" time="2">
<failure message="it is&#10;   broken" type="failed">at x.go</failure></testcase>
<testcase name="[It] [sig-b] panics [Conformance]" status="panicked" time="2"><error message="oh"/></testcase>
<testcase name="[It] [sig-b] steps aside [Conformance]" status="skipped" time="2">
<skipped message="skipped - needs two nodes"/></testcase>
<testcase name="[It] [sig-b] was not asked for [Conformance]" status="skipped" time="0">
<skipped message="skipped"/></testcase>
</testsuite></testsuites>
"""
NAMES = {
    "[sig-a] passes [Conformance]": "passed",
    "[sig-a] fails [Conformance] [Serial]": "failed",
    "[sig-b] panics [Conformance]": "failed",
    "[sig-b] steps aside [Conformance]": "skipped",
    "[sig-b] was not asked for [Conformance]": "did not run",
    "[sig-b] is unknown [Conformance]": "did not run",
}


@pytest.fixture
def outcomes(module: Module) -> ModuleType:
    return module("outcomes")


def test_each_test_wanted_has_one_outcome(outcomes: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(JUNIT, encoding="utf-8")
    found = outcomes.read_junit(path, list(NAMES))
    assert {one.test: one.result for one in found} == NAMES
    assert [one.message for one in found][1:4] == ["it is broken", "oh", "skipped - needs two nodes"]
    table = outcomes.table(found, "native").splitlines()
    assert table[-1].split() == ["in", "all", "6", "1", "2", "1", "2", "8"]
    assert [line.split()[0] for line in table[2:]] == ["sig-a", "sig-b", "in"]


@pytest.mark.parametrize("text", ["", "<testsuites>"])
def test_a_run_that_left_no_whole_file_is_no_run(outcomes: ModuleType, tmp_path: Path, text: str) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SandkubeError, match="left no JUnit file"):
        outcomes.read_junit(path, list(NAMES))


@pytest.mark.parametrize(
    ("result", "excused", "said"),
    [
        ("passed", None, []),
        ("failed", ("native", "gvisor"), []),
        ("failed", ("gvisor",), ["failed: x\n    why"]),
        ("failed", None, ["failed: x\n    why"]),
        ("skipped", None, ["skipped: x\n    why"]),
        ("did not run", None, ["did not run: x\n    why"]),
        ("passed", ("native",), ["passes, and has to leave exceptions.toml: x"]),
        ("passed", ("gvisor",), []),
    ],
)
def test_what_is_not_as_expected_is_said(
    outcomes: ModuleType, result: str, excused: tuple[str, ...] | None, said: list[str]
) -> None:
    exceptions = [outcomes.Expected("x", "reason", "a.go:1", excused)] if excused else []
    assert outcomes.surprises([outcomes.Outcome("x", result, 1.0, "why")], exceptions, "native") == said


def test_the_exceptions_of_this_checkout_are_argued_and_known(outcomes: ModuleType, module: Module) -> None:
    listing = module("listing")
    assert outcomes.unknown(outcomes.expected(), listing.names(listing.NO_NODE)) == []


def test_a_focus_fits_the_tests_named_and_no_other(module: Module) -> None:
    inside = module("inside")
    focus = re.compile(
        inside.focus(["[sig-a] ends [Conformance]", "[sig-a] a (b|c) `d`* [Slow] [Conformance]"])
    )
    title = "Kubernetes e2e suite"
    assert focus.search(f"{title} [sig-a] ends [Conformance] [Serial]")
    assert focus.search(f"{title} [sig-a] a (b|c) `d`* [Conformance] [Slow]")
    assert not focus.search(f"{title} [sig-a] ends in another way [Conformance]")
    assert not focus.search(f"{title} [sig-b] [sig-a] ends [Conformance]")
    assert not focus.search(f"{title} [sig-a] a b `d [Conformance]")
