from __future__ import annotations

from dataclasses import replace

import pytest

from sandkube.reports import Report, words
from unit.reports.samples import CLEAN, EMPTY, ERROR, NOWHERE, WARNING, report


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (CLEAN, "12 objects in 3 files: nothing amiss (Kubernetes v1.37.2, 1.4 s)"),
        (EMPTY, "0 objects in 0 files: nothing to judge (Kubernetes v1.37.2, 1.4 s)"),
        (
            report([ERROR, ERROR, WARNING]),
            "12 objects in 3 files: 2 errors, 1 warning (Kubernetes v1.37.2, 1.4 s)",
        ),
        (
            report([ERROR], files=["a"], documents=1, seconds=12.04, kubernetes="1.37.2"),
            "1 object in 1 file: 1 error (Kubernetes v1.37.2, 12.0 s)",
        ),
        (
            report([WARNING], accepted=[ERROR, ERROR]),
            "12 objects in 3 files: 1 warning, 2 accepted by the baseline (Kubernetes v1.37.2, 1.4 s)",
        ),
        (
            report(accepted=[ERROR], kubernetes=""),
            "12 objects in 3 files: nothing new, 1 accepted by the baseline (1.4 s)",
        ),
        (report(documents=5_000), "5,000 objects in 3 files: nothing amiss (Kubernetes v1.37.2, 1.4 s)"),
    ],
)
def test_a_line_sums_up(found: Report, line: str) -> None:
    assert words.summary(found) == line


def test_the_server_is_quoted_where_it_says_something_else() -> None:
    assert words.server_words(ERROR) == ERROR.server
    assert words.server_words(NOWHERE) is None
    assert words.server_words(replace(NOWHERE, server=" ")) is None
    assert words.server_words(replace(NOWHERE, server=f"  {NOWHERE.message}\n")) is None


def test_notes_come_in_a_fixed_order() -> None:
    assert [name for name, _ in words.notes(replace(ERROR, case="prod"))] == [
        "object",
        "field",
        "case",
        "server",
        "hint",
    ]
    assert list(words.notes(NOWHERE)) == []
