"""The command line: one file per command, loaded when it is called.

A command reads its options, calls one function of the layer below, and prints: data on stdout, talk on
stderr.
"""

from __future__ import annotations

from typing import NoReturn

import click

from sandkube import __version__
from sandkube.cli.lazy import LazyGroup
from sandkube.config import DEFAULT_NAME, ENV_CLUSTER

__all__ = ["cli", "main"]

# The commands in the order of --help, each with its one line there: `sandkube --help` loads none of them.
COMMANDS = {
    "up": "Start a cluster, and wait until it is Ready.",
    "down": "Stop a cluster; what is in it stays.",
    "status": "Show a cluster as it is now.",
    "list": "List the clusters of this user.",
    "delete": "Stop a cluster and remove it with all its objects.",
    "logs": "Print the log of a cluster's server.",
    "env": "Print what a shell needs to use a cluster with plain kubectl and helm.",
    "shell": "Open a shell in which kubectl and helm use a cluster.",
    "kubeconfig": "Print a cluster's kubeconfig, or merge it into yours.",
    "kubectl": "Run kubectl against a cluster.",
    "helm": "Run helm against a cluster.",
    "node": "Give a cluster a node on which pods run, and take it away again.",
    "image": "Bring images to a cluster's node, list and remove them.",
    "validate": "Judge manifests, charts and kustomizations by a real API server.",
    "server": "Find, build, install and remove the server binary.",
    "k3s": "Find, install and remove the k3s binary, for the distribution k3s.",
    "setup": "Have a coding sandbox, a dev container or a workflow start a cluster.",
    "prepare": "Make ready all that a start needs, so that later ones need no network.",
    "doctor": "Look for what keeps sandkube from working well here.",
    "version": "Print the versions of sandkube and of its server.",
    "completion": "Print a script that completes sandkube's commands in a shell.",
}


@click.command(
    cls=LazyGroup,
    commands_help=COMMANDS,
    package=__name__,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--cluster",
    metavar="NAME",
    envvar=ENV_CLUSTER,
    show_envvar=True,
    default=DEFAULT_NAME,
    show_default=True,
    help="The cluster that a command is about, where it names none itself.",
)
@click.version_option(__version__, prog_name="sandkube")
@click.pass_context
def cli(context: click.Context, cluster: str) -> None:
    """Run a real Kubernetes control plane wherever Python runs: no root, no Docker, no CNI.

    `sandkube up` starts one; `eval "$(sandkube env)"` gives this shell kubectl and helm for it.
    """
    context.obj = cluster


def main() -> NoReturn:
    """Run the command line and end the process.

    Its status: 0 fine, 1 findings, 2 could not do it or misuse, 130 interrupted.
    """
    from sandkube.cli.run import run

    run(cli)
