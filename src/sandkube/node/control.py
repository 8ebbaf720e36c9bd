"""Starting and ending the node of a cluster, and what is there of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandkube.errors import SandkubeError, StartFailed
from sandkube.node.configuration import Node, free_port, name_of, write
from sandkube.node.folder import NodeFolder
from sandkube.plane import listener, logs, process
from sandkube.plane.files import read_json, write_json
from sandkube.plane.folder import ClusterFolder
from sandkube.plane.process import Identity
from sandkube.runtime.found import Host
from sandkube.runtime.places import holder_of
from sandkube.runtime.tree import descendants

# Of the node: the kubelet listens there, for nobody but this machine.
ADDRESS: Final = listener.LOOPBACK

_TERM_SECONDS: Final = 15.0  # the kubelet, then the containers, then the keeper
_TAIL_LINES: Final = 8


@dataclass(frozen=True, slots=True)
class Found:
    """The node of a cluster: what it is called, and its keeper if that runs."""

    name: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class Described(Found):
    """All that there is to tell of the node of a cluster.

    ``host`` is what its keeper found that can be done here; None where it has not come to that.
    """

    address: str
    host: Host | None


def find(cluster: ClusterFolder) -> Found | None:
    """What is there of the node; None where the cluster never had one."""
    folder = NodeFolder.of(cluster)
    if not folder.config.exists():
        return None
    keeper = _keeper(folder)
    return Found(name_of(cluster.name), keeper.pid if keeper else None)


def described(cluster: ClusterFolder) -> Described | None:
    """All there is to tell of the node; None where the cluster never had one."""
    found = find(cluster)
    if found is None:
        return None
    folder = NodeFolder.of(cluster)
    host = None
    with contextlib.suppress(SandkubeError, TypeError):
        document = read_json(folder.host, remedy="")
        host = Host(**document) if document is not None else None
    return Described(found.name, found.pid, _told(folder).get("address", ""), host)


def start(cluster: ClusterFolder, *, url: str, services: str, binary: Path, parent_fd: int | None) -> None:
    """Have the cluster's node kept, by a process of its own. One that is kept as asked is left alone.

    ``url`` is where the API server answers, ``services`` the range of Services' addresses.
    """
    folder = NodeFolder.of(cluster)
    name = name_of(cluster.name)
    asked = {"url": url, "address": ADDRESS, "server": str(binary)}
    if _keeper(folder) is not None:
        if parent_fd is None and _told(folder) == asked:
            return
        stop(cluster)
    _end_holders(folder)
    write(cluster, Node(name, ADDRESS, free_port(), url, services), asked, parent_fd)
    with process.interrupts_deferred():
        child = process.spawn(
            [*process.python_module("sandkube.node.keeper"), f"--config={folder.config}"],
            folder=folder.path,
            stderr=folder.stderr,
            environ=process.environment(os.environ, ()),
            keep_fds=[] if parent_fd is None else [parent_fd],
        )
        document = {"version": 1, "pid": child.identity.pid, "started": child.identity.started}
        write_json(folder.run, document, sync=False)


def await_ready(cluster: ClusterFolder, url: str, seconds: float) -> None:
    """Wait until the node is Ready. StartFailed, with what its processes said, where it does not get so."""
    from sandkube.node.readiness import is_ready

    folder = NodeFolder.of(cluster)
    deadline = time.monotonic() + seconds
    name = name_of(cluster.name)
    if is_ready(cluster, url, name, deadline, lambda: _keeper(folder) is not None):
        return
    what = "was not Ready in time" if _keeper(folder) is not None else "ended"
    raise StartFailed(
        f"Node `{name}` {what}.",
        hint=f"sandkube down {cluster.name} && sandkube up {cluster.name} --no-node, to do without",
        tail="\n".join(_last_words(folder)) or None,
    )


def stop(cluster: ClusterFolder, *, at_once: bool = False) -> None:
    """End the node and all that runs on it, in order or ``at_once``. Fine where there is none."""
    folder = NodeFolder.of(cluster)
    if not folder.path.exists():
        return
    keeper = _keeper(folder)
    if keeper is not None:
        process.stop(keeper, term_seconds=0.0 if at_once else _TERM_SECONDS)
    folder.run.unlink(missing_ok=True)
    _end_holders(folder)
    if at_once:
        return
    for path in _folders(folder):  # what could not be removed while it was mounted
        with contextlib.suppress(OSError):
            shutil.rmtree(path / "files")


def _end_holders(folder: NodeFolder) -> None:
    """Kill the containers that nobody keeps any more: their keeper was killed."""
    found = [holder for path in _folders(folder) if (holder := holder_of(path)) is not None]
    living = [holder for holder in found if process.is_alive(holder)]
    for holder in living:
        _signal(holder.pid, signal.SIGSTOP)  # so that it starts nothing meanwhile
    pids = [holder.pid for holder in living]
    # where they have no namespace of processes, what a holder started outlives it
    for pid in (*descendants(*pids), *pids) if pids else ():
        _signal(pid, signal.SIGKILL)
    for holder in living:
        process.stop(holder, term_seconds=0.0)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _folders(folder: NodeFolder) -> Iterator[Path]:
    return iter(folder.containers.iterdir() if folder.containers.exists() else ())


def _keeper(folder: NodeFolder) -> Identity | None:
    try:
        document = read_json(folder.run, remedy="")
        found = Identity(int(document["pid"]), str(document["started"])) if document else None
    except (SandkubeError, KeyError, TypeError, ValueError):
        return None
    return found if found is not None and process.is_alive(found) else None


def _told(folder: NodeFolder) -> dict[str, str]:
    try:
        document = json.loads(folder.config.read_text(encoding="utf-8"))
        return {key: document[key] for key in ("url", "address", "server")}
    except (OSError, ValueError, KeyError):
        return {}


def _last_words(folder: NodeFolder) -> list[str]:
    return [
        *logs.outcry(folder.stderr, _TAIL_LINES),
        *logs.outcry(folder.path / "kubelet.err", _TAIL_LINES),
        *logs.gravest(folder.kubelet_log, _TAIL_LINES, behind=0),
    ]
