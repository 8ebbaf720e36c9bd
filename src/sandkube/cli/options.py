"""Options and arguments that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from sandkube.config import DEFAULT_WAIT

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _name_or_chosen(context: click.Context, _: click.Parameter, value: str | None) -> str:
    """The name the command was given, or else that of `sandkube --cluster`, which knows SANDKUBE_CLUSTER."""
    return value if value is not None else str(context.obj)


def _names(_context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The names of clusters that a shell can complete ``begun`` to."""
    from sandkube.config import state_dir
    from sandkube.plane.folder import all_folders

    return [folder.name for folder in all_folders(state_dir()) if folder.name.startswith(begun)]


name_argument: Callable[[_Function], _Function] = click.argument(
    "name", required=False, metavar="[NAME]", callback=_name_or_chosen, shell_complete=_names
)


def option(*names: str, variable: str, **settings: Any) -> Callable[[_Function], _Function]:
    """An option that the environment variable ``SANDKUBE_variable`` sets as well, and whose help says so."""
    return click.option(*names, envvar=f"SANDKUBE_{variable}", show_envvar=True, **settings)


def wait_option(text: str) -> Callable[[_Function], _Function]:
    """How long to wait for something to be Ready, by default for as long as a slow machine needs."""
    return option(
        "--wait",
        variable="WAIT",
        type=float,
        metavar="SECONDS",
        default=DEFAULT_WAIT,
        show_default=True,
        help=text,
    )


output_option: Callable[[_Function], _Function] = option(
    "-o",
    "--output",
    variable="OUTPUT",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people, or for programs.",
)

quiet_option: Callable[[_Function], _Function] = option(
    "-q", "--quiet", variable="QUIET", is_flag=True, help="Say nothing unless it is amiss."
)
