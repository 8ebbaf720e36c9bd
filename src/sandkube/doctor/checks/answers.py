"""Whether the servers that run also answer."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Known, Surroundings
from sandkube.plane.listener import LOOPBACK

SECONDS: Final = 2.0

SILENT: Final = Kind(
    "server-silent",
    "problem",
    "A server runs and does not answer",
    "Its process is there, and nobody gets through to it: it was stopped, has no processor left, or runs in "
    "another network namespace.",
    "sandkube logs {name}; sandkube down {name} && sandkube up {name}",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Ask each server that is Ready for its health, which anybody may; any answer will do."""
    ready = [known for known in surroundings.clusters() if known.found.state == "running" and known.found.run]
    silent = [known for known in ready if not _answers(known)]
    for known in silent:
        pid = known.found.process.pid if known.found.process else "?"
        yield SILENT.found(
            f"Cluster `{known.name}` runs (process {pid}) and does not answer within {SECONDS:.0f} s.",
            name=known.name,
        )
    if not silent:
        yield ok(f"{len(ready)} running" if ready else "none is running")


def _answers(known: Known) -> bool:
    assert known.found.run is not None
    # Nothing is sent that a stranger must not see, and nothing is believed.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(LOOPBACK, known.found.run.port, timeout=SECONDS, context=context)
    try:
        connection.request("GET", "/readyz")
        return bool(connection.getresponse().status)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


CHECK: Final = Check("answers", "Running servers", (SILENT,), look)
