"""`sandkube doctor`, as it is typed."""

from __future__ import annotations

import json

import pytest

from sandkube import cluster, doctor
from sandkube.cli.doctor import lines
from sandkube.doctor import Finding, Kind, Surroundings
from sandkube.doctor.finding import ok
from sandkube.errors import SandkubeError, StartFailed
from unit.cli.conftest import Run, run

__all__ = ["run"]

PROBLEM = Kind("a-problem", "problem", "A problem", "Because.", "mend it")


def finds(monkeypatch: pytest.MonkeyPatch, *found: Finding) -> list[Surroundings]:
    asked: list[Surroundings] = []

    def examine(surroundings: Surroundings) -> list[Finding]:
        asked.append(surroundings)
        return list(found)

    monkeypatch.setattr(doctor, "examine", examine)
    return asked


def test_all_is_well(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, ok("fine"))
    done = run("doctor")
    assert (done.status, done.out, done.err) == (0, "ok:       : fine\n", "")


def test_a_note_is_no_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, Finding("note", "Hm.", "a-note", "Because.", "wait"))
    assert run("doctor").status == 0


def test_a_problem(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, PROBLEM.found("It is broken."))
    done = run("doctor")
    assert done.status == 1
    assert done.out == "problem:  : It is broken.\n          why: Because.\n          do:  mend it\n"


def test_as_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, PROBLEM.found("It is broken.", fix=lambda: "done"))
    done = run("doctor", "-o", "json")
    assert done.status == 1
    assert json.loads(done.out) == {
        "version": 1,
        "findings": [
            {
                "check": "",
                "state": "problem",
                "kind": "a-problem",
                "found": "It is broken.",
                "why": "Because.",
                "remedy": "mend it",
                "fix": True,
            }
        ],
        "mended": [],
    }


def test_mending(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, PROBLEM.found("It is broken.", fix=lambda: "all of it"))
    done = run("doctor", "--fix")
    assert done.err == "mended: all of it\n"
    assert done.status == 1  # it was looked at again, and is no better


@pytest.mark.usefixtures("stand_in")
def test_one_cluster_or_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = finds(monkeypatch)
    cluster.up("one")
    run("doctor")
    run("doctor", "one")
    assert [surroundings.name for surroundings in asked] == [None, "one"]
    done = run("doctor", "other")
    assert done.status == 2
    assert "There is no cluster `other`" in done.err


def test_colours() -> None:
    (first, *_) = lines(PROBLEM.found("It is broken."))
    assert first.startswith("\x1b[31m\x1b[1mproblem:")


@pytest.mark.usefixtures("stand_in")
def test_a_failing_up_names_the_cause(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[SandkubeError, str | None, int | None]] = []

    def explain(error: SandkubeError, name: str | None, *, port: int | None = None) -> list[Finding]:
        told.append((error, name, port))
        return [PROBLEM.found("It is broken.")]

    monkeypatch.setattr(doctor, "explain", explain)
    done = run("up", "demo", "--api-server-arg=stand-in=panics")
    assert done.status == 2
    assert [(type(error), name, port) for error, name, port in told] == [(StartFailed, "demo", None)]
    assert done.err.endswith("cause: It is broken.\n       mend it\n")
    assert done.err.count("error:") == 1
