"""Putting items into JSON text and taking them out again."""

from __future__ import annotations

import json

import pytest

from sandkube.setup import jsonedit
from sandkube.setup.jsonc import Node, parse, plain
from unit.setup.texts import Draw

VALUE = {"b": ["c", {"d": 'x "y" \\ z'}]}
PAIRS = [("b", ["c", [("d", 'x "y" \\ z')]])]


def containers(node: Node) -> list[Node]:
    inner = [found for item in node.items for found in containers(item.node)]
    return [node, *inner] if node.kind in ("object", "list") else inner


@pytest.mark.parametrize("seed", range(150))
def test_taking_out_undoes_putting_in(seed: int) -> None:
    draw = Draw(seed)
    text = draw.whole(draw.object(draw.pairs(("a", draw.value(1))), 0))
    root = parse(text)
    number = draw.chance.randrange(len(containers(root)))
    into = containers(root)[number]
    key = "new" if into.kind == "object" else None
    after = jsonedit.appended(text, into, key, VALUE, jsonedit.layout_of(text, root))
    changed = containers(parse(after))[number]
    before = plain(into)
    assert plain(changed) == [*before, ("new", PAIRS) if key else PAIRS]
    assert jsonedit.removed(after, changed, len(changed.items) - 1) == text


@pytest.mark.parametrize("seed", range(100))
def test_taking_out_any_item_leaves_the_others(seed: int) -> None:
    draw = Draw(seed)
    text = draw.whole(draw.object(draw.pairs(("a", draw.value(1))), 0))
    root = parse(text)
    of = draw.chance.choice([node for node in containers(root) if node.items])
    index = draw.chance.randrange(len(of.items))
    rest = plain(of)[:index] + plain(of)[index + 1 :]
    position = containers(root).index(of)
    assert plain(containers(parse(jsonedit.removed(text, of, index)))[position]) == rest


@pytest.mark.parametrize("seed", range(100))
def test_json_stays_json(seed: int) -> None:
    draw = Draw(seed, comments=False, trailing=False)
    text, _ = draw.object(draw.pairs(), 0)
    root = parse(text)
    after = jsonedit.appended(text, root, "new", VALUE, jsonedit.layout_of(text, root))
    assert json.loads(after)["new"] == VALUE


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}\n", '{\n  "k": [\n    1\n  ]\n}\n'),
        ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"k": [\n\t\t1\n\t]\n}\n'),
        ('{\n    "a": 1, // one\n}\n', '{\n    "a": 1, // one\n    "k": [\n        1\n    ],\n}\n'),
        ('{\r\n  "a": 1 // one\r\n}', '{\r\n  "a": 1, // one\r\n  "k": [\r\n    1\r\n  ]\r\n}'),
        ('{"a": 1}', '{"a": 1, "k": [1]}'),
        ('{"a": 1 // one\n}', '{"a": 1, // one\n  "k": [\n    1\n  ]\n}'),
    ],
)
def test_it_looks_like_what_is_around_it(before: str, after: str) -> None:
    root = parse(before)
    assert jsonedit.appended(before, root, "k", [1], jsonedit.layout_of(before, root)) == after
