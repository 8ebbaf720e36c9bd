"""`sandkube down`."""

from __future__ import annotations

import click

from sandkube.cli import output
from sandkube.cli.options import name_argument, quiet_option
from sandkube.plane.process import Stop


@click.command()
@name_argument
@quiet_option
def down(name: str, *, quiet: bool) -> None:
    """Stop a cluster; what is in it stays.

    Its port and its kubeconfig stay too: `sandkube up` goes on where this left off.
    """
    from sandkube import cluster

    with output.Teller(quiet=quiet) as teller:
        done = cluster.down(name, report=teller)
        if not quiet:
            teller.say(f"Cluster `{name}` {stopped_words(done.stop)}.")


def stopped_words(stop: Stop | None) -> str:
    """How a server ended, as the rest of a sentence."""
    if stop is None or stop.how == "gone":
        return "was not running"
    if stop.how == "killed":
        return f"did not stop by itself, and was killed after {stop.seconds:.1f} s"
    return f"stopped after {stop.seconds:.1f} s"
