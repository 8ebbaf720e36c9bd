"""`sandkube status`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sandkube.cli import output
from sandkube.cli.options import name_argument, output_option

if TYPE_CHECKING:
    from sandkube.cluster import Status

_LABEL = 14
_NO_NODES = "none, so pods stay Pending: no logs, no exec, no endpoints (docs: how-to/gvisor)"


@click.command()
@name_argument
@output_option
@click.pass_context
def status(context: click.Context, name: str, output: str) -> None:
    """Show a cluster as it is now.

    The exit status is 0 if it is running, and 1 if it is not.
    """
    from sandkube import cluster

    found = cluster.status(name)
    print_status(found, output)
    context.exit(0 if found.running else 1)


def print_status(found: Status, form: str) -> None:
    """The status on stdout, as text or as JSON."""
    if form == "json":
        output.print_json(asdict(found))
        return
    for label, value in rows(found):
        click.echo(f"{label + ':':<{_LABEL}} {value}")
    for line in found.log_tail:
        click.echo(f"  | {line}")


def _nodes(found: Status) -> str | None:
    if found.node is None:
        return _NO_NODES if found.running else None
    kept = f"kept by pid {found.node_pid}" if found.node_pid else "not running"
    return f"{found.node}, where pods are processes of this user ({kept})"


def rows(found: Status) -> list[tuple[str, str]]:
    """What the text says, label by label; what is not known is left out."""
    server = f"{found.url} (pid {found.pid})" if found.url else None
    since = f"{found.ready_since}, after {found.ready_seconds:.2f} s" if found.ready_seconds else None
    said = [
        ("cluster", found.name),
        ("state", found.state),
        ("reason", found.reason),
        ("server", server),
        ("Ready since", since),
        ("port", None if server else found.port and f"{found.port} when it runs"),
        ("distribution", found.distribution if found.distribution != "embedded" else None),
        *found.details.items(),
        ("nodes", _nodes(found)),
        ("durability", found.durability),
        ("context", found.context),
        ("kubeconfig", str(found.kubeconfig)),
        ("folder", str(found.folder)),
        ("last event", None if found.running else found.last_event),
    ]
    return [(label, value) for label, value in said if value]
