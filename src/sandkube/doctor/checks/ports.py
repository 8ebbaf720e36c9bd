"""Ports: whether somebody else has taken one that a stopped cluster has, or that is asked for."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.plane.listener import LOOPBACK, holder_of

TAKEN: Final = Kind(
    "port-taken",
    "problem",
    "A port that was asked for is taken",
    "The cluster was given this port with `--port`, so it does not move to another by itself.",
    "sandkube up {name} --port 0  # any free one; or end what has the port",
)
MOVES: Final = Kind(
    "port-moves",
    "note",
    "A port that a cluster had is taken",
    "Nobody asked for this very port: the cluster takes another at its next start, and its kubeconfig goes "
    "along. "
    "A shell or a copy that knows the old one has to learn it.",
    'sandkube up {name} && eval "$(sandkube env {name})"',
)
FORBIDDEN: Final = Kind(
    "port-forbidden",
    "problem",
    "A port may not be used by this user",
    "Ports below 1024 are root's on most systems.",
    "sandkube up {name} --port 0  # or a port above 1023",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Try each port for a moment."""
    amiss = False
    for name, port, asked in _wanted(surroundings):
        reason = _taken(port)
        if reason is None:
            continue
        amiss = True
        if reason in (errno.EACCES, errno.EPERM):
            yield FORBIDDEN.found(
                f"Port {port}, of cluster `{name}`, may not be used by this user.", name=name
            )
            continue
        holder = holder_of(port, surroundings.proc) or "a process that cannot be seen from here"
        text = f"Port {port}, of cluster `{name}`, is taken by {holder}."
        yield (TAKEN if asked else MOVES).found(text, name=name)
    if not amiss:
        yield ok("no port of a cluster is taken")


def _wanted(surroundings: Surroundings) -> Iterator[tuple[str, int, bool]]:
    """The name of each cluster that is to be started, its port, and whether it was asked for."""
    if surroundings.port:
        yield surroundings.name or "", surroundings.port, True
        return
    for known in surroundings.clusters():
        port = known.spec.port or known.spec.last_port
        if port and not known.running and not known.unwanted:
            yield known.name, port, known.spec.port is not None


def _taken(port: int) -> int | None:
    """The number of the error that listening there gives; None where it is free, or nothing can listen."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            return error.errno if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EPERM) else None
    return None


CHECK: Final = Check("ports", "Ports", (TAKEN, MOVES, FORBIDDEN), look)
