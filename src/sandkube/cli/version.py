"""`sandkube version`."""

from __future__ import annotations

import platform

import click

from sandkube import __version__
from sandkube.cli import output
from sandkube.cli.options import output_option
from sandkube.errors import SandkubeError


@click.command()
@output_option
def version(output: str) -> None:
    """Print the versions of sandkube and of its server."""
    print_version(output)


def print_version(form: str) -> None:
    """The versions on stdout, as text or as JSON; a server that is not there yet is no fault."""
    from sandkube.server import locate
    from sandkube.server import version as version_of

    found, origin = None, None
    try:
        server = locate()
        found, origin = version_of(server).to_json(), f"{server.binary} ({server.origin})"
    except SandkubeError as error:
        output.talk(error.message)
    if form == "json":
        output.print_json({"sandkube": __version__, "python": platform.python_version(), "server": found})
        return
    click.echo(f"sandkube: {__version__} (Python {platform.python_version()})")
    if found:
        click.echo(f"server: {origin}")
        for name, value in found.items():
            click.echo(f"{name}: {value}")
