"""The process node of a cluster: having one, and giving it up again.

`start` and `stop` of this package call the lower half for clusters that have one; `add` and `remove` are for
a cluster that runs.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from sandkube.cluster import state
from sandkube.cluster.report import SILENT, Report
from sandkube.config import DEFAULT_WAIT, ClusterSpec, state_dir
from sandkube.distributions import distribution
from sandkube.errors import SandkubeError, UsageError
from sandkube.node.folder import NodeFolder
from sandkube.plane import process
from sandkube.plane.folder import ClusterFolder, all_folders
from sandkube.plane.lock import locked
from sandkube.server import Server, ensure

if TYPE_CHECKING:
    from sandkube.node.control import Described

Part = Literal["kubelet", "runtime"]

LOCK_SECONDS: Final = 60.0
_CLIENT_SECONDS: Final = 30


def refuse_where_none_can_be(folder: ClusterFolder, spec: ClusterSpec) -> None:
    """UsageError for a cluster that is to have a node, where none can be had."""
    if spec.node and NodeFolder.of(folder).is_too_deep:
        raise UsageError(
            f"The path of {folder.path} is too long for a node: its kubelet opens a socket in there.",
            hint="take a shorter name, or a shorter folder: export SANDKUBE_STATE_DIR=/some/folder",
        )
    if spec.node and sys.platform != "linux":
        raise UsageError(
            "A node needs Linux: its containers are made of Linux' namespaces.",
            hint=f"do without: sandkube up {spec.name} --no-node",
        )


def start(folder: ClusterFolder, spec: ClusterSpec, port: int, server: Server, parent_fd: int | None) -> None:
    """Start the node of a cluster whose server is at ``port``; it waits for the server itself."""
    from sandkube.node import control  # slow to load, and seldom needed

    control.start(
        folder,
        url=state.url(port),
        services=distribution(spec.distribution).service_range(spec),
        binary=server.binary,
        parent_fd=parent_fd,
    )


def await_ready(folder: ClusterFolder, port: int, seconds: float, report: Report) -> None:
    """Wait until the node is Ready. StartFailed, with what its processes said, where it does not get so."""
    from sandkube.node import control

    report.step("Waiting for the node")
    control.await_ready(folder, state.url(port), seconds)


def stop(folder: ClusterFolder, *, at_once: bool = False) -> None:
    """End the node and all that runs on it, in order or ``at_once``. Fine where there is none."""
    if NodeFolder.of(folder).path.exists():
        from sandkube.node import control

        control.stop(folder, at_once=at_once)


def add(name: str, *, wait: float = DEFAULT_WAIT, report: Report = SILENT) -> bool:
    """Give a running cluster a node, and wait until it is Ready; from now on `up` starts it as well.

    False where it runs already. ClusterNotFound, UsageError, StartFailed, Locked.
    """
    folder = state.existing(name)
    with locked(folder, wait + LOCK_SECONDS, report.step):
        spec, run = _running(folder)
        wanted = replace(spec, node=True)
        refuse_where_none_can_be(folder, wanted)
        wanted = distribution(spec.distribution).settle(wanted, spec, folder)
        found = _described(folder)
        if spec.node and found is not None and found.pid is not None:
            return False
        begun = time.monotonic()
        try:
            state.write_spec(folder, wanted)
            start(folder, wanted, run.port, ensure(report.say), None)
            await_ready(folder, run.port, wait - (time.monotonic() - begun), report)
        except BaseException:
            with process.interrupts_deferred():
                stop(folder, at_once=True)
                state.write_spec(folder, spec)
            raise
    return True


def remove(name: str, *, report: Report = SILENT) -> bool:
    """Take the node from a cluster with all that runs on it; its object goes, too, where the server runs.

    False where there is none. ClusterNotFound, Locked, SandkubeError where the object cannot be removed.
    """
    folder = state.existing(name)
    with locked(folder, LOCK_SECONDS, report.step):
        spec = state.read_spec(folder)
        found = _described(folder)
        if spec is None or found is None or not spec.node:
            return False
        report.step("Stopping the node")
        stop(folder)
        state.write_spec(folder, replace(spec, node=False))
        if state.observe(folder).state == "running":
            _remove_object(folder, found.name)
    return True


def listed() -> list[tuple[str, Described]]:
    """The process nodes of all clusters of this user, by the clusters' names."""
    found = []
    for folder in all_folders(state_dir()):
        spec = None
        with contextlib.suppress(SandkubeError):  # `list` tells of a cluster that cannot be read
            spec = state.read_spec(folder)
        one = _described(folder) if spec is not None and spec.node else None
        if one is not None:
            found.append((folder.name, one))
    return found


def log_of(name: str, part: Part) -> tuple[Path, Callable[[], bool]]:
    """Where the log of a part of the node is, and what tells whether the node runs.

    UsageError where the cluster never had a node.
    """

    def runs() -> bool:
        found = _described(folder)
        return found is not None and found.pid is not None

    folder = state.existing(name)
    if _described(folder) is None:
        raise UsageError(f"Cluster `{name}` has no node.", hint=f"sandkube node add {name}")
    node = NodeFolder.of(folder)
    return (node.kubelet_log if part == "kubelet" else node.runtime_log), runs


def _described(folder: ClusterFolder) -> Described | None:
    from sandkube.node import control

    return control.described(folder)


def _running(folder: ClusterFolder) -> tuple[ClusterSpec, state.Run]:
    found = state.find_server(folder)
    spec = state.read_spec(folder)
    if found.state != "running" or found.run is None or spec is None:
        raise UsageError(
            f"Cluster `{folder.name}` is not running.", hint=f"sandkube up {folder.name} --node starts both"
        )
    return spec, found.run


def _remove_object(folder: ClusterFolder, node: str) -> None:
    """Remove the Node and the pods that are bound to it, which nobody else would see end."""
    commands = (
        ["delete", "node", node, "--ignore-not-found"],
        [
            "delete",
            "pods",
            "--all-namespaces",
            f"--field-selector=spec.nodeName={node}",
            "--force",
            "--wait=false",
        ],
    )
    for command in commands:
        done = subprocess.run(
            [str(folder.kubectl), f"--request-timeout={_CLIENT_SECONDS}s", *command],
            env=folder.clients_environ(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SandkubeError(
                f"The node's processes have ended, but its object `{node}` is still there.",
                hint=f"sandkube kubectl delete node {node}",
                tail=done.stderr.strip() or None,
            )
