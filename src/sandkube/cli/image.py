"""`sandkube image`: the images that containers of a cluster's node are made of."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandkube.cli import output
from sandkube.cli.options import output_option

if TYPE_CHECKING:
    from sandkube.runtime.images.store import Stored

_KB, _MB = 10**3, 10**6
_SHORT_ID = len("sha256:") + 12


@click.group()
def image() -> None:
    """Bring images to a cluster's node, list and remove them.

    Containers of images that are not here run their command on this system's own files. The cluster is that
    of `sandkube --cluster NAME image …`.
    """


@image.command()
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.pass_obj
def load(cluster: str, name: str, path: Path) -> None:
    """Have containers of the image NAME made of what is at PATH.

    PATH is a root file system in a folder, which is used where it lies; or an OCI layout, as a folder or an
    archive; or what `docker save` or `docker export` wrote. Prints the image's id.
    """
    from sandkube.cluster import images

    with output.Teller() as teller:
        teller.step(f"Loading {name} from {path}")
        loaded = images.load(cluster, name, path)
    click.echo(loaded.id)


@image.command(name="list")
@output_option
@click.pass_obj
def list_(cluster: str, output: str) -> None:
    """List the images that were loaded."""
    from sandkube.cluster import images

    _print_list(images.listed(cluster), output)


@image.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_obj
def remove(cluster: str, names: tuple[str, ...]) -> None:
    """Forget images, by name or id, with all their names, and remove what was unpacked of them."""
    from sandkube.cluster import images

    for name in names:
        output.talk(f"Removed {images.remove(cluster, name).id}")


def _print_list(found: list[Stored], form: str) -> None:
    if form == "json":
        output.print_json({"images": [_document(one) for one in found]})
        return
    if not found:
        output.talk("No image was loaded. `sandkube image load NAME PATH` loads one.")
        return
    rows = [("NAME", "ID", "SIZE", "FROM")]
    for one in found:
        names = _short_names(one) or ["-"]
        size = f"{max(1, one.size // _KB)} kB" if one.size < _MB else f"{one.size // _MB} MB"
        rows += [(name, one.id[:_SHORT_ID], size if one.size else "-", one.source) for name in names]
    output.print_table(rows)


def _short_names(one: Stored) -> list[str]:
    from sandkube.runtime.images.names import short

    return [short(name) for name in one.names]


def _document(one: Stored) -> dict[str, object]:
    loaded = dt.datetime.fromtimestamp(one.loaded, dt.timezone.utc)
    return {
        "id": one.id,
        "names": one.names,
        "bytes": one.size,
        "source": one.source,
        "root": one.root,
        "loaded": loaded.isoformat(timespec="seconds"),
    }
