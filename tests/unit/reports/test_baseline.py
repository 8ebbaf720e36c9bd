from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandkube.errors import UsageError
from sandkube.reports import Place, baseline
from sandkube.reports.baseline import Entry
from unit.reports.samples import ERROR, HOSTILE, NOWHERE, RENDERED, WARNING, filled, many

ENTRY = {"fingerprint": "f", "code": "c", "message": "m"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "baseline.json"


def document(*findings: Any, **changes: Any) -> str:
    return json.dumps({"version": 1, "kind": "ValidationBaseline", "findings": findings, **changes}, indent=1)


def test_what_is_written_accepts_what_it_was_written_of(file: Path) -> None:
    findings = [ERROR, WARNING, RENDERED, NOWHERE, ERROR]
    baseline.write(file, findings)
    new, accepted, stale = baseline.split(findings, baseline.read(file))
    assert (new, accepted, stale) == ((), tuple(findings), ())


def test_the_file_is_for_people_too(file: Path) -> None:
    baseline.write(file, [ERROR, NOWHERE, ERROR])
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "version": 1,
        "kind": "ValidationBaseline",
        "findings": [
            {
                "fingerprint": NOWHERE.fingerprint,
                "code": "unknown-field",
                "file": None,
                "object": None,
                "field": None,
                "case": None,
                "message": "the quota of the namespace leaves no room",
                "count": 1,
            },
            {
                "fingerprint": ERROR.fingerprint,
                "code": "unknown-field",
                "file": "deploy.yaml",
                "object": "Deployment shop/web",
                "field": "spec.template.spec.containers[0].imagePullPolicyy",
                "case": None,
                "message": 'unknown field "imagePullPolicyy"',
                "count": 2,
            },
        ],
    }


def test_the_order_of_findings_and_their_lines_change_nothing() -> None:
    findings = [*many(50).findings, ERROR, WARNING, RENDERED, NOWHERE]
    moved = [replace(finding, place=finding.place and replace(finding.place, line=7)) for finding in findings]
    assert baseline.render(moved[::-1]) == baseline.render(findings)


def test_an_entry_accepts_as_many_as_it_was_recorded_times() -> None:
    first, second, third = (replace(ERROR, place=Place("deploy.yaml", line)) for line in (1, 2, 3))
    new, accepted, stale = baseline.split([first, second, third], baseline.entries([first, second]))
    assert (new, accepted, stale) == ((third,), (first, second), ())


def test_what_no_longer_occurs_is_given_back() -> None:
    known = baseline.entries([ERROR, ERROR, ERROR, WARNING])
    new, accepted, stale = baseline.split([ERROR, NOWHERE], known)
    assert (new, accepted) == ((NOWHERE,), (ERROR,))
    assert [(entry.message, entry.count) for entry in stale] == [(ERROR.message, 2), (WARNING.message, 1)]


def test_entries_of_one_finding_add_up() -> None:
    once = Entry(ERROR.fingerprint, ERROR.code, ERROR.message)
    new, accepted, stale = baseline.split([ERROR, ERROR, ERROR], [once, replace(once, count=1)])
    assert (new, accepted, stale) == ((ERROR,), (ERROR, ERROR), ())
    assert [entry.count for entry in baseline.split([ERROR], [once, replace(once, count=3)]).stale] == [1, 2]


def test_an_empty_baseline_accepts_nothing(file: Path) -> None:
    baseline.write(file, [])
    assert baseline.split([ERROR], baseline.read(file)) == ((ERROR,), (), ())


@pytest.mark.parametrize("kind", HOSTILE)
def test_any_finding_can_be_recorded(kind: str, file: Path) -> None:
    findings = filled(HOSTILE[kind]).findings
    baseline.write(file, findings)
    assert baseline.split(findings, baseline.read(file)).new == ()


def test_five_thousand_findings(file: Path) -> None:
    findings = many(5000).findings
    baseline.write(file, findings)
    assert baseline.split(findings, baseline.read(file)) == ((), tuple(findings), ())


def test_what_an_entry_may_lack(file: Path) -> None:
    file.write_text("\ufeff" + document(ENTRY), encoding="utf-8")
    assert baseline.read(file) == (Entry("f", "c", "m"),)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 1, "it is no JSON"),
        ("{\n", 2, "it is no JSON"),
        ('{\n "a": 1,\n b\n}\n', 3, "it is no JSON"),
        ("apiVersion: v1\nkind: List\n", 1, "it is no JSON"),
        ("[]", 1, "it is not of the kind ValidationBaseline"),
        ("{}", 1, "it is not of the kind ValidationBaseline"),
        ('{\n "version": 1,\n "kind": "ValidationReport"\n}', 3, "it is not of the kind ValidationBaseline"),
        (document(version=2), 2, "it has version 2, and 1 is what is known"),
        (document(version="1"), 2, "it has version '1', and 1 is what is known"),
        (document(findings={}), 4, "`findings` is no list"),
        (document(ENTRY, "text"), 10, "an entry is no object"),
        (document(ENTRY, ENTRY | {"message": 1}), 13, "`message` of an entry is no text"),
        (document(ENTRY, {"fingerprint": "f"}), 10, "`code` of an entry is no text"),
        (document(ENTRY | {"file": 1}), 9, "`file` of an entry is no text"),
        (document(ENTRY | {"count": 0}), 9, "`count` of an entry is no number from 1"),
        (document(ENTRY | {"count": True}), 9, "`count` of an entry is no number from 1"),
        ("[" * 100_000, 1, "it cannot be read"),
        ("9" * 10_000, 1, "it cannot be read"),
        ('{"kind": "ValidationBaseline",\t"version": 3}', 1, "it has version 3"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(text: str, line: int, why: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        baseline.read(file)
    assert refused.value.message.startswith(f"{file}:{line}: This is no baseline: {why}")
    assert refused.value.hint


def test_a_merge_conflict_is_named(file: Path) -> None:
    text = document(ENTRY).replace("  {\n", "<<<<<<< ours\n  {\n")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"baseline\.json:5: ") as refused:
        baseline.read(file)
    assert "merge conflict" in (refused.value.hint or "")


def test_what_is_no_text_is_refused_with_its_line(file: Path) -> None:
    file.write_bytes(b'{\n "kind": "\xff"\n}')
    with pytest.raises(UsageError, match=r"baseline\.json:2: This is no baseline: it is not UTF-8 text\."):
        baseline.read(file)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(UsageError, match=r"baseline\.json cannot be read: No such file"):
        baseline.read(file)


@pytest.mark.parametrize("use", [baseline.read, lambda path: baseline.write(path, [])], ids=["read", "write"])
def test_a_folder_is_no_file(use: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        use(tmp_path)
