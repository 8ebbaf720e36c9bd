"""Findings for a terminal, and for whoever reads plain text: the line, a caret below it, what may help.

::

    deploy.yaml:12:9: error: unknown field "imagePullPolicyy" [unknown-field]
       12 |         imagePullPolicyy: Always
          |         ^^^^^^^^^^^^^^^^
      object: Deployment shop/web
      hint: did you mean `imagePullPolicy`?
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

import click
from rich.cells import cell_len

from sandkube.reports.characters import flowing, shortened, visible, visible_lines
from sandkube.reports.excerpt import excerpt
from sandkube.reports.finding import Finding, Place, Report, Severity
from sandkube.reports.places import place_name
from sandkube.reports.words import notes, summary

_COLORS: Final[dict[Severity, str]] = {"error": "red", "warning": "yellow"}
# A tab is often what is wrong: it is seen, and takes as many cells wherever it stands.
_TAB: Final = "→   "
_MESSAGE: Final = 1_000
_NOTE: Final = 2_000


class _Paint(Protocol):
    """Gives text a style; what `click.style` does, or nothing."""

    def __call__(
        self, text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None
    ) -> str: ...


def render(report: Report, *, color: bool = False) -> str:
    """All findings in the report's order, and a closing line; with ANSI colours if ``color``."""
    color_of_all = "red" if report.count("error") else "yellow" if report.findings else "green"
    closing = _painter(color=color)(summary(report), fg=color_of_all, bold=True)
    return "\n\n".join([*(block(finding, color=color) for finding in report.findings), closing]) + "\n"


def block(finding: Finding, *, color: bool = False) -> str:
    """One finding: several lines, without a line end behind the last."""
    return "\n".join(_lines(finding, _painter(color=color)))


def _painter(*, color: bool) -> _Paint:
    if color:
        return click.style
    return _plain


def _plain(text: str, **_: object) -> str:
    return text


def _lines(finding: Finding, paint: _Paint) -> Iterator[str]:
    color = _COLORS[finding.severity]
    where = paint(f"{place_name(finding.place)}:", bold=True) + " " if finding.place else ""
    label = paint(f"{finding.severity}:", fg=color, bold=True)
    message = flowing(shortened(finding.message, _MESSAGE))
    yield f"{where}{label} {message} {paint(f'[{visible(finding.code)}]', dim=True)}"
    if finding.place:
        yield from _source(finding.place, color, paint)
    if finding.rendered:
        yield f"  {paint('rendered:', dim=True)} {place_name(finding.rendered)}"
        yield from _source(finding.rendered, color, paint)
    for name, said in notes(finding):
        first, *more = visible_lines(shortened(said, _NOTE))
        label = paint(f"{name}:", fg="cyan", bold=True) if name == "hint" else paint(f"{name}:", dim=True)
        yield f"  {label} {first}"
        yield from (" " * (len(name) + 4) + line for line in more)


def _source(place: Place, color: str, paint: _Paint) -> Iterator[str]:
    """The line with its number, and the caret below; nothing where the line is not known."""
    shown = excerpt(place)
    if shown is None:
        return
    before, marked = visible(shown.before, tab=_TAB), visible(shown.marked, tab=_TAB)
    number = f"{place.line:>5}"
    yield f"{paint(f'{number} |', dim=True)} {before}{marked}{visible(shown.behind, tab=_TAB)}".rstrip()
    gutter = paint(" " * len(number) + " |", dim=True)
    caret = paint("^" * max(1, cell_len(marked)), fg=color, bold=True)
    yield f"{gutter} {' ' * cell_len(before)}{caret}"
