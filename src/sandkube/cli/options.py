"""Options and arguments that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _name_or_chosen(context: click.Context, _: click.Parameter, value: str | None) -> str:
    """The name that the command was given, or else the one of `sandkube --cluster`, which knows SANDKUBE_CLUSTER."""
    return value if value is not None else str(context.obj)


name_argument: Callable[[_Function], _Function] = click.argument(
    "name", required=False, metavar="[NAME]", callback=_name_or_chosen
)

output_option: Callable[[_Function], _Function] = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar="SANDKUBE_OUTPUT",
    show_envvar=True,
    help="For people, or for programs.",
)

quiet_option: Callable[[_Function], _Function] = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    envvar="SANDKUBE_QUIET",
    show_envvar=True,
    help="Say nothing unless it is amiss.",
)
