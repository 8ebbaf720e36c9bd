"""What the pages on hosts show is what the commands print, and what the action takes."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from sandkube.setup.github import GitHub
from sandkube.setup.sessionstart import SessionStart

ROOT = Path(__file__).resolve().parents[3]
HOW_TO = ROOT / "docs" / "how-to"
PAGES = ("ci", "coding-sandboxes", "offline", "plain-user", "start-with-the-machine")


def page(name: str) -> str:
    return (HOW_TO / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)


def test_the_hook_is_the_one_that_is_printed() -> None:
    assert blocks("coding-sandboxes", "json") == [SessionStart().piece()]


def test_the_step_is_the_one_that_is_printed() -> None:
    [step] = yaml.safe_load(blocks("ci", "yaml")[0])
    assert step["uses"] == yaml.safe_load(GitHub().piece())[0]["uses"]


def test_every_input_of_the_action_is_in_the_table() -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", page("ci"), re.MULTILINE))
    assert rows == {
        name: f"`{given['default']}`" if given["default"] else "nothing" for name, given in inputs.items()
    }


@pytest.mark.parametrize("name", PAGES)
def test_every_piece_of_shell_is_shell(name: str) -> None:
    for script in blocks(name, "bash"):
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stderr}"


@pytest.mark.parametrize("name", PAGES)
def test_every_piece_of_yaml_and_json_can_be_read(name: str) -> None:
    for text in blocks(name, "yaml"):
        yaml.safe_load(text)
    for text in blocks(name, "json"):
        json.loads(text)


def test_the_unit_can_be_read() -> None:
    [text] = blocks("start-with-the-machine", "ini")
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text)
    assert unit["Service"]["ExecStart"].endswith("sandkube up --foreground")
    assert unit["Service"]["SuccessExitStatus"] == "143"  # tests/setup/test_quiet.py sees it
