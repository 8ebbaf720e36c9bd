"""Reading JSON with comments."""

from __future__ import annotations

import json
import re

import pytest

from sandkube.errors import EditFailed
from sandkube.setup.jsonc import parse, plain
from unit.setup.texts import Draw


@pytest.mark.parametrize("seed", range(100))
def test_what_is_read_is_what_is_said(seed: int) -> None:
    draw = Draw(seed)
    text, said = draw.value()
    whole = draw.whole((text, said))
    node = parse(whole)
    assert plain(node) == said
    assert whole[node.start : node.end] == text


@pytest.mark.parametrize("seed", range(100))
def test_json_is_read_as_python_reads_it(seed: int) -> None:
    text, _ = Draw(seed, comments=False, trailing=False).value()
    assert plain(parse(text)) == json.loads(text, object_pairs_hook=list)


@pytest.mark.parametrize("seed", range(100))
def test_every_broken_text_is_refused_with_a_place(seed: int) -> None:
    """A text without one of its characters is either still right, or refused; never anything else."""
    draw = Draw(seed, comments=False, trailing=False)
    text, _ = draw.object(draw.pairs(("a", ("[1, {}]", [1, []]))), 0)
    gone = draw.chance.randrange(len(text))
    broken = text[:gone] + text[gone + 1 :]
    try:
        expected = json.loads(broken, object_pairs_hook=list)
    except ValueError:
        if not _is_read(broken):  # a comma behind the last item is read, and is no JSON
            with pytest.raises(EditFailed, match=r"^\{file\}:\d+:\d+: "):
                parse(broken)
    else:
        assert plain(parse(broken)) == expected


def _is_read(text: str) -> bool:
    return re.search(r",\s*[\]}]", text) is not None and not re.search(r",\s*,", text)


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("", "1:1", "the end"),
        ("{", "1:2", "key"),
        ('{\n  "a": 1\n  "b": 2\n}', "3:3", "`,` or `}`"),
        ('{"a": yes}', "1:7", "`yes`"),
        ("{'a': 1}", "1:2", "double quotes"),
        ('{"a": 1} x', "1:10", "behind the end"),
        ('{"a": "b\n"}', "1:7", "no end"),
        ('{"a": "\\x"}', "1:7", "escape"),
        ('{"a" 1}', "1:6", "`:`"),
        ("{\n/* a */ /* b", "2:9", "comment"),
        ('{"a": 01}', "1:7", "`01`"),
        ('{"a": NaN}', "1:7", "`NaN`"),
        ("{,}", "1:2", "key"),
        ("[1,,2]", "1:4", "value"),
        ('{\r\n"a": 1,\r\n<<<<<<< HEAD\r\n}', "3:1", "`<<<<<<<`"),
        ("[" * 5000, "1:202", "nested"),
    ],
)
def test_broken_syntax_is_named_with_its_place(text: str, place: str, word: str) -> None:
    with pytest.raises(EditFailed) as caught:
        parse(text)
    assert caught.value.message.startswith(f"{{file}}:{place}: ")
    assert word in caught.value.message
    assert caught.value.hint


def test_of_equal_keys_the_last_counts() -> None:
    node = parse('{"a": 1, "a": 2}')
    assert node.find("a") == 1
    assert node.find("b") is None
