"""Images of a cluster's node: bringing them along, listing and forgetting them. The node need not run."""

from __future__ import annotations

from pathlib import Path

from sandkube.cluster import state
from sandkube.node.folder import NodeFolder
from sandkube.runtime.images.store import Store, Stored
from sandkube.runtime.places import images_in_use


def load(cluster: str, name: str, path: Path) -> Stored:
    """Have containers of the image ``name`` made of what is at ``path``.

    A root file system in a folder, which is used where it lies; an OCI layout, as a folder or an archive;
    what `docker save` or `docker export` wrote. ClusterNotFound, UsageError for what is none of these.
    """
    return _store(cluster, make=True).load(name, path)


def listed(cluster: str) -> list[Stored]:
    """All images, by their names. ClusterNotFound."""
    return _store(cluster).all()


def remove(cluster: str, name: str) -> Stored:
    """Forget an image. ClusterNotFound, UsageError where there is none, or where a container has it."""
    node = NodeFolder.of(state.existing(cluster))
    return _store(cluster, make=True).remove(name, images_in_use(node.containers))


def _store(cluster: str, *, make: bool = False) -> Store:
    node = NodeFolder.of(state.existing(cluster))
    if make:
        node.create()
    return Store(node.images)
