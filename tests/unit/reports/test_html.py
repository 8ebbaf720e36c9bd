from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from sandkube.reports import Place, Report, html
from sandkube.reports.characters import flowing, visible
from unit.reports.page import Element, parse
from unit.reports.samples import (
    CLEAN,
    EMPTY,
    ERROR,
    HOSTILE,
    MIXED,
    NOWHERE,
    RENDERED,
    WARNING,
    filled,
    many,
    report,
)


def page(found: Report) -> Element:
    return parse(html.render(found))


def findings(found: Report) -> list[Element]:
    return page(found).all("article", "finding")


def only(found: Report) -> Element:
    (finding,) = findings(found)
    return finding


def test_a_finding_is_shown() -> None:
    shown = only(report([ERROR]))
    assert shown.one("h3").text == 'error unknown field "imagePullPolicyy" unknown-field'
    assert shown.one("p", "place").text == "deploy.yaml:12:9"
    source = shown.one("pre", "source")
    assert source.one("code").text == "        imagePullPolicyy: Always"
    assert source.one("mark").text == "imagePullPolicyy"
    assert source.one("span", "number").text == "12"
    assert shown.one("p", "hint").text == "Hint: did you mean `imagePullPolicy`?"
    assert [(one.one("dt").text, one.one("dd").text) for one in shown.one("dl").all("div")] == [
        ("Object", "Deployment shop/web"),
        ("Field", "spec.template.spec.containers[0].imagePullPolicyy"),
    ]
    details = shown.one("details")
    assert details.one("summary").text == "Details of unknown-field at deploy.yaml:12:9"
    assert details.one("pre", "server").text == ERROR.server
    assert "A field that its kind does not have" in details.text
    assert "The server drops it." in details.text


def test_a_finding_carries_what_filters_go_by() -> None:
    attributes = only(report([ERROR])).attributes
    assert {name: value for name, value in attributes.items() if name.startswith("data-")} == {
        "data-severity": "error",
        "data-code": "unknown-field",
        "data-file": "deploy.yaml",
        "data-kind": "Deployment",
    }


def test_of_something_rendered_both_places_are_shown() -> None:
    shown = only(report([RENDERED]))
    assert [place.text for place in shown.all("p", "place")] == [
        "chart/templates/deploy.yaml:20:11",
        "rendered: chart/templates/deploy.yaml:12:9",
    ]
    assert [mark.text for mark in shown.all("mark")] == ["{{ .Values.policy }}", "imagePullPolicyy"]
    assert "values-prod.yaml" in shown.one("dl").text


def test_what_is_not_known_is_not_shown() -> None:
    shown = only(report([replace(NOWHERE, code="odd")]))
    assert [child.tag for child in shown.children] == ["h3"]
    assert shown.attributes["data-file"] == "No file"


def test_findings_stand_below_their_file() -> None:
    sections = page(report([ERROR, WARNING, replace(ERROR, message="another")])).all("section", "file")
    assert [(section.one("h2").text, len(section.all("article"))) for section in sections] == [
        ("deploy.yaml 2 errors", 2),
        ("more/pdb.yaml 1 warning", 1),
    ]


def test_the_page_sums_up() -> None:
    whole = page(MIXED)
    assert whole.one("title").text == "sandkube validate: 3 errors, 1 warning, 1 accepted by the baseline"
    assert whole.one("p", "verdict").text == "3 errors, 1 warning, 1 accepted by the baseline"
    assert whole.one("p", "verdict").attributes["class"] == "verdict error"
    assert "12 objects in 3 files" in whole.one("p", "extent").text
    assert "Kubernetes v1.37.2, 1.4 s" in whole.one("p", "extent").text
    assert whole.one("p", "count").text == "4 findings"


def test_there_is_a_filter_for_each_thing_with_its_numbers() -> None:
    form = page(MIXED).one("form")
    options = {
        select.attributes["id"]: [option.text for option in select.all("option")]
        for select in form.all("select")
    }
    assert options == {
        "code": ["all", "deprecated-api (1)", "unknown-field (3)"],
        "file": [
            "all",
            "No file (1)",
            "chart/templates/deploy.yaml (1)",
            "deploy.yaml (1)",
            "more/pdb.yaml (1)",
        ],
        "kind": ["all", "Deployment (2)", "PodDisruptionBudget (1)"],
    }
    labels = form.one("fieldset").all("label")
    assert [label.text.strip() for label in labels] == ["errors (3)", "warnings (1)"]


