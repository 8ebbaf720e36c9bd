"""`sandkube shell`."""

from __future__ import annotations

import os

import click

from sandkube.cli import env, invocation, output
from sandkube.cli.options import name_argument
from sandkube.errors import ClusterNotRunning, UsageError


@click.command()
@name_argument
def shell(name: str) -> None:
    """Open a shell in which kubectl and helm use a cluster.

    `exit` leaves it; the cluster goes on.
    """
    from sandkube.cluster import state

    found = state.status(name)
    if not found.running:
        hint = invocation.with_name(f"{invocation.words()} up", name)
        raise ClusterNotRunning(f"Cluster `{name}` is {found.state}.", hint=hint)
    program = os.environ.get("SHELL") or "/bin/sh"
    before, behind = env.path_with(os.environ.get("PATH", ""), found.folder / "bin")
    path = os.pathsep.join(part for part in (before, os.environ.get("PATH", ""), behind) if part)
    kept = {key: value for key, value in os.environ.items() if key not in env.unset(os.environ)}
    environ = {**kept, **env.settings(name), "PATH": path}
    output.talk(f"kubectl and helm use cluster `{name}` here; `exit` leaves this shell.")
    try:
        os.execve(program, [program], environ)  # noqa: S606 -- the person's own shell
    except OSError as error:
        raise UsageError(
            f"The shell `{program}` cannot be run: {error.strerror}.", hint="export SHELL=/bin/sh"
        ) from error
