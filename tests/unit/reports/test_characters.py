from __future__ import annotations

import json

import pytest

from sandkube.reports.characters import as_json, encodable, flowing, shortened, visible, visible_lines
from unit.reports.samples import HOSTILE, harmful


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_visible_is_harmless_and_as_long(kind: str) -> None:
    shown = visible(HOSTILE[kind])
    assert harmful(shown + "\n") == set()
    assert "\n" not in shown
    assert len(shown) == len(HOSTILE[kind])


def test_controls_are_shown_by_their_pictures() -> None:
    assert visible("\x1b[0m\x00\x7f\t\n") == "␛[0m␀␡␉␊"
    assert visible("\x9b\u202e\ud800") == "\ufffd\ufffd\ufffd"


def test_a_tab_is_shown_as_asked() -> None:
    assert visible("a\tb", tab="    ") == "a    b"


def test_plain_text_stays() -> None:
    assert visible("名前: é 👩‍💻 {{ }}") == "名前: é 👩‍💻 {{ }}"


def test_lines() -> None:
    assert visible_lines("a\r\nb\x1b\n\nc\rd") == ["a", "b␛", "", "c␍d"]


def test_text_flows_over_line_ends_alone() -> None:
    assert flowing("  one\n   two\r\n\tthree  four \n") == "one two three  four"


@pytest.mark.timeout(20)
def test_text_of_blanks_flows_in_no_time() -> None:
    assert flowing(" " * 1_000_000 + "x" + " " * 1_000_000 + "y").startswith("x ")


def test_what_is_short_is_kept_whole() -> None:
    assert shortened("x" * 10, 10) == "x" * 10


def test_of_what_is_long_beginning_and_end_are_kept() -> None:
    assert shortened("begin" + "-" * 5_000 + "end", 10) == "begin … (4,998 characters more) … --end"


def test_halves_of_pairs_cannot_be_written_and_are_replaced() -> None:
    assert encodable("a\udcffb") == "a\ufffdb"
    assert encodable("👩‍💻") == "👩‍💻"


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind != "halves"])
def test_json_gives_back_what_went_in(kind: str) -> None:
    text = as_json({HOSTILE[kind]: [HOSTILE[kind], None, 1]})
    assert json.loads(text) == {HOSTILE[kind]: [HOSTILE[kind], None, 1]}
    assert harmful(text) == set()


def test_json_can_be_written_whatever_is_in_it() -> None:
    assert json.loads(as_json(["\udcff"]).encode()) == ["\ufffd"]
