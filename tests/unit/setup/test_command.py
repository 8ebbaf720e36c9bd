"""`sandkube setup`, as a person calls it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from sandkube.cli import invocation, setup
from unit.setup.conftest import Run

SETTINGS = Path(".claude", "settings.json")
CONTAINER = Path(".devcontainer", "devcontainer.json")
WORKFLOW = "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4 # source\n"


@pytest.mark.usefixtures("project")
def test_without_write_it_prints(run: Run, project: Path) -> None:
    for host in ("sessionstart", "devcontainer", "github"):
        done = run("setup", host, *(("--sandkube", "sandkube") if host != "github" else ()))
        assert (done.status, done.err) == (0, "")
        assert "sandkube" in done.out
    assert list(project.iterdir()) == []


def test_a_file_is_made_and_goes_again(run: Run, project: Path) -> None:
    write = ("setup", "sessionstart", "--sandkube", "sandkube", "--write")
    done = run(*write)
    assert (done.status, done.out, done.err) == (0, "", f"Made {SETTINGS}.\n")
    before = SETTINGS.read_bytes()
    done = run(*write)
    assert (done.status, done.err) == (0, f"Nothing was changed: {SETTINGS} has it already.\n")
    assert SETTINGS.read_bytes() == before
    done = run("setup", "sessionstart", "--remove")
    assert (done.status, done.err) == (0, f"Removed {SETTINGS}, which held nothing else.\n")
    assert list(project.iterdir()) == []
    done = run("setup", "sessionstart", "--remove")
    assert done.status == 0
    assert "Nothing was changed" in done.err


@pytest.mark.usefixtures("project")
def test_a_dev_container_at_either_place(run: Run) -> None:
    other = Path(".devcontainer.json")
    other.write_text('{"image": "x"} // mine')
    done = run("setup", "devcontainer", "--sandkube", "sandkube", "--write")
    assert (done.status, done.err) == (0, f"Changed {other}.\n")
    CONTAINER.parent.mkdir()
    CONTAINER.write_text("{}")
    assert run("setup", "devcontainer", "--sandkube", "sandkube", "--write").err == f"Changed {CONTAINER}.\n"
    assert run("setup", "devcontainer", "--remove", "--file", str(other)).status == 0
    assert other.read_text() == '{"image": "x"} // mine'


@pytest.mark.usefixtures("project")
def test_a_workflow_has_to_be_named(run: Run) -> None:
    done = run("setup", "github", "--write")
    assert done.status == 2
    assert "--file .github/workflows/" in done.err
    file = Path("w.yml")
    file.write_text(WORKFLOW)
    assert run("setup", "github", "--write", "--file", "w.yml", "--ref", "abc", "--job", "a").status == 0
    assert "- uses: sandkube/sandkube@abc # sandkube setup\n" in file.read_text()
    assert run("setup", "github", "--remove", "--file", "w.yml").err == "Took it out of w.yml again.\n"
    assert file.read_text() == WORKFLOW


@pytest.mark.usefixtures("project")
def test_broken_syntax_is_named_and_left_alone(run: Run) -> None:
    SETTINGS.parent.mkdir()
    SETTINGS.write_text('{\n  "hooks": {,}\n}')
    for option in ("--write", "--remove"):
        done = run("setup", "sessionstart", "--sandkube", "sandkube", option)
        assert done.status == 2
        assert f"{SETTINGS}:2:13: " in done.err
        assert "hint:" in done.err
    assert SETTINGS.read_text() == '{\n  "hooks": {,}\n}'
    assert [path.name for path in SETTINGS.parent.iterdir()] == [SETTINGS.name]


@pytest.mark.usefixtures("project")
def test_what_makes_no_sense_is_refused(run: Run) -> None:
    assert "exclude one another" in run("setup", "github", "--write", "--remove").err
    assert "--file is for --write" in run("setup", "github", "--file", "x").err
    for words in ("", " ", "a\nb"):
        assert run("setup", "sessionstart", "--sandkube", words).status == 2


@pytest.mark.usefixtures("project")
def test_another_cluster_is_named_in_the_command(run: Run) -> None:
    for arguments, expected in ((("--cluster", "ci"), "up ci --quiet"), ((), "up --quiet")):
        done = run(*arguments, "setup", "sessionstart", "--sandkube", "sandkube")
        assert expected in done.out


@pytest.mark.parametrize(
    ("called", "words"),
    [
        ("sandkube", "sandkube"),
        ("uv run sandkube", "uv run --quiet sandkube"),
        ("{project}/.venv/bin/sandkube", '"$CLAUDE_PROJECT_DIR"/.venv/bin/sandkube'),
        ("{project}/.venv/bin/python -m sandkube", '"$CLAUDE_PROJECT_DIR"/.venv/bin/python -m sandkube'),
        ("/no/where/sandkube", "/no/where/sandkube"),
        ("'/no where/python' -m sandkube", "'/no where/python' -m sandkube"),
    ],
)
def test_the_words_are_those_it_was_called_with(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, called: str, words: str
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setattr(invocation, "words", lambda: called.replace("{project}", shlex.quote(str(project))))
    done = run("setup", "sessionstart")
    [group] = json.loads(done.out)["hooks"]["SessionStart"]
    command = group["hooks"][0]["command"]
    assert command.startswith(f"{words} up --quiet")
    assert f"&& {words} env" in command
    assert ("another machine" in done.err) == ("/no" in called)


def test_what_an_activated_environment_finds_is_named_by_its_path(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(project / ".venv"))
    monkeypatch.setattr(invocation, "words", lambda: "sandkube")
    monkeypatch.setattr(invocation, "script_folder", lambda: project / ".venv" / "bin")
    assert '$CLAUDE_PROJECT_DIR\\"/.venv/bin/sandkube up' in run("setup", "sessionstart").out


def test_the_python_on_path_goes_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("python", "python3"):
        (tmp_path / name).symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(invocation, "words", lambda: f"{tmp_path}/python -m sandkube")
    assert setup._words(None, "") == "python3 -m sandkube"
