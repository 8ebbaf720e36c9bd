from __future__ import annotations

from dataclasses import replace

import pytest

from sandkube.reports import Finding, Place
from unit.reports.samples import ERROR, HOSTILE, NOWHERE, WARNING, report


def test_a_fingerprint_stays_while_lines_are_moved() -> None:
    moved = replace(ERROR, place=Place("deploy.yaml", 99, 1), hint=None, server=None)
    assert moved.fingerprint == ERROR.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        replace(ERROR, code="other"),
        replace(ERROR, message="other"),
        replace(ERROR, place=Place("other.yaml", 12, 9)),
        replace(ERROR, field="other"),
        replace(ERROR, subject=WARNING.subject),
        replace(ERROR, case="other"),
    ],
    ids=["code", "message", "file", "field", "subject", "case"],
)
def test_a_fingerprint_tells_findings_apart(other: Finding) -> None:
    assert other.fingerprint != ERROR.fingerprint


@pytest.mark.parametrize("kind", HOSTILE)
def test_any_text_has_a_fingerprint(kind: str) -> None:
    assert len(replace(NOWHERE, message=HOSTILE[kind]).fingerprint) == 32


def test_a_report_fails_by_the_worst_that_is_asked_for() -> None:
    warned, failed = report([WARNING]), report([WARNING, ERROR])
    assert (warned.fails(), warned.fails("warning"), warned.ok) == (False, True, True)
    assert (failed.fails(), failed.fails("warning"), failed.ok) == (True, True, False)
    assert not report(accepted=[ERROR]).fails("warning")
