"""Checks run side by side: none can end another, or keep the rest waiting."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from sandkube import doctor, errors
from sandkube.doctor import Check, Finding, Kind, Surroundings, examine, examining, explain, mend
from sandkube.doctor.checks import CHECKS, server
from sandkube.doctor.finding import ok
from sandkube.errors import SandkubeError, StartFailed

NOTE = Kind("a-note", "note", "A note", "Because.", "true {word}")
PROBLEM = Kind("a-problem", "problem", "A problem", "Because.", "false")


def check(name: str, *found: Finding) -> Check:
    return Check(name, name, (NOTE, PROBLEM), lambda _: found)


def test_problems_come_first_and_each_names_its_check() -> None:
    checks = [
        check("one", ok("fine")),
        check("two", NOTE.found("Hm.", word="x")),
        check("three", PROBLEM.found("No.")),
    ]
    found = examine(Surroundings(), checks)
    assert [(one.check, one.state, one.kind) for one in found] == [
        ("three", "problem", "a-problem"),
        ("two", "note", "a-note"),
        ("one", "ok", ""),
    ]
    assert found[1].remedy == "true x"


def test_what_a_check_raises_is_a_finding() -> None:
    def look(_: Surroundings) -> Iterator[Finding]:
        yield ok("so far")
        raise ZeroDivisionError("by nothing")

    found = examine(Surroundings(), [Check("odd", "Odd", (), look), check("one", ok("fine"))])
    assert [(one.check, one.state) for one in found] == [("odd", "problem"), ("one", "ok")]
    assert found[0].found == "This could not be checked: ZeroDivisionError: by nothing."


def test_a_check_that_hangs_is_not_waited_for() -> None:
    release = threading.Event()

    def look(_: Surroundings) -> Iterable[Finding]:
        release.wait()
        return [ok("at last")]

    try:
        found = examine(
            Surroundings(), [Check("slow", "Slow", (), look), check("one", ok("fine"))], seconds=0.2
        )
    finally:
        release.set()
    assert [(one.check, one.kind) for one in found] == [("slow", "unchecked"), ("one", "")]


def test_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert [one.found for one in examine(Surroundings(), [check("one", ok("fine"))])] == ["fine"]


def test_mending_goes_on_and_says_each_thing_once() -> None:
    def broken() -> str:
        raise SandkubeError("it is not to be")

    fixes = [NOTE.found("A.", word="", fix=lambda: "swept"), NOTE.found("B.", word="", fix=broken)]
    done = mend([*fixes, NOTE.found("C.", word="", fix=lambda: "swept"), ok("fine")])
    assert done == ["swept", ": could not be mended: it is not to be"]


def test_explaining(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the problems of the checks that can explain the error; a check that fails explains nothing."""

    def odd(_: Surroundings) -> Iterable[Finding]:
        raise OSError("odd")

    checks = (
        check("memory", PROBLEM.found("No memory."), NOTE.found("Hm.", word="")),
        check("proxies", PROBLEM.found("A proxy.")),
        Check("loopback", "", (), odd),
    )
    monkeypatch.setattr(examining, "CHECKS", checks)
    error = StartFailed("Cluster `x` did not start: the server was ended by signal SIGKILL (out of memory?).")
    assert [one.found for one in explain(error, "x")] == ["No memory."]
    refused = "Cluster `x` did not start: unknown flag: --y (the server ended with status 2)."
    assert explain(StartFailed(refused), "x") == []
    assert explain(errors.UsageError("no"), "x") == []


def test_what_was_started_was_found(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of k3s needs no server of ours, so that there is none explains nothing."""
    missing = check("server", server.MISSING.found("There is none."))
    monkeypatch.setattr(examining, "CHECKS", (missing,))
    assert explain(StartFailed("Cluster `x` did not start: it ended."), "x") == []
    assert [one.kind for one in explain(errors.ServerNotFound("None."), "x")] == ["server-missing"]


def test_every_error_is_explained_by_checks_that_there_are() -> None:
    names = {one.name for one in CHECKS}
    for kind, explained_by in examining._EXPLAINS.items():
        assert set(explained_by) <= names, kind
    for name in errors.__all__:
        assert any(kind in examining._EXPLAINS for kind in getattr(errors, name).__mro__)


def test_every_kind_is_declared_once_and_can_be_pasted() -> None:
    kinds = [kind for one in CHECKS for kind in one.kinds]
    ids = [kind.id for kind in kinds]
    assert len(set(ids)) == len(ids)
    assert len({one.name for one in CHECKS}) == len(CHECKS)
    for kind in kinds:
        assert kind.state in ("note", "problem")
        assert re.fullmatch(r"[a-z0-9-]+", kind.id)
        assert kind.why.endswith(".")
        assert not kind.remedy.endswith(".")


def test_every_kind_that_a_check_has_is_declared() -> None:
    """The documents are written from what is declared."""
    folder = Path(doctor.__file__ or "").parent / "checks"
    made = "".join(path.read_text() for path in folder.glob("*.py"))
    written = set(re.findall(r'= Kind\(\s*"([a-z0-9-]+)"', made))
    assert written == {kind.id for one in CHECKS for kind in one.kinds}
