from __future__ import annotations

import pytest

from sandkube.reports.excerpt import Excerpt, excerpt
from sandkube.reports.finding import Place


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Place("f", 1, 3, "a name: b", 7), Excerpt("a ", "name", ": b")),
        (Place("f", 1, 1, "name", 5), Excerpt("", "name", "")),
        (Place("f", 1, 3, "a name: b"), Excerpt("a ", "n", "ame: b")),
        (Place("f", 1, 3, "a name", 3), Excerpt("a ", "n", "ame")),
        (Place("f", 1, 3, "a name", 99), Excerpt("a ", "name", "")),
        (Place("f", 1, 3, "ab"), Excerpt("ab", "", "")),
        (Place("f", 1, 99, "ab", 100), Excerpt("ab", "", "")),
        (Place("f", 1, 1, ""), Excerpt("", "", "")),
        (Place("f", 1, 2, "ab\r\n", 3), Excerpt("a", "b", "")),
    ],
)
def test_the_part_that_is_meant_is_marked(place: Place, shown: Excerpt) -> None:
    assert excerpt(place) == shown


def test_a_line_that_is_not_known_is_not_shown() -> None:
    assert excerpt(Place("f", 1)) is None


@pytest.mark.parametrize("at", [0, 5, 39, 40, 41, 500, 955, 997])
def test_a_long_line_is_cut_around_the_place(at: int) -> None:
    line = "".join(chr(0x4E00 + index) for index in range(1_000))
    found = excerpt(Place("f", 1, at + 1, line, at + 4), 100)
    assert found is not None
    assert found.marked == line[at : at + 3]
    shown = f"{found.before}{found.marked}{found.behind}"
    assert len(shown.strip("…")) == 100
    assert shown.strip("…") in line
    assert found.before.startswith("…") == (line[0] not in shown)
    assert found.behind.endswith("…") == (line[-1] not in shown)


def test_a_field_that_is_too_long_is_marked_as_far_as_it_is_shown() -> None:
    found = excerpt(Place("f", 1, 3, "a " + "b" * 1_000, 1_003), 100)
    assert found == Excerpt("a ", "b" * 98, "…")
