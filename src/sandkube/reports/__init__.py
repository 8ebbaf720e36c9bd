"""What a validation found, and the forms it is told in: a module a form.

`finding` has the data that all agree on: a `Report` holds `Finding`s, and the `Rule` behind each code. A form
is a function from a report to text, with a line end behind it, and changes nothing; who calls it writes the
text to where it belongs. Whatever a user's file holds, the text can be written as UTF-8, keeps to its form,
and does nothing to a terminal.

=========== ============================ ========================================================
form        modules                      for
=========== ============================ ========================================================
``text``    `text`                       a person, on a terminal or in a log
``json``    `json_report`, `json_schema` programs; versioned
``junit``   `junit`                      the list of tests that most CI systems show
``sarif``   `sarif`                      code scanning of forges, editors
``github``  `github`                     annotations in a pull request
``html``    `html`, page.*               a person with a browser: one file that asks for no other
=========== ============================ ========================================================

What the forms share: `characters` (making text harmless), `excerpt` (a line, cut to be shown), `places`
(what a file is called) and `words` (the same sentences everywhere). `baseline` keeps the findings that are
accepted. Modules are loaded when their form is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from sandkube.errors import UsageError
from sandkube.reports.finding import SEVERITIES, Finding, Place, Report, Rule, Severity, Subject

__all__ = [
    "FORMATS",
    "SEVERITIES",
    "Finding",
    "Place",
    "Report",
    "Rule",
    "Severity",
    "Subject",
    "render",
]

FORMATS: Final = ("text", "json", "junit", "sarif", "github", "html")

# `json` would be taken for the standard library's by who reads it.
_MODULES: Final = {"json": "json_report"}


def render(report: Report, form: str, *, color: bool = False) -> str:
    """``report`` in the form ``form``, one of `FORMATS`, with a line end; ``color`` is for text alone.

    UsageError where there is no such form.
    """
    if form not in FORMATS:
        raise UsageError(f"There is no report of the form `{form}`.", hint=f"one of {', '.join(FORMATS)}")
    module = import_module(f"{__name__}.{_MODULES.get(form, form)}")
    rendered: str = module.render(report, color=color) if form == "text" else module.render(report)
    return rendered
