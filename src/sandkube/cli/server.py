"""`sandkube server`: where the server binary is, and building, installing and removing one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandkube.cli import output
from sandkube.cli.options import output_option

if TYPE_CHECKING:
    from sandkube.server.listing import Listed

_MB = 10**6


@click.group()
def server() -> None:
    """Find, build, install and remove the server binary.

    The binary `sandkube-server` is the control plane, and kubectl and helm. It is looked for at the path in
    SANDKUBE_SERVER, in the installed distribution `sandkube-server`, in the cache, and, in a checkout of
    sandkube, it is built from its Go source on first need.
    """


@server.command()
def path() -> None:
    """Print the path of the binary in use."""
    from sandkube.server import locate

    click.echo(locate().binary)


@server.command()
@output_option
def version(output: str) -> None:
    """Print the versions of what the binary is made of."""
    from sandkube.server import locate
    from sandkube.server import version as version_of

    _print_version(version_of(locate()).to_json(), output)


@server.command(name="list")
@output_option
@click.option("--verify", is_flag=True, help="Compare the SHA-256 of the cached ones with the recorded one.")
@click.pass_context
def list_(context: click.Context, output: str, verify: bool) -> None:  # noqa: FBT001 -- as click calls it
    """List the servers on this machine.

    `*` marks the one in use: clusters are started with it. With --verify the exit status is 1 if one is
    damaged.
    """
    from sandkube.server.listing import listed

    found = listed(verify=verify)
    _print_list(found, output)
    if verify and any(item.fault for item in found):
        context.exit(1)


@server.command()
@click.option("--force", is_flag=True, help="Build although there is a binary of this source.")
def build(force: bool) -> None:  # noqa: FBT001 -- as click calls it
    """Build the binary from this checkout's Go source.

    Takes minutes the first time and seconds later; what it needs is said beforehand.
    """
    from sandkube.errors import ServerNotFound
    from sandkube.server import checkout
    from sandkube.server.build import build as build_server

    source = checkout.find()
    if source is None:
        raise ServerNotFound(
            "This sandkube does not run from a checkout, so there is no Go source to build.",
            hint="sandkube server install FILE",
        )
    click.echo(build_server(source, output.talk, force=force).binary)


@server.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
def install(file: Path) -> None:
    """Put FILE into the cache, and use it from now on.

    FILE is a sandkube-server wheel, a binary, or a folder with binary and template. It goes before what a
    checkout builds; `sandkube server remove` takes it out again.
    """
    from sandkube.server.install import install as install_server

    click.echo(install_server(file, output.talk).binary)


@server.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def remove(names: tuple[str, ...]) -> None:
    """Remove servers from the cache.

    They go by the names that `list` shows; without a name, everything goes that the cache holds. Clusters
    that run are not disturbed.
    """
    from sandkube.server.listing import remove as remove_servers

    gone = remove_servers(names, output.talk)
    for folder in gone:
        output.talk(f"Removed {folder}")
    if not gone:
        output.talk("The cache holds no server.")


def _print_version(found: dict[str, Any], form: str) -> None:
    if form == "json":
        output.print_json({"server": found})
        return
    for name, value in found.items():
        click.echo(f"{name}: {value}")


def _print_list(found: list[Listed], form: str) -> None:
    if form == "json":
        output.print_json({"servers": [_as_json(item) for item in found]})
    elif found:
        _print_table(found)
    else:
        output.talk("There are no servers. In a checkout `sandkube server build` makes one.")


def _as_json(item: Listed) -> dict[str, Any]:
    return {
        "name": item.name,
        "origin": item.origin,
        "path": str(item.path),
        "template": str(item.template) if item.template else None,
        "version": item.version.to_json() if item.version else None,
        "bytes": item.size,
        "sha256": item.sha256,
        "used": item.used,
        "fault": item.fault,
    }


def _print_table(found: list[Listed]) -> None:
    rows = [("", "NAME", "VERSION", "SIZE", "STATE", "ORIGIN")]
    for item in found:
        size = f"{item.size // _MB} MB" if item.size is not None else "-"
        number = item.version.version if item.version else "-"
        state = item.fault or ("ok" if item.template else "ok, no template")
        rows.append(("*" if item.used else "", item.name or "-", number, size, state, item.origin))
    output.print_table(rows)
