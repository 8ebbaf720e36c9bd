"""A group of commands that loads a command when it is called, and lists them without loading any."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class ReaderGone(Exception):  # noqa: N818 -- no error: `sandkube logs | head`
    """Nobody reads what a command prints any more."""


class LazyGroup(click.Group):
    """A click group whose command ``x-y`` is the click command ``x_y`` in the module ``PACKAGE.x_y``.

    Where that name is taken by a builtin, the attribute may end in ``_``. ``commands_help`` has each
    command's line in the list.
    """

    def __init__(self, *args: Any, commands_help: Mapping[str, str], package: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines = dict(commands_help)
        self._package = package

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. ReaderGone for a broken pipe, of which click itself would make a failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The names, in the order they were given."""
        return list(self._lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, loaded; None where there is none."""
        if cmd_name not in self._lines:
            return None
        name = cmd_name.replace("-", "_")
        module = import_module(f"{self._package}.{name}")
        command = getattr(module, f"{name}_", None) or getattr(module, name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lines.items()))
