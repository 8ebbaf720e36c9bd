from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sandkube.reports import Finding, Place, Report, github
from unit.reports.samples import CLEAN, ERROR, HOSTILE, MIXED, NOWHERE, RENDERED, filled, many, report

HERE = Path("/home/ann/shop")

_COMMAND = re.compile(r"::(error|warning) ([^:]*)::(.*)")


def unescaped(text: str) -> str:
    """Undo, in the runner's order, what it undoes."""
    for sign, character in {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}.items():
        text = text.replace(sign, character)
    return text


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """Take a command apart as the runner does: its name, its properties, its message."""
    found = _COMMAND.fullmatch(line)
    assert found is not None, line
    pairs = (pair.partition("=") for pair in found[2].split(","))
    return found[1], {name: unescaped(value) for name, _, value in pairs}, unescaped(found[3])


def command(finding: Finding, root: Path = HERE) -> tuple[str, dict[str, str], str]:
    return parsed(github.command(finding, report([finding]), HERE, root))


@pytest.fixture(autouse=True)
def no_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)


def test_a_finding_is_a_command() -> None:
    assert command(ERROR) == (
        "error",
        {
            "file": "deploy.yaml",
            "line": "12",
            "col": "9",
            "endColumn": "24",
            "title": "A field that its kind does not have [unknown-field]",
        },
        (
            'unknown field "imagePullPolicyy"\n'
            "object: Deployment shop/web\n"
            "field: spec.template.spec.containers[0].imagePullPolicyy\n"
            'server: strict decoding error: unknown field "spec.template.spec.containers[0]'
            '.imagePullPolicyy"\n'
            "hint: did you mean `imagePullPolicy`?"
        ),
    )


def test_a_file_is_told_from_the_checkout() -> None:
    _, properties, _ = command(ERROR, Path("/home/ann"))
    assert properties["file"] == "shop/deploy.yaml"


def test_a_file_outside_the_checkout_keeps_its_path() -> None:
    _, properties, _ = command(replace(ERROR, place=Place("/etc/a.yaml", 1)))
    assert properties == {
        "file": "/etc/a.yaml",
        "line": "1",
        "col": "1",
        "title": "A field that its kind does not have [unknown-field]",
    }


def test_the_workspace_of_the_job_is_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    _, properties, _ = parsed(github.render(report([ERROR])).splitlines()[0])
    assert properties["file"] == "shop/deploy.yaml"


def test_standard_input_is_no_file() -> None:
    _, properties, message = command(replace(NOWHERE, place=Place("-", 3, 5)))
    assert "file" not in properties
    assert message == "standard input:3:5: the quota of the namespace leaves no room"


def test_what_has_no_place_and_no_rule_has_its_code_for_a_title() -> None:
    assert command(replace(NOWHERE, code="odd")) == (
        "error",
        {"title": "odd"},
        "the quota of the namespace leaves no room",
    )


def test_of_something_rendered_the_template_is_annotated() -> None:
    _, properties, message = command(RENDERED)
    assert (properties["file"], properties["line"]) == ("chart/templates/deploy.yaml", "20")
    assert message.splitlines()[1] == "rendered: chart/templates/deploy.yaml:12:9"


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_make_no_further_command(kind: str) -> None:
    lines = github.render(filled(HOSTILE[kind])).splitlines()
    assert [parsed(line)[0] for line in lines[:-1]] == ["error", "warning"]
    assert lines[-1].startswith("2 objects in 2 files: 1 error, 1 warning, 1 accepted by the baseline (Kube")


def test_signs_of_the_form_itself_come_out_as_they_went_in() -> None:
    text = "100%, a: %0A %25 ::error::"
    _, properties, message = parsed(github.render(filled(text)).splitlines()[0])
    assert (properties["file"], properties["title"]) == (text, f"{text} [{text}]")
    assert message.splitlines()[0] == text


def test_a_title_is_no_longer_than_github_takes() -> None:
    _, properties, _ = command(replace(NOWHERE, code="x" * 1_000))
    assert len(properties["title"]) == 255


@pytest.mark.parametrize(
    ("found", "number"), [(CLEAN, 0), (MIXED, 4), (many(5000), 5000)], ids=["clean", "mixed", "many"]
)
def test_every_finding_has_a_line_and_the_last_sums_up(found: Report, number: int) -> None:
    lines = github.render(found).splitlines()
    assert sum(line.startswith("::") for line in lines) == number == len(lines) - 1
    assert "Kubernetes v1.37.2" in lines[-1]
