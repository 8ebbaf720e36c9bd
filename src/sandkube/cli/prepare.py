"""`sandkube prepare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sandkube.cli import output as out
from sandkube.cli.options import option, output_option

if TYPE_CHECKING:
    from sandkube.setup.preparing import Ready

_LABEL = 10


@click.command()
@option(
    "--check",
    variable="PREPARE_CHECK",
    is_flag=True,
    help="Change nothing: say what there is, with status 1 if that is not all.",
)
@click.option(
    "--k3s",
    is_flag=True,
    help="Have a k3s as well: that of SANDKUBE_K3S, PATH or the cache, or else one that is fetched.",
)
@output_option
@click.pass_context
def prepare(context: click.Context, *, check: bool, k3s: bool, output: str) -> None:
    """Make ready all that a start needs, so that later ones need no network.

    For images and caches of CI. In a checkout without a server it is built, which takes minutes the first
    time. Says what to keep, and the key to keep it under, which is the same before there is anything.
    """
    from sandkube.setup import preparing

    install = _install_k3s if k3s else None
    found = preparing.look(k3s=k3s) if check else preparing.prepare(out.talk, install)
    if output == "json":
        out.print_json(as_json(found))
    else:
        _print(found)
    context.exit(0 if found.ready else 1)


def as_json(found: Ready) -> dict[str, Any]:
    """What was found, as JSON wants it."""
    server = found.server
    return {
        "ready": found.ready,
        "server": server and str(server.binary),
        "origin": server and server.origin,
        "template": server and server.template and str(server.template),
        "versions": found.version.to_json() if found.version else None,
        "k3s": found.k3s and str(found.k3s),
        "cache": {"key": found.key, "paths": [str(path) for path in found.paths]},
        "missing": list(found.missing),
        "notes": list(found.notes),
    }


def _print(found: Ready) -> None:
    server = found.server
    version = f" ({found.version.version}, {server.origin})" if found.version and server else ""
    rows = [
        ("ready", "yes" if found.ready else "no"),
        ("server", f"{server.binary}{version}" if server else None),
        ("template", str(server.template) if server and server.template else None),
        ("k3s", str(found.k3s) if found.k3s else None),
        ("cache key", found.key),
        *(("keep", str(path)) for path in found.paths),
        *(("missing", sentence) for sentence in found.missing),
        *(("note", sentence) for sentence in found.notes),
    ]
    for label, value in rows:
        if value is not None:
            click.echo(f"{label + ':':<{_LABEL}} {value}")


def _install_k3s() -> None:
    from sandkube.k3s.install import install

    install(None, _Lines())


class _Lines:
    """Tells how an install goes on, a line each time."""

    def step(self, text: str) -> None:
        """Say what is being done now."""
        out.talk(text)

    def say(self, text: str) -> None:
        """Say what is amiss."""
        out.talk(text)

    def received(self, count: int, total: int | None) -> None:
        """Say nothing: it takes some seconds."""
