from __future__ import annotations

from dataclasses import replace

import click
import pytest

from sandkube.reports import Place, Report, Subject, text
from unit.reports.samples import CLEAN, ERROR, HOSTILE, MIXED, NOWHERE, RENDERED, WARNING, filled, report


def test_a_finding_is_told_with_its_line_and_a_caret() -> None:
    assert text.block(ERROR) == (
        'deploy.yaml:12:9: error: unknown field "imagePullPolicyy" [unknown-field]\n'
        "   12 |         imagePullPolicyy: Always\n"
        "      |         ^^^^^^^^^^^^^^^^\n"
        "  object: Deployment shop/web\n"
        "  field: spec.template.spec.containers[0].imagePullPolicyy\n"
        '  server: strict decoding error: unknown field "spec.template.spec.containers[0].imagePullPolicyy"\n'
        "  hint: did you mean `imagePullPolicy`?"
    )


def test_of_something_rendered_the_template_comes_first() -> None:
    assert text.block(RENDERED).splitlines()[:7] == [
        'chart/templates/deploy.yaml:20:11: error: unknown field "imagePullPolicyy" [unknown-field]',
        "   20 |           {{ .Values.policy }}: Always",
        "      |           ^^^^^^^^^^^^^^^^^^^^",
        "  rendered: chart/templates/deploy.yaml:12:9",
        "   12 |         imagePullPolicyy: Always",
        "      |         ^^^^^^^^^^^^^^^^",
        "  object: Deployment shop/web",
    ]
    assert "  case: values-prod.yaml" in text.block(RENDERED).splitlines()


def test_what_is_not_known_is_not_told() -> None:
    assert text.block(NOWHERE) == "error: the quota of the namespace leaves no room [unknown-field]"
    assert text.block(replace(NOWHERE, subject=Subject("", "", ""))) == text.block(NOWHERE)
    assert text.block(replace(NOWHERE, place=Place("-", 3))) == (
        "standard input:3:1: error: the quota of the namespace leaves no room [unknown-field]"
    )


@pytest.mark.parametrize(
    ("place", "lines"),
    [
        (Place("f", 1, 5, "名前: 値", 6), ["    1 | 名前: 値", "      |       ^^"]),
        (Place("f", 1, 2, "\timage: x", 7), ["    1 | →   image: x", "      |     ^^^^^"]),
        (Place("f", 1, 1, "\timage: x", 2), ["    1 | →   image: x", "      | ^^^^"]),
        (Place("f", 1, 3, "e\u0301x: y", 4), ["    1 | e\u0301x: y", "      |  ^"]),
        (Place("f", 1, 3, "🎉 x: y", 4), ["    1 | 🎉 x: y", "      |    ^"]),
        (Place("f", 1, 7, "name: ", 7), ["    1 | name:", "      |       ^"]),
        (Place("f", 123456, 1, "x", 2), ["123456 | x", "       | ^"]),
        (Place("f", 1, 4, "a\x1b[b", 5), ["    1 | a␛[b", "      |    ^"]),
    ],
    ids=["wide", "tab", "the tab", "combining", "emoji", "at the end", "far down", "control"],
)
def test_the_caret_is_below_the_field(place: Place, lines: list[str]) -> None:
    assert text.block(replace(NOWHERE, place=place)).splitlines()[1:] == lines


def test_a_long_line_is_cut_around_the_caret() -> None:
    place = Place("f", 1, 500_001, "x" * 500_000 + "bad" + "y" * 500_000, 500_004)
    _, line, caret = text.block(replace(NOWHERE, place=place)).splitlines()
    assert len(line) < 150
    assert line.index("bad") == caret.index("^")
    assert caret.endswith(" ^^^")


def test_a_long_message_keeps_its_end() -> None:
    said = f'Invalid value: "{"x" * 1_000_000}": must be short'
    shown = text.block(replace(NOWHERE, message=said, server=f"the server: {said}"))
    assert len(shown) < 5_000
    assert shown.count("must be short") == 2


def test_what_the_server_says_in_several_lines_is_kept_in_lines() -> None:
    shown = text.block(replace(NOWHERE, server="one\n  two\r\nthree", message="a\nb"))
    assert shown == "error: a b [unknown-field]\n  server: one\n            two\n          three"


def test_a_report_has_blank_lines_between_findings_and_a_closing_line() -> None:
    assert text.render(report([NOWHERE, replace(NOWHERE, severity="warning")])) == (
        "error: the quota of the namespace leaves no room [unknown-field]\n\n"
        "warning: the quota of the namespace leaves no room [unknown-field]\n\n"
        "12 objects in 3 files: 1 error, 1 warning (Kubernetes v1.37.2, 1.4 s)\n"
    )
    assert text.render(CLEAN) == "12 objects in 3 files: nothing amiss (Kubernetes v1.37.2, 1.4 s)\n"


def test_colors_change_nothing_else() -> None:
    plain = text.render(MIXED)
    colored = text.render(MIXED, color=True)
    assert "\x1b" not in plain
    assert click.unstyle(colored) == plain


@pytest.mark.parametrize(
    ("found", "color"), [(CLEAN, "green"), (report([WARNING]), "yellow"), (report([WARNING, ERROR]), "red")]
)
def test_the_closing_line_has_the_color_of_the_worst(found: Report, color: str) -> None:
    last = text.render(found, color=True).splitlines()[-1]
    assert last.startswith(click.style("", fg=color, bold=True, reset=False))


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_finding_has_as_many_lines_whatever_its_texts_are(kind: str) -> None:
    """But for what is said in lines; none of a user's lines can be taken for one of ours."""
    shown = text.render(filled(HOSTILE[kind])).splitlines()
    assert sum(" error: " in line and not line.startswith(" ") for line in shown) == 1
    assert shown[-1].startswith("2 objects in 2 files: 1 error, 1 warning")
