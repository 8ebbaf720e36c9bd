"""Ending clusters: `down`, `delete`, and removing what throw-away clusters and broken-off removals left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sandkube import kubeconfig
from sandkube.cluster import nodes, state
from sandkube.cluster.report import SILENT, Report
from sandkube.config import ClusterSpec, state_dir
from sandkube.distributions import distribution
from sandkube.errors import StateCorrupt, StateUnusable
from sandkube.node.folder import NodeFolder
from sandkube.plane import datastore_socket, process
from sandkube.plane.folder import ClusterFolder, all_folders, remove_doomed
from sandkube.plane.lock import datastore_is_held, locked, locked_at_once
from sandkube.plane.process import Stop

# The server stops its parts one after the other and closes its datastore, within a second as a rule.
TERM_SECONDS = 10.0
LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Down:
    """What `down` did: how the server ended, None if none ran."""

    name: str
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class Deleted:
    """What `delete` did; the user's kubeconfigs that still name the cluster, and a folder that it left."""

    name: str
    stop: Stop | None
    merged_into: tuple[Path, ...]
    left: Path | None = None


def down(name: str, *, report: Report = SILENT) -> Down:
    """End the server of a cluster; its objects, port and kubeconfig stay. Fine if none runs.

    ClusterNotFound, Locked.
    """
    sweep()
    folder = state.existing(name)
    with locked(folder, LOCK_SECONDS, report.step):
        return Down(name, stop_server(folder, report))


def delete(name: str, *, report: Report = SILENT) -> Deleted:
    """End the server of a cluster and remove the cluster with all its objects. ClusterNotFound, Locked."""
    sweep()
    folder = state.existing(name)
    with locked(folder, LOCK_SECONDS, report.step):
        spec = _spec(folder)
        # The data folder that the user named may hold more than the cluster, so it stays.
        left = Path(spec.data_dir) if spec and spec.data_dir else None
        # What nobody will read again need not be closed in good order, which takes the better part of a
        # second.
        at_once = spec is not None and left is None and distribution(spec.distribution).MAY_BE_KILLED
        stop = stop_server(folder, report, term_seconds=0.0 if at_once else TERM_SECONDS)
        folder.remove()
    try:
        files = kubeconfig.user_files(os.environ, own=state_dir())
    except StateUnusable:  # a user without a home folder has no kubeconfig
        files = []
    return Deleted(name, stop, tuple(kubeconfig.merged_into(name, files)), left)


def _spec(folder: ClusterFolder) -> ClusterSpec | None:
    try:
        return state.read_spec(folder)
    except StateCorrupt:
        return None


def stop_server(
    folder: ClusterFolder, report: Report = SILENT, term_seconds: float = TERM_SECONDS
) -> Stop | None:
    """End what serves ``folder`` and remove what says that something does. Only while holding the lock."""
    living = state.find_server(folder, state.observe_anyhow).process
    stop = None
    if NodeFolder.of(folder).path.exists():
        report.step("Stopping the node")
        # before the server, which waits for its watches to end
        nodes.stop(folder, at_once=term_seconds == 0)
    if living is not None:
        report.step(f"Stopping cluster `{folder.name}`")
        stop = process.stop(living, term_seconds=term_seconds)
    folder.run.unlink(missing_ok=True)
    datastore_socket.remove_old(folder)
    return stop


def sweep() -> None:
    """Remove throw-away clusters whose Python process is gone, and the rest of broken-off removals."""
    root = state_dir()
    remove_doomed(root)
    for folder in all_folders(root):
        if folder.name.startswith(state.THROW_AWAY) and not _wanted(folder):
            with locked_at_once(folder) as held:
                if held and not _wanted(folder) and not _is_served(folder):
                    datastore_socket.remove_old(folder)
                    folder.remove()
                    folder.lock.unlink(missing_ok=True)  # nobody waits for it: its name was used once


def _is_served(folder: ClusterFolder) -> bool:
    return state.observe_anyhow(folder).process is not None or datastore_is_held(folder)


def _wanted(folder: ClusterFolder) -> bool:
    owner = state.read_owner(folder)
    return owner is not None and process.is_alive(owner)
