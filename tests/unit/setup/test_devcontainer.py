"""The `postStartCommand` of a dev container."""

from __future__ import annotations

import json

import pytest

from sandkube.errors import EditFailed
from sandkube.setup.devcontainer import DevContainer
from sandkube.setup.host import Content
from sandkube.setup.jsonc import parse, plain
from unit.setup.texts import Draw

HOST = DevContainer()
COMMAND = "sandkube up --quiet"


def add(text: str) -> str:
    after = HOST.added(Content(text)).text
    assert after is not None
    return after


def draw_file(seed: int, value: str | None) -> str:
    """A file with this `postStartCommand`, or without one."""
    draw = Draw(seed)
    fixed = [] if value is None else [("postStartCommand", (value, None))]
    return draw.whole(draw.object(draw.pairs(("image", ('"x"', "x")), *fixed), 0))


VALUES = [
    None,
    '"npm start"',
    '""',
    '[ "npm", /* really */ "start" ]',
    "[]",
    "{}",
    "{ // nothing yet\n }",
    '{"project": "npm start"}',
    '{"a": "npm start", "b": ["c", "d"],}',
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("seed", range(15))
def test_removing_gives_the_text_back(seed: int, value: str | None) -> None:
    text = draw_file(seed, value)
    after = add(text)
    assert add(after) == after
    assert HOST.removed(Content(after)) == Content(text)
    assert HOST.removed(Content(text)) == Content(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, f"{COMMAND} # sandkube setup"),
        ({"postStartCommand": "npm start"}, {"project": "npm start", "sandkube": COMMAND}),
        ({"postStartCommand": ["npm", "ci"]}, {"project": ["npm", "ci"], "sandkube": COMMAND}),
        ({"postStartCommand": {"a": "b"}}, {"a": "b", "sandkube": COMMAND}),
    ],
)
def test_it_is_put_beside_what_is_there(before: dict[str, object], after: object) -> None:
    found = json.loads(add(json.dumps({"image": "x", **before})))
    assert found["image"] == "x"
    command = found["postStartCommand"]
    if isinstance(command, dict):
        assert isinstance(after, dict)
        assert command.pop("sandkube").startswith(after.pop("sandkube"))
    assert command == after


def test_an_object_that_others_added_to_stays_one() -> None:
    text = add('{"postStartCommand": "npm start"}').replace('"sandkube": ', '"more": "ls", "sandkube": ')
    after = HOST.removed(Content(text)).text
    assert after is not None
    assert plain(parse(after)) == [("postStartCommand", [("project", "npm start"), ("more", "ls")])]


def test_an_older_command_of_ours_is_brought_up_to_date() -> None:
    for text in ('{"image": "x"}', '{"postStartCommand": "npm start"}'):
        old = DevContainer("uv run sandkube", "ci").added(Content(text))
        assert HOST.removed(HOST.added(old)) == Content(text)
        assert "uv run" not in str(HOST.added(old).text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "{file} is not there"),
        ("\n", "{file} is empty"),
        ("[]", "{file}:1:1: "),
        ('{"postStartCommand": null}', "{file}:1:22: `postStartCommand` is neither"),
        (
            '{"postStartCommand": {"sandkube": "mine"}}',
            "{file}:1:22: `postStartCommand` has a `sandkube` already",
        ),
        ('{"image": "x"', "{file}:1:14: "),
    ],
)
def test_what_is_unexpected_is_named(text: str | None, said: str) -> None:
    with pytest.raises(EditFailed) as caught:
        HOST.added(Content(text))
    assert caught.value.message.startswith(said)
    assert caught.value.hint


def test_nothing_is_taken_out_of_nothing() -> None:
    assert HOST.removed(Content(None)) == Content(None)
    assert HOST.removed(Content("")) == Content("")
