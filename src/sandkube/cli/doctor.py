"""`sandkube doctor`."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sandkube.cli import output
from sandkube.cli.options import name_argument, option, output_option

if TYPE_CHECKING:
    from sandkube.doctor import Finding

_COLORS = {"problem": "red", "note": "yellow", "ok": "green"}
_LABEL = 8
_WIDTH = 100


@click.command()
@name_argument
@output_option
@option("--fix", variable="DOCTOR_FIX", is_flag=True, help="Mend what can be mended safely.")
@click.pass_context
def doctor(context: click.Context, name: str, output: str, *, fix: bool) -> None:
    """Look for what keeps sandkube from working well here.

    With a NAME, of clusters only that one is looked at. The exit status is 1 if there is a problem; notes are
    none.
    """
    from sandkube.doctor import Surroundings, examine, mend, problems

    given = context.get_parameter_source("name") is click.core.ParameterSource.COMMANDLINE
    asked = name if given else None
    if asked is not None:
        _must_exist(asked)
    found = examine(Surroundings(name=asked))
    done: list[str] = []
    if fix:
        done = mend(found)
        found = examine(Surroundings(name=asked)) if done else found
    print_findings(found, done, output)
    context.exit(1 if problems(found) else 0)


def _must_exist(name: str) -> None:
    """ClusterNotFound for a name that no cluster has; a folder that cannot be read is for the checks."""
    from sandkube.cluster import state
    from sandkube.errors import StateUnusable

    try:
        state.existing(name)
    except StateUnusable:
        return


def print_findings(found: Sequence[Finding], done: Sequence[str], form: str) -> None:
    """The findings on stdout, as text or as JSON; what was mended before is talk."""
    if form == "json":
        output.print_json({"findings": [_document(finding) for finding in found], "mended": list(done)})
        return
    for line in done:
        output.talk(f"mended: {line}")
    colored = output.colored(sys.stdout, os.environ)
    for finding in found:
        for line in lines(finding):
            click.echo(line, color=colored)


def lines(finding: Finding) -> list[str]:
    """A finding as text: what is amiss with its reason and what to do; what is well in one line."""
    label = click.style(
        f"{finding.state + ':':<{_LABEL + 1}}", fg=_COLORS[finding.state], bold=finding.state == "problem"
    )
    said = [f"{label} {finding.check}: {finding.found}"]
    margin = " " * (_LABEL + 2)
    if finding.why:
        first = f"{margin}why: "
        said += textwrap.wrap(
            finding.why,
            _WIDTH,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_on_hyphens=False,
        )
    if finding.remedy:  # not wrapped: it is pasted
        said.append(f"{margin}do:  {finding.remedy}")
    return said


def _document(finding: Finding) -> dict[str, object]:
    fields = asdict(finding)
    return {**fields, "fix": finding.fix is not None}
