"""`sandkube list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sandkube.cli import output
from sandkube.cli.options import output_option

if TYPE_CHECKING:
    from sandkube.cluster import Status


@click.command(name="list")
@output_option
def list_(output: str) -> None:
    """List the clusters of this user."""
    from sandkube import cluster

    cluster.sweep()
    print_list(cluster.list_clusters(), output)


def print_list(found: Sequence[Status], form: str) -> None:
    """The clusters on stdout, as a table or as JSON."""
    if form == "json":
        output.print_json({"clusters": [asdict(one) for one in found]})
        return
    if not found:
        output.talk("There are no clusters. `sandkube up` makes one.")
        return
    table = [("NAME", "STATE", "PORT", "PID", "DURABILITY")]
    table += [
        (one.name, one.state, str(one.port or "-"), str(one.pid or "-"), one.durability or "-")
        for one in found
    ]
    output.print_table(table)
