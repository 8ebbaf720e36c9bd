"""The SessionStart hook in Claude Code's settings."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sandkube.errors import EditFailed
from sandkube.setup.host import Content
from sandkube.setup.jsonc import parse, plain
from sandkube.setup.sessionstart import TIMEOUT, WAIT, SessionStart
from unit.setup.texts import Draw

HOST = SessionStart()
OTHERS = """{
  // of the team
  "permissions": {"allow": ["Bash(kubectl get:*)"]},
  "hooks": {
    "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./check.sh"}]}], // ours
    "SessionStart": [
      {
        "matcher": "startup", /* once */
        "hooks": [{"type": "command", "command": "npm ci"}],
      },
    ]
  }
}
"""


def commands(text: str) -> list[str]:
    settings = json.loads(text.removeprefix("\ufeff"))
    return [hook["command"] for group in settings["hooks"]["SessionStart"] for hook in group["hooks"]]


def add(text: str | None) -> str:
    after = HOST.added(Content(text)).text
    assert after is not None
    return after


def test_the_piece_is_what_the_host_documents() -> None:
    [(event, [group])] = json.loads(HOST.piece())["hooks"].items()
    [hook] = group["hooks"]
    assert event == "SessionStart"
    assert hook["type"] == "command"
    assert hook["timeout"] > WAIT
    assert hook["timeout"] == TIMEOUT
    assert "sandkube up --quiet" in hook["command"]


def test_the_command_names_the_cluster_and_what_calls_sandkube() -> None:
    command = SessionStart("uv run sandkube", "ci").command
    assert command.startswith("uv run sandkube up ci --quiet")
    assert "&& uv run sandkube env ci --shell sh >>" in command


def draw_settings(seed: int, *, comments: bool) -> str:
    """Settings with some of: `hooks`, `SessionStart`, groups, hooks in them."""
    draw = Draw(seed, comments=comments, trailing=comments)
    hook = draw.object(draw.pairs(("command", ('"npm ci"', "npm ci"))), 4)
    depth = draw.chance.randrange(5)
    group = draw.object(draw.pairs(("hooks", draw.sequence([hook] if depth > 3 else [], 3))), 3)
    event = draw.sequence([group] * draw.chance.randrange(3) if depth > 2 else [], 2)
    hooks = draw.object(draw.pairs(("SessionStart", event)) if depth > 1 else draw.pairs(), 1)
    root = draw.object(draw.pairs(("hooks", hooks)) if depth > 0 else draw.pairs(), 0)
    return draw.whole(root)


@pytest.mark.parametrize("seed", range(150))
def test_removing_gives_the_text_back(seed: int) -> None:
    text = draw_settings(seed, comments=seed % 3 > 0)
    after = add(text)
    assert len(after) > len(text)
    assert add(after) == after
    assert HOST.removed(Content(after)) == Content(text)
    assert HOST.removed(Content(text)) == Content(text)


@pytest.mark.parametrize("seed", range(80))
def test_nothing_else_is_touched(seed: int) -> None:
    """What is added is the hook, and every other value stays in its order."""
    text = draw_settings(seed, comments=True)
    before, after = dict(plain(parse(text))), dict(plain(parse(add(text))))
    hooks_before, hooks_after = dict(before.pop("hooks", [])), dict(after.pop("hooks"))
    event_before, event_after = hooks_before.pop("SessionStart", []), hooks_after.pop("SessionStart")
    assert (before, hooks_before, event_before) == (after, hooks_after, event_after[:-1])
    assert dict(event_after[-1][0][1][0])["command"].startswith("sandkube up --quiet")


@pytest.mark.parametrize("seed", range(80))
def test_what_was_added_later_by_others_stays(seed: int) -> None:
    """Others put their hooks beside ours, with a tool that writes the whole file anew."""
    chance = random.Random(seed)
    settings: dict[str, Any] = json.loads(add(chance.choice(("{}", '{"hooks": {}}', '{"model": "x"}'))))
    theirs = {"type": "command", "command": "npm ci"}
    event = settings["hooks"]["SessionStart"]
    kind = chance.randrange(4)
    if kind == 0:
        event.insert(chance.randrange(2), {"hooks": [theirs]})
    elif kind == 1:
        event[0]["hooks"].insert(chance.randrange(2), theirs)
    elif kind == 2:
        settings["hooks"]["Stop"] = [{"hooks": [theirs]}]
    else:
        settings = {"env": theirs, **settings} if chance.random() < 0.5 else {**settings, "env": theirs}
    text = json.dumps(settings, indent=chance.choice((None, 2, 4)))
    after = HOST.removed(Content(text)).text
    assert after is not None
    assert "sandkube" not in after
    assert after.count("npm ci") == 1
    json.loads(after)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{}\n",
        "{ }",
        "{\n}\n",
        '{"hooks": {}}',
        '{"hooks": {\n}}',
        '{"hooks": {"SessionStart": []}}',
        OTHERS,
        "",
        "\n",
        " \r\n\r\n",
        "\ufeff",
        "\ufeff\n",
        "\ufeff{}",
    ],
)
def test_what_differs_before_differs_again_afterwards(text: str) -> None:
    after = add(text)
    assert add(after) == after
    assert HOST.removed(Content(after)) == Content(text)


@pytest.mark.parametrize("folder", [True, False])
def test_a_file_that_was_not_there_goes_again(folder: bool) -> None:  # noqa: FBT001
    after = HOST.added(Content(None, folder=folder))
    assert after.text is not None
    assert json.loads(after.text)
    assert HOST.added(after) == after
    assert HOST.removed(after) == Content(None, folder=folder)


def test_a_file_of_ours_that_others_use_by_now_stays() -> None:
    text = add(None).replace('{\n  "hooks"', '{\n  "model": "x",\n  "hooks"', 1)
    assert HOST.removed(Content(text)) == Content('{\n  "model": "x"\n}\n')


@pytest.mark.parametrize("made_in", [None, "{}", '{"hooks": {}}'])
@pytest.mark.parametrize("place", ["{", '"hooks": {', '"SessionStart": ['])
def test_comments_in_what_was_made_for_it_stay(made_in: str | None, place: str) -> None:
    text = add(made_in)
    text = text.replace(place, f"{place} /* mine */", 1)
    after = HOST.removed(Content(text)).text
    assert after is not None
    assert "/* mine */" in after
    assert "sandkube" not in after
    parse(after)


def test_other_hooks_stay_and_ours_runs_beside_them() -> None:
    assert commands('{"hooks": {"SessionStart": []}}') == []
    after = add('{"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "npm ci"}]}]}}')
    assert commands(after) == [
        "npm ci",
        json.loads(HOST.piece())["hooks"]["SessionStart"][0]["hooks"][0]["command"],
    ]


def test_an_older_hook_of_ours_is_brought_up_to_date_in_its_place() -> None:
    old = SessionStart("uv run sandkube").added(Content(OTHERS))
    new = HOST.added(old)
    assert new.text is not None
    assert new.text.count("# sandkube setup") == 1
    assert "uv run" not in new.text
    assert HOST.removed(new) == Content(OTHERS)


def test_a_hook_like_ours_that_somebody_wrote_is_left_alone() -> None:
    text = '{"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "sandkube up -q"}]}]}}'
    assert HOST.removed(Content(text)) == Content(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "{file}:1:1: the settings are no object"),
        ('{\n  "hooks": []\n}', "{file}:2:12: `hooks` is no object"),
        ('{"hooks": null}', "{file}:1:11: `hooks` is no object"),
        ('{"hooks": {"SessionStart": {}}}', "{file}:1:28: `SessionStart` is no list"),
        ('{\n  "a": 1,\n  "b": \n}', "{file}:4:1: a value is expected here"),
    ],
)
def test_what_is_unexpected_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(EditFailed) as caught:
        HOST.added(Content(text))
    assert caught.value.message.startswith(said)
    assert caught.value.hint
