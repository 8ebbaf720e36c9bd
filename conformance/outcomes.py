"""What a run of the suite gave, and how it compares with what is expected.

Every test is expected to pass, but those in exceptions.toml: each of these is expected to fail, with the
reason and the place in upstream's source that shows it. One that passes has to leave that list.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from inside import bare
from listing import HERE, read_toml
from sandkube.errors import SandkubeError, UsageError

EXCEPTIONS = HERE / "exceptions.toml"
Where = Literal["native", "gvisor"]
Result = Literal["passed", "failed", "skipped", "did not run"]
_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test; ``seconds`` is how long it took, ``message`` why it did not pass."""

    test: str
    result: Result
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """A test that is known not to pass, where, and why; ``source`` is a file and line of upstream's."""

    test: str
    reason: str
    source: str
    where: tuple[Where, ...]


def read_junit(path: Path, wanted: Sequence[str]) -> list[Outcome]:
    """Give the outcome of each test wanted, from ginkgo's JUnit file; SandkubeError where that is none."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 -- our own run wrote it
    except (OSError, ET.ParseError) as error:
        raise SandkubeError(f"The suite left no JUnit file that can be read: {path}: {error}.") from error
    found = {}
    for case in root.iter("testcase"):
        name = bare(case.get("name", "").removeprefix("[It] "))
        if case.get("name", "").startswith("[It] "):
            found[name] = case
    return [_outcome(name, found.get(bare(name))) for name in wanted]


def _outcome(name: str, case: ET.Element | None) -> Outcome:
    if case is None:
        return Outcome(name, "did not run", message="upstream's suite has no test of that name")
    seconds = float(case.get("time") or 0)
    for tag in ("failure", "error"):
        element = case.find(tag)
        if element is not None:
            return Outcome(name, "failed", seconds, _short(element.get("message") or element.text or ""))
    skipped = case.find("skipped")
    if skipped is not None:
        message = skipped.get("message") or ""
        # What the suite was not asked for, or did not come to, has no message of a test's own.
        ran = message not in ("", "skipped")
        return Outcome(name, "skipped" if ran else "did not run", seconds, _short(message))
    return Outcome(name, "passed", seconds)


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _MESSAGE else f"{line[:_MESSAGE]} …"


def expected(path: Path = EXCEPTIONS) -> list[Expected]:
    """Read exceptions.toml; UsageError names the entry that is not complete."""
    entries = read_toml(path).get("exception", [])
    return [_expected(path, number, one) for number, one in enumerate(entries, 1)]


def _expected(path: Path, number: int, one: dict[str, str | list[str]]) -> Expected:
    texts = {key: value for key, value in one.items() if isinstance(value, str) and value.strip()}
    missing = [key for key in ("test", "reason", "source") if key not in texts]
    if missing:
        raise UsageError(f"{path}: exception {number} lacks `{missing[0]}`.")
    if not re.fullmatch(r"\S+\.go:\d+", texts["source"]):
        hint = "a file below k8s.io, and the line: `kubernetes/test/e2e/apps/job.go:120`"
        raise UsageError(
            f"{path}: exception {number}: `source` names no place in upstream's source.", hint=hint
        )
    where = one.get("where", list(get_args(Where)))
    known = tuple(place for place in get_args(Where) if place in where)
    if not known or len(known) != len(where):
        raise UsageError(f"{path}: exception {number}: `where` may hold `native` and `gvisor`.")
    return Expected(texts["test"], texts["reason"], texts["source"], known)


def surprises(outcomes: Sequence[Outcome], exceptions: Sequence[Expected], where: Where) -> list[str]:
    """A line for each test that did other than expected; none, where all is as it should be."""
    excused = {one.test for one in exceptions if where in one.where}
    found = []
    for outcome in outcomes:
        if outcome.test in excused and outcome.result == "passed":
            found.append(f"passes, and has to leave exceptions.toml: {outcome.test}")
        elif outcome.test not in excused and outcome.result != "passed":
            found.append(f"{outcome.result}: {outcome.test}\n    {outcome.message}")
    return found


def unknown(exceptions: Sequence[Expected], listed: Sequence[str]) -> list[str]:
    """A line for each exception that is about no test of the list."""
    return [
        f"exceptions.toml names a test that is not in no-node.txt: {one.test}"
        for one in exceptions
        if one.test not in listed
    ]


def table(outcomes: Sequence[Outcome], where: Where) -> str:
    """The closing table: for each SIG how many passed, and the whole."""
    areas: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        areas.setdefault(outcome.test.partition("]")[0].lstrip("["), []).append(outcome)
    rows: list[tuple[str, ...]] = [("", "tests", *get_args(Result), "seconds")]
    for area, there in [*sorted(areas.items()), ("in all", list(outcomes))]:
        counts = [sum(one.result == result for one in there) for result in get_args(Result)]
        seconds = f"{sum(one.seconds for one in there):.0f}"
        rows.append((area, *map(str, (len(there), *counts)), seconds))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([f"Upstream conformance, {where}", *lines])
