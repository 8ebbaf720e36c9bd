"""Whether pods could run here, on a process node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.plane import process
from sandkube.runtime.found import Host

_SECONDS: Final = 20.0

NONE: Final = Kind(
    "no-namespaces",
    "problem",
    "No node can be had",
    "A pod's containers are processes in namespaces of their own. Without them clusters work, and pods stay "
    "Pending.",
    "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000  # as root, on the host",
)
SHARED: Final = Kind(
    "shared-files",
    "note",
    "Pods write to this system's own files",
    "No overlay can be laid over the root folder here, so a container without an image sees the files "
    "themselves, and what it writes to them stays written, as far as this user may. Folders of clusters are "
    "hidden from it.",
    "sandkube image load NAME PATH  # containers of an image have files of their own",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Try what a node's keeper tries. What is missing is amiss where a cluster has a node."""
    found = _probed()
    wanted = any(known.spec.node for known in surroundings.clusters())
    if found.refused is not None:
        text = f"no pod can run here: {found.refused}"
        yield NONE.found(f"{text[:1].upper()}{text[1:]}.") if wanted else ok(text)
        return
    if wanted and found.own_root == "shadow":
        yield SHARED.found("Pods without an image have this system's own files, not a copy.")
    users = "one user each" if found.users else "any user"
    pids = "process numbers of their own" if found.own_pids else "this system's process numbers"
    yield ok(f"pods could run, with {users}, {pids}, files by {found.own_root}")


def _probed() -> Host:
    """In a process of its own: it forks, and this one has threads."""
    if sys.platform != "linux":
        return Host(refused="that needs Linux")
    try:
        done = subprocess.run(
            process.python_module("sandkube.runtime.host"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        return Host(**json.loads(done.stdout))
    except (OSError, ValueError, TypeError, subprocess.TimeoutExpired) as error:
        return Host(refused=f"what a node needs could not be tried: {error}")


CHECK: Final = Check("nodes", "Pods", (NONE, SHARED), look)
