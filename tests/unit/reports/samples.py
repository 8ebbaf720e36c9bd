"""Findings and reports to try the forms with, and texts that mean harm."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sandkube.reports import Finding, Place, Report, Rule, Subject

RULES = {
    "unknown-field": Rule(
        "unknown-field",
        "error",
        "A field that its kind does not have",
        "The server drops it. Correct its name, or move it to where it belongs.",
    ),
    "deprecated-api": Rule(
        "deprecated-api",
        "warning",
        "A version of an API that will go",
        "It works until it is removed. Use the version that the server names.",
    ),
}

ERROR = Finding(
    "unknown-field",
    "error",
    'unknown field "imagePullPolicyy"',
    Place("deploy.yaml", 12, 9, "        imagePullPolicyy: Always", 25),
    Subject("apps/v1", "Deployment", "web", "shop"),
    "spec.template.spec.containers[0].imagePullPolicyy",
    'strict decoding error: unknown field "spec.template.spec.containers[0].imagePullPolicyy"',
    "did you mean `imagePullPolicy`?",
)
WARNING = Finding(
    "deprecated-api",
    "warning",
    "policy/v1beta1 PodDisruptionBudget is deprecated",
    Place("more/pdb.yaml", 1, 1, "apiVersion: policy/v1beta1", 11),
    Subject("policy/v1beta1", "PodDisruptionBudget", "web"),
)
# Of something rendered: the template's place, and the one in what came of it.
RENDERED = replace(
    ERROR,
    place=Place("chart/templates/deploy.yaml", 20, 11, "          {{ .Values.policy }}: Always", 31),
    rendered=Place("chart/templates/deploy.yaml", 12, 9, "        imagePullPolicyy: Always", 25),
    case="values-prod.yaml",
)
NOWHERE = Finding("unknown-field", "error", "the quota of the namespace leaves no room")

HOSTILE = {
    "quotes": "\"double\" 'single' `back` \\ back\\slash",
    "angles": "<b>bold</b> & &amp; <img src=x onerror=alert(1)>",
    "script": "</script><script>window.taken = 1</script>",
    "style": "--></style><!-- */ } body { display: none }",
    "attribute": '" onmouseover="window.taken = 1" x="',
    "cdata": "]]> <![CDATA[ ]]&gt; <?xml version='1.0'?>",
    "lines": "one\r\ntwo\n\nthree\rfour\n",
    "terminal": "\x1b[2J\x1b]0;title\x07\x9b31mred\x1b[0m",
    "emoji": "👩‍💻 🎉 é 名前",
    "tabs": "\ta\t\tb",
    "command": "%0A::error file=x::injected%0D%25\n::warning::injected, a:b",
    "controls": "\x00\x01\x08\x0b\x0c\x1c\x7f\x85\ufffe\uffff",
    "turned": "\u202eabc\u2066def\u2069\u200f\u2028\u2029",
    "halves": "\udcff\udc80 \ud83d",
    "template": "{{ 7 * 7 }} {% raw %} ${{ secrets.A }} {0}",
    "link": "[words](1) [other](https://example.org)",
}


def report(findings: Sequence[Finding] = (), **changes: Any) -> Report:
    """A report of ``findings`` in three files."""
    files = ("deploy.yaml", "more/pdb.yaml", "service.yaml")
    return replace(Report(findings, files, 12, RULES, "v1.37.2", 1.42), **changes)


EMPTY = report(files=(), documents=0)
CLEAN = report()
MIXED = report([ERROR, WARNING, RENDERED, NOWHERE], accepted=[WARNING])


def filled(text: str) -> Report:
    """A report with ``text`` at every place that can come from a file, a template or the server."""
    rule = Rule(text, "error", text, text)
    line = f"{text}{text}"
    finding = Finding(
        text,
        "error",
        text,
        Place(text, 3, len(text) + 1, line, len(line) + 1),
        Subject(text, text, text, text),
        text,
        f"{text} says the server",
        text,
        Place(text, 7, 1, text, 2),
        text,
    )
    warning = replace(finding, severity="warning", place=Place("plain.yaml", 1))
    return Report([finding, warning], [text, "plain.yaml"], 2, {text: rule}, "v1.37.2", 0.5, [finding])


def many(number: int) -> Report:
    """A report of ``number`` findings in a hundred files, every fifth of them a warning."""
    findings = [
        replace(
            WARNING if index % 5 == 0 else ERROR,
            message=f"finding number {index}",
            place=Place(f"file-{index % 100}.yaml", index + 1, 3, "  field: value", 8),
        )
        for index in range(number)
    ]
    return report(findings, files=[f"file-{index}.yaml" for index in range(100)], documents=number)


def harmful(text: str) -> set[str]:
    """Characters in ``text`` that do something to a terminal or turn its direction; line ends are none."""
    found = {character for character in text if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}}
    turning = {chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    return (found | (turning & set(text))) - {"\n"}
