"""Whether a target is met, and by how much."""

from __future__ import annotations

import pytest
from measuring import targets
from measuring.spread import Ratio
from measuring.targets import Target


@pytest.mark.parametrize(
    ("target", "met", "verdict"),
    [
        (Target("x", 6.0, least=5), True, "met, by 20 %"),
        (Target("x", 4.0, least=5), False, "not met, by 20 %"),
        (Target("x", 0.5, most=0.55), True, "met, by 9 %"),
        (Target("x", 0.66, most=0.55), False, "not met, by 20 %"),
        (Target("x", 0, most=0), True, "met"),
        (Target("x", 3, most=0), False, "not met"),
        (Target("x", None, most=5, why="too short"), None, "not judged: too short"),
    ],
)
def test_a_verdict_says_by_how_much(target: Target, *, met: bool | None, verdict: str) -> None:
    assert (target.is_met, target.verdict) == (met, verdict)


@pytest.mark.parametrize(
    ("found", "more", "verdict"),
    [
        (Ratio(0.9, 0.8, 1.1, 5), False, "met, by 10 %"),
        (Ratio(1.1, 0.9, 1.3, 5), False, "met: worse by 10 %, within the noise"),
        (Ratio(1.1, 1.05, 1.3, 5), False, "not met, by 10 %"),
        (Ratio(1.1, 0.9, 1.3, 3), False, "not met, by 10 %"),  # three rounds tell nothing apart
        (Ratio(0.9, 0.8, 1.1, 5), True, "met: worse by 10 %, within the noise"),
        (Ratio(0.9, 0.8, 0.95, 5), True, "not met, by 10 %"),
    ],
)
def test_no_worse_is_what_no_difference_could_be_shown_of(found: Ratio, *, more: bool, verdict: str) -> None:
    target = targets.no_worse("x", found, more_is_better=more)
    assert target.verdict == verdict
    assert target.is_met is not verdict.startswith("not")


def test_a_table_shows_figure_bound_and_how_many_are_met() -> None:
    shown = targets.verdicts(
        [
            targets.at_least("fresh", Ratio(6.0, 5.5, 6.5, 20), 5),
            Target("memory", 7.0, most=5, unit="MB/h"),
            Target("slope", None, most=5, unit="MB/h", why="too short"),
        ]
    )
    lines = [line.split("  ") for line in shown.splitlines()]
    assert [[cell.strip() for cell in line if cell] for line in lines[1:3]] == [
        ["fresh", "6.00 (5.50 to 6.50)", "at least 5", "met, by 20 %"],
        ["memory", "7.00 MB/h", "at most 5 MB/h", "not met, by 40 %"],
    ]
    assert shown.endswith("1 of 3 met, 1 not met, 1 not judged")


def test_what_could_not_be_judged_is_not_missed() -> None:
    assert targets.are_met([Target("x", None, most=1), Target("y", 1, most=1)])
    assert not targets.are_met([Target("y", 2, most=1)])
