"""`sandkube delete`."""

from __future__ import annotations

import click

from sandkube.cli import invocation, output
from sandkube.cli.options import name_argument, quiet_option


@click.command()
@name_argument
@quiet_option
def delete(name: str, *, quiet: bool) -> None:
    """Stop a cluster and remove it with all its objects.

    Its certificates, its kubeconfig and its log go with it. There is no way back.
    """
    from sandkube import cluster

    with output.Teller(quiet=quiet) as teller:
        done = cluster.delete(name, report=teller)
        if not quiet:
            teller.say(f"Cluster `{name}` is deleted.")
        for path in done.merged_into:
            command = invocation.with_name(f"{invocation.words()} kubeconfig --unmerge", name)
            teller.say(f"{path} still names it; to remove that: {command}")
        if done.left is not None:
            teller.say(f"Its objects are in the data folder that was named for it, which stays: {done.left}")
