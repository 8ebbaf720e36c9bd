"""Becoming kubectl or helm: the process is replaced, so pipes, signals and `<(…)` are the client's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from sandkube.cli import invocation, output
from sandkube.errors import ServerNotFound


class PassThrough(click.Command):
    """A command that takes everything behind its name as it is, ``--help`` and ``--`` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look at nothing."""
        ctx.params["arguments"] = tuple(args)
        return []


def become(context: click.Context, client: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process with ``client``, pointed at the chosen cluster."""
    from sandkube.cluster import state

    name = str(context.obj)
    folder = state.folder_of(name)
    if folder.exists():
        folder.check()  # what lies in it is about to be run
    if not (folder.exists() and state.observe(folder).state == "running"):
        # No reason to stop: `helm template` and `kubectl --help` need no cluster.
        command = invocation.with_name(f"{invocation.words()} up", name)
        output.talk(f"(Cluster `{name}` is not running; to start it: {command})")
    binary = _binary(folder.bin / client)
    try:
        os.execve(binary, [client, *arguments], folder.clients_environ(os.environ))  # noqa: S606 -- no shell is wanted
    except OSError as error:
        raise ServerNotFound(f"`{binary}` cannot be run: {error.strerror}.") from error


def _binary(link: Path) -> Path:
    """The binary that answers as the client: the one the cluster was started with, or else the one found."""
    if link.exists():
        return link.resolve()
    from sandkube.server import ensure

    return ensure(output.talk).binary
