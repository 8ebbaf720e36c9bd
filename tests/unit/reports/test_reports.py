"""What holds for every form."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from sandkube import reports
from sandkube.errors import UsageError
from sandkube.reports import FORMATS, Place, render
from unit.reports.samples import CLEAN, ERROR, HOSTILE, MIXED, filled, harmful, many, report


def test_what_is_public_is_there() -> None:
    assert all(hasattr(reports, name) for name in reports.__all__)


def test_an_unknown_form_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="`pdf`") as refused:
        render(CLEAN, "pdf")
    assert refused.value.hint == "one of text, json, junit, sarif, github, html"


def test_a_form_is_loaded_when_it_is_asked_for() -> None:
    heavy = "{'click', 'jinja2', 'rich', 'xml', 'yaml'}"
    code = f"import sys, sandkube.reports, sandkube.reports.baseline; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_report_can_be_written_and_does_nothing_to_a_terminal(form: str, kind: str) -> None:
    text = render(filled(HOSTILE[kind]), form)
    assert text.encode().decode() == text
    assert text.endswith("\n")
    assert harmful(text) - ({"\t"} if form == "html" else set()) == set()


@pytest.mark.parametrize("form", FORMATS)
def test_five_thousand_findings_are_all_told(form: str) -> None:
    told = re.findall(r"finding number (\d+)", render(many(5000), form))
    assert {int(number) for number in told} == set(range(5000))


@pytest.mark.parametrize("form", FORMATS)
def test_a_line_of_a_megabyte_is_not_told(form: str) -> None:
    place = Place("deploy.yaml", 1, 500_001, "x" * 1_000_000, 500_004)
    found = replace(ERROR, place=place, rendered=place)
    assert render(report([found] * 10), form).count("x") < 20_000


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "text"])
def test_color_is_for_text_alone(form: str) -> None:
    assert render(MIXED, form, color=True) == render(MIXED, form)
