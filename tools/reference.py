"""Write what the documents take from the program itself: `python tools/reference.py`.

docs/reference/cli.md is what `--help` says of every command; the middle part of docs/reference/environment.md
lists the variable of each option, that of docs/how-to/troubleshooting.md what `doctor` can find, that of
docs/reference/findings.md what `validate` can, and docs/reference/validation-report.md holds the schema of
its report. With --check nothing is written, and the exit status is 1 if something is out of date.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from sandkube.cli import cli
from sandkube.doctor.checks import CHECKS
from sandkube.doctor.finding import Check, Kind
from sandkube.reports.json_schema import SCHEMA
from sandkube.validation.rules import RULES

ROOT = Path(__file__).resolve().parent.parent
CLI = ROOT / "docs" / "reference" / "cli.md"
ENVIRONMENT = ROOT / "docs" / "reference" / "environment.md"
TROUBLESHOOTING = ROOT / "docs" / "how-to" / "troubleshooting.md"
FINDINGS = ROOT / "docs" / "reference" / "findings.md"
REPORT = ROOT / "docs" / "reference" / "validation-report.md"

_WIDTH = 96
_LINE = 120
_HEAD = """\
<!-- written by tools/reference.py: do not edit -->

# Commands

What `--help` says. Data goes to stdout and talk to stderr; [exit codes](exit-codes.md) are the same for all.
`sandkube` stands for however you call it: `uv run sandkube` in a checkout.
"""


def commands() -> Iterator[click.Context]:
    """Yield each command's context: the group first, subcommands behind their group."""
    yield from _below(
        click.Context(cli, info_name="sandkube", terminal_width=_WIDTH, max_content_width=_WIDTH)
    )


def _below(context: click.Context) -> Iterator[click.Context]:
    context.help_option_names = ["-h", "--help"]
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _below(click.Context(command, parent=context, info_name=name))


def cli_page() -> str:
    """Give docs/reference/cli.md."""
    parts = [_HEAD]
    for context in commands():
        level = "##" if context.command_path.count(" ") < 2 else "###"  # noqa: PLR2004 -- `sandkube server build`
        help_text = "\n".join(line.rstrip() for line in context.get_help().splitlines())
        parts.append(f"{level} {context.command_path}\n\n```text\n{help_text}\n```\n")
    return "\n".join(parts)


def option_variables() -> Iterator[tuple[str, str, str]]:
    """Yield each variable with its command and option."""
    for context in commands():
        for parameter in context.command.params:
            variables = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or ()
            for variable in variables:
                yield variable, context.command_path, max(parameter.opts, key=len)


def environment_page(text: str) -> str:
    """Give docs/reference/environment.md with the table of options made anew."""
    uses: dict[str, list[str]] = {}
    for variable, command, option in option_variables():
        uses.setdefault(variable, []).append(f"`{command} {option}`")
    rows = [f"| `{variable}` | {', '.join(uses[variable])} |" for variable in uses]
    table = "\n".join(["| Variable | Option |", "| --- | --- |", *rows])
    return _with_part(text, "options", table)


def troubleshooting_page(text: str) -> str:
    """Give docs/how-to/troubleshooting.md with what `doctor` can find made anew."""
    return _with_part(text, "checks", "\n\n".join(_check(check) for check in CHECKS))


def findings_page(text: str) -> str:
    """Give docs/reference/findings.md with the table of codes made anew."""
    rows = [f"| `{rule.code}` | {rule.severity} | {rule.title}. {rule.meaning} |" for rule in RULES.values()]
    return _with_part(text, "codes", "\n".join(["| Code | Severity | |", "| --- | --- | --- |", *rows]))


def report_page(text: str) -> str:
    """Give docs/reference/validation-report.md with the schema made anew."""
    schema = json.dumps(SCHEMA, indent=2)
    return _with_part(text, "schema", f"```json\n{schema}\n```")


def _check(check: Check) -> str:
    return "\n\n".join([f"### {check.title}", *(_kind(kind) for kind in check.kinds)])


def _kind(kind: Kind) -> str:
    """Give what a finding of this kind says, wherever it is found."""
    mark = f"{kind.state.capitalize()} `{kind.id}`{', which `--fix` mends' if kind.fixable else ''}."
    why = "\n".join(
        textwrap.wrap(f"{mark} {kind.why}", _LINE, break_long_words=False, break_on_hyphens=False)
    )
    return f"#### {kind.title}\n\n{why}\n\n```bash\n{kind.remedy.format_map(_Capitals())}\n```"


class _Capitals(dict[str, str]):
    """Has every name, and in capitals."""

    def __missing__(self, name: str) -> str:
        return name.upper()


def _with_part(text: str, name: str, part: str) -> str:
    """Give ``text`` with ``part`` between the two comments of that name."""
    begin, end = f"<!-- {name}: written by tools/reference.py -->\n", f"<!-- /{name} -->\n"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    assert found, f"the line {begin.strip()} is missing"
    assert closed, f"the line {end.strip()} is missing"
    return f"{before}{begin}\n{part}\n\n{end}{after}"


def pages() -> dict[Path, str]:
    """Give what each file is to hold."""
    return {
        CLI: cli_page(),
        ENVIRONMENT: environment_page(ENVIRONMENT.read_text(encoding="utf-8")),
        TROUBLESHOOTING: troubleshooting_page(TROUBLESHOOTING.read_text(encoding="utf-8")),
        FINDINGS: findings_page(FINDINGS.read_text(encoding="utf-8")),
        REPORT: report_page(REPORT.read_text(encoding="utf-8")),
    }


def outdated() -> list[Path]:
    """Give the files that hold something else."""
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write or check, and give the exit status."""
    parser = argparse.ArgumentParser(
        prog="reference.py", description="Write what the documents take from the program."
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; status 1 if something is out of date"
    )
    check = parser.parse_args().check
    found = outdated()
    for path in found:
        print(f"{path.relative_to(ROOT)} {'is out of date' if check else 'written'}")
    if check:
        return 1 if found else 0
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
