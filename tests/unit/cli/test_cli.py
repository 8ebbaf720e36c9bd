"""What holds for the command line as a whole: its list of commands, its errors, its exit status."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sandkube import cluster
from sandkube.cli import COMMANDS, cli
from sandkube.cli.run import exit_status
from sandkube.errors import SandkubeError, StartFailed
from unit.cli.conftest import Run


def commands() -> dict[str, click.Command]:
    found = {name: cli.get_command(click.Context(cli), name) for name in COMMANDS}
    assert all(found.values())
    return {name: command for name, command in found.items() if command}


def test_the_list_says_what_each_command_says_of_itself() -> None:
    for name, command in commands().items():
        assert (command.help or "").partition("\n")[0] == COMMANDS[name]


def test_every_command_is_listed() -> None:
    folder = Path(sys.modules["sandkube.cli"].__file__ or "").parent
    modules = {
        path.stem for path in folder.glob("*.py") if re.search(r"@click\.(command|group)", path.read_text())
    }
    assert modules - {"__init__"} == set(COMMANDS)


def test_every_option_has_a_variable_that_its_help_names() -> None:
    for name, command in commands().items():
        if name in ("server", "k3s"):
            continue
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name != "help":
                if parameter.opts == ["--k3s"]:  # the variable is not written down, as the option is
                    assert "SANDKUBE_K3S" in str(parameter.help)
                    continue
                assert str(parameter.envvar).startswith("SANDKUBE_"), f"{name} {parameter.opts}"
                assert parameter.show_envvar
                assert parameter.help


def test_no_variable_means_two_things() -> None:
    meanings: dict[str, set[str]] = {}
    for command in commands().values():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and isinstance(parameter.envvar, str):
                meanings.setdefault(parameter.envvar, set()).add(parameter.opts[-1])
    assert [variable for variable, options in meanings.items() if len(options) > 1] == []


def test_an_unknown_command(run: Run) -> None:
    done = run("upp")
    assert done.status == 2
    assert "No such command 'upp'" in done.err


def test_an_error_has_a_hint_and_a_tail(capfd: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def failing() -> None:
        raise StartFailed("It did not start.", hint="try harder", tail="one\ntwo")

    assert exit_status(failing, []) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "error: It did not start.\n  | one\n  | two\nhint: try harder\n"


@pytest.mark.parametrize(("variable", "colored"), [("NO_COLOR", False), ("FORCE_COLOR", True)])
def test_colours(
    variable: str, *, colored: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")

    @click.command()
    def failing() -> None:
        raise SandkubeError("no")

    exit_status(failing, [])
    assert ("\x1b[" in capfd.readouterr().err) is colored


def test_ctrl_c(capfd: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert exit_status(interrupted, []) == 130
    assert capfd.readouterr().err.strip() == "Interrupted."


def test_a_fault_of_ours_is_a_line_and_a_report(state: Path, capfd: pytest.CaptureFixture[str]) -> None:
    @click.command()
    @click.argument("text")
    def faulty(text: str) -> None:
        raise ZeroDivisionError(text)

    assert exit_status(faulty, ["some text"]) == 2
    err = capfd.readouterr().err
    assert "Traceback" not in err
    (report,) = (state / "crashes").iterdir()
    assert str(report) in err
    text = report.read_text()
    assert "sandkube 'some text'" in text
    assert "Traceback" in text
    assert report.stat().st_mode & 0o077 == 0


def test_a_reader_that_goes_away_is_no_error(stand_in: Path) -> None:
    cluster.up("demo")
    folder = cluster.folder_of("demo")
    folder.log.write_text("line\n" * 200_000)
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m sandkube logs demo | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("line\n", "")


def test_help_shows_no_control_character_and_no_escape(run: Run) -> None:
    for name in COMMANDS:
        if name not in ("kubectl", "helm"):
            said = run(name, "--help").out
            assert "\\b" not in said
            assert "\b" not in said
