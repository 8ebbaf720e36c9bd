"""`sandkube kubeconfig`."""

from __future__ import annotations

import os
import shlex
import stat

import click

from sandkube.cli import output
from sandkube.cli.options import name_argument, option
from sandkube.errors import ClusterNotFound, UsageError


@click.command()
@name_argument
@option("--merge", is_flag=True, variable="KUBECONFIG_MERGE", help="Add the cluster to your own kubeconfig.")
@option("--use", is_flag=True, variable="KUBECONFIG_USE", help="With --merge: make it the current context.")
@option(
    "--unmerge",
    is_flag=True,
    variable="KUBECONFIG_UNMERGE",
    help="Remove it from there; also after the cluster was deleted.",
)
@option(
    "--path", is_flag=True, variable="KUBECONFIG_PATH", help="Print where the cluster's own kubeconfig is."
)
def kubeconfig(name: str, *, merge: bool, use: bool, unmerge: bool, path: bool) -> None:
    """Print a cluster's kubeconfig, or merge it into yours.

    Yours is what KUBECONFIG lists, or ~/.kube/config. Only entries that sandkube made are ever changed or
    removed.
    """
    if merge + unmerge + path > 1:
        raise UsageError("--merge, --unmerge and --path exclude one another.")
    if use and not merge:
        raise UsageError("--use goes with --merge.")
    if unmerge:
        _unmerge(name)
        return
    from sandkube.cluster import state

    file = state.existing(name).kubeconfig
    if not file.exists():
        raise ClusterNotFound(f"Cluster `{name}` was never started, so it has no kubeconfig.")
    if path:
        click.echo(file)
    elif merge:
        _merge(file.read_text(), use=use)
    else:
        click.echo(file.read_text(), nl=False)


def _merge(text: str, *, use: bool) -> None:
    from sandkube import kubeconfig as config
    from sandkube.config import state_dir

    done = config.merge(text, config.user_files(os.environ, own=state_dir()), use=use)
    for path in done.files:
        output.talk(f"Merged into {path}")
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            remedy = f"chmod go-rwx {shlex.quote(str(path))}"
            output.talk(f"Others can read it, and with it the cluster's key. Unless that is meant: {remedy}")
    if not done.current:
        output.talk("The current context is another one, and stays; --use changes it.")


def _unmerge(name: str) -> None:
    from sandkube import kubeconfig as config
    from sandkube.config import check_name, state_dir

    changed = config.unmerge(check_name(name), config.user_files(os.environ, own=state_dir()))
    for path in changed:
        output.talk(f"Removed from {path}")
    if not changed:
        output.talk(f"Your kubeconfig has no entries of cluster `{name}`.")
