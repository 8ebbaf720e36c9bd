"""Write what docs/reference takes from the command line itself: `python tools/reference.py`.

docs/reference/cli.md is what `--help` says of every command; the middle part of docs/reference/environment.md
lists the variable of each option. With --check nothing is written, and the exit status is 1 if something is
out of date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from sandkube.cli import cli

ROOT = Path(__file__).resolve().parent.parent
CLI = ROOT / "docs" / "reference" / "cli.md"
ENVIRONMENT = ROOT / "docs" / "reference" / "environment.md"

_WIDTH = 96
_BEGIN, _END = "<!-- options: written by tools/reference.py -->\n", "<!-- /options -->\n"
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
    before, _, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    assert end, f"{ENVIRONMENT} lacks the line {_END.strip()}"
    return f"{before}{_BEGIN}\n{table}\n\n{_END}{after}"


def pages() -> dict[Path, str]:
    """Give what each file is to hold."""
    return {CLI: cli_page(), ENVIRONMENT: environment_page(ENVIRONMENT.read_text(encoding="utf-8"))}


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
        prog="reference.py", description="Write docs/reference from the command line."
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
