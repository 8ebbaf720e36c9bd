"""`sandkube helm`."""

from __future__ import annotations

import click

from sandkube.cli.clients import PassThrough, become


@click.command(cls=PassThrough, add_help_option=False)
@click.pass_context
def helm(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Run helm against a cluster.

    It is upstream's helm. `sandkube --cluster NAME helm …` names the cluster.
    """
    become(context, "helm", arguments)
