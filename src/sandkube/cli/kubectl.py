"""`sandkube kubectl`."""

from __future__ import annotations

import click

from sandkube.cli.clients import PassThrough, become


@click.command(cls=PassThrough, add_help_option=False)
@click.pass_context
def kubectl(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Run kubectl against a cluster.

    It is upstream's kubectl, of the server's version. `sandkube --cluster NAME kubectl …` names the cluster.
    """
    become(context, "kubectl", arguments)
