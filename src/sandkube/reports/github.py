"""Annotations in GitHub's pull requests: a workflow command for each finding, and a line that sums up.

GitHub shows ten errors and ten warnings of a step; the log of the job has them all. The form, and what is
escaped in it: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.reports import places
from sandkube.reports.characters import flowing, shortened, visible, visible_lines
from sandkube.reports.finding import Finding, Place, Report
from sandkube.reports.words import notes, summary

_TITLE: Final = 255
_MESSAGE: Final = 2_000


def render(report: Report) -> str:
    """The commands, a line each, and the closing line; files are told from the checkout we are in."""
    here = Path.cwd()
    root = places.root(os.environ, here)
    lines = [command(finding, report, here, root) for finding in report.findings]
    return "\n".join([*lines, summary(report)]) + "\n"


def command(finding: Finding, report: Report, here: Path, root: Path) -> str:
    """The command for ``finding``: ``::error file=…,line=…,col=…,endColumn=…,title=…::message``."""
    properties = {} if finding.place is None else _place(finding.place, here, root)
    rule = report.rules.get(finding.code)
    title = f"{rule.title} [{finding.code}]" if rule else finding.code
    properties["title"] = visible(title)[:_TITLE]
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    message = "\n".join(_message(finding))
    return f"::{finding.severity} {listed}::{_data(message)}"


def _place(place: Place, here: Path, root: Path) -> dict[str, str]:
    """Where it is. ``endColumn`` is the last column that is meant, and not the one behind it."""
    if place.file == places.STDIN:
        return {}
    file = places.relative(place.file, here, root) or place.file
    found = {"file": visible(file), "line": str(place.line), "col": str(place.column)}
    if place.end is not None and place.end > place.column:
        found["endColumn"] = str(place.end - 1)
    return found


def _message(finding: Finding) -> Iterator[str]:
    """The lines of an annotation: where GitHub cannot show a place beside it, it is said here."""
    place = finding.place
    where = f"{places.place_name(place)}: " if place and place.file == places.STDIN else ""
    yield where + flowing(shortened(finding.message, _MESSAGE))
    if finding.rendered:
        yield f"rendered: {places.place_name(finding.rendered)}"
    for name, said in notes(finding):
        first, *more = visible_lines(shortened(said, _MESSAGE))
        yield f"{name}: {first}"
        yield from (f"  {line}" for line in more)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
