"""`sandkube node`: the process node of a cluster."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sandkube.cli import output
from sandkube.cli.logs import follow_option, print_log, since_option, tail_option
from sandkube.cli.options import name_argument, option, output_option, wait_option
from sandkube.errors import UsageError

if TYPE_CHECKING:
    from sandkube.cluster.nodes import Part
    from sandkube.node.control import Described


@click.group()
def node() -> None:
    """Give a cluster a node on which pods run, and take it away again.

    Its pods are processes of this user, in namespaces of their own where the system lets them have some. That
    keeps them apart from one another; it is no boundary that a hostile program could not cross.
    """


@node.command()
@name_argument
@wait_option("How long to wait until it is Ready.")
def add(name: str, *, wait: float) -> None:
    """Give a running cluster a node, and wait until it is Ready.

    From then on it is started with the cluster, as by `sandkube up --node`.
    """
    from sandkube.cluster import nodes

    if wait <= 0:
        raise UsageError("--wait takes a number of seconds above 0.")
    with output.Teller() as teller:
        added = nodes.add(name, wait=wait, report=teller)
    output.talk(f"Cluster `{name}` has a node." if added else f"Cluster `{name}` has a node already.")


@node.command()
@name_argument
def remove(name: str) -> None:
    """End the node of a cluster and all pods on it, and start it no more."""
    from sandkube.cluster import nodes

    with output.Teller() as teller:
        removed = nodes.remove(name, report=teller)
    output.talk(f"Cluster `{name}` has no node {'any more' if removed else ''}".rstrip() + ".")


@node.command(name="list")
@output_option
def list_(output: str) -> None:
    """List the process nodes of this user's clusters, and what this system lets them do."""
    from sandkube.cluster import nodes

    _print_list(nodes.listed(), output)


@node.command()
@name_argument
@option(
    "--part",
    variable="NODE_PART",
    type=click.Choice(["kubelet", "runtime"]),
    default="kubelet",
    show_default=True,
    help="Whose log: the kubelet's, or that of the runtime, which makes the containers.",
)
@follow_option
@since_option
@tail_option
def logs(name: str, *, part: Part, follow: bool, since: str | None, tail: int | None) -> None:
    """Print the log of a node."""
    from sandkube.cluster import nodes

    path, runs = nodes.log_of(name, part)
    print_log(path, follow=follow, since=since, tail=tail, ended=lambda: not runs())


def _print_list(found: list[tuple[str, Described]], form: str) -> None:
    if form == "json":
        documents = [{"cluster": cluster, **asdict(one)} for cluster, one in found]
        output.print_json({"nodes": documents})
        return
    if not found:
        output.talk("No cluster has a node. `sandkube node add` gives one to a cluster that runs.")
        return
    rows = [("CLUSTER", "NODE", "STATE", "PID", "ADDRESS", "FILES", "PROCESSES", "USERS")]
    for cluster, one in found:
        host = one.host
        words = (
            ("-", "-", "-")
            if host is None
            else (host.own_root, "own" if host.own_pids else "shared", "one" if host.users else "all")
        )
        state = "running" if one.pid is not None else "stopped"
        rows.append((cluster, one.name, state, str(one.pid or "-"), one.address or "-", *words))
    output.print_table(rows)