def test_every_control_has_a_label() -> None:
    form = page(MIXED).one("form")
    named = {label.attributes.get("for") for label in form.all("label")}
    inside = [control for label in form.all("label") for control in label.all("input")]
    for control in (*form.all("input"), *form.all("select")):
        assert control in inside or control.attributes["id"] in named


def test_no_id_is_used_twice() -> None:
    ids = re.findall(r'\bid="([^"]*)"', html.render(MIXED))
    assert len(ids) == len(set(ids)) > 10


def test_what_the_baseline_accepted_is_shown_apart() -> None:
    whole = page(report([ERROR], accepted=[WARNING, RENDERED]))
    accepted = whole.one("section", "accepted")
    assert accepted.one("h2").text == "Accepted by the baseline 2"
    assert len(accepted.all("article", "known")) == 2
    assert len(whole.all("article", "finding")) == 1


@pytest.mark.parametrize(
    ("found", "words"),
    [(CLEAN, "nothing amiss"), (EMPTY, "nothing to judge"), (report(accepted=[ERROR]), "nothing new")],
    ids=["clean", "empty", "accepted"],
)
def test_a_page_without_findings_says_so(found: Report, words: str) -> None:
    whole = page(found)
    assert words in whole.one("p", "none").text
    assert whole.all("form") == []
    assert whole.one("p", "verdict").attributes["class"] == "verdict fine"


def test_without_a_script_everything_is_shown_and_no_filter_is_offered() -> None:
    whole = page(MIXED)
    assert "hidden" in whole.one("form").attributes
    shown = [*whole.all("article"), *whole.all("section"), whole.one("p", "count")]
    assert [element.tag for element in shown if "hidden" in element.attributes] == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_change_nothing_of_the_page(kind: str) -> None:
    assert page(filled(HOSTILE[kind])).shape() == page(filled("harmless")).shape()


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_are_shown_as_they_are(kind: str) -> None:
    text = HOSTILE[kind]
    first, _ = findings(filled(text))
    assert first.one("h3").text == f"error {flowing(text)} {visible(text)}"
    assert first.attributes["data-code"] == visible(text)
    assert first.all("mark")[0].text == visible(text.rstrip("\r\n"), tab="\t")


def test_the_page_allows_its_own_script_and_style_and_nothing_else() -> None:
    whole = page(MIXED)
    (policy,) = (
        meta.attributes["content"]
        for meta in whole.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    hashes = {
        tag: "sha256-" + base64.b64encode(hashlib.sha256(whole.one(tag).text.encode()).digest()).decode()
        for tag in ("script", "style")
    }
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == {
        "default-src": "'none'",
        "script-src": f"'{hashes['script']}'",
        "style-src": f"'{hashes['style']}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_page_asks_for_no_other_file() -> None:
    text = html.render(MIXED)
    assert set(re.findall(r'\b(?:src|href|action)="([^"]*)"', text)) == {"#findings", "data:,"}
    assert re.findall(r"url\(|@import|\bfetch\b|XMLHttpRequest|import\(|sendBeacon|WebSocket", text) == []
    assert re.findall(r'\bstyle="|\bon[a-z]+="', text) == []


def test_a_long_line_is_cut_around_the_field() -> None:
    place = Place("f", 1, 500_001, "x" * 500_000 + "bad" + "y" * 500_000, 500_004)
    shown = only(report([replace(NOWHERE, place=place)]))
    assert shown.one("mark").text == "bad"
    assert len(shown.one("pre").text) < 250


def test_five_thousand_findings() -> None:
    whole = page(many(5000))
    assert len(whole.all("article", "finding")) == 5000
    assert whole.one("p", "count").text == "5,000 findings"
    assert len({finding.attributes["id"] for finding in whole.all("article")}) == 5000
