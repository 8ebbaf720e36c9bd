"""The k3s binary, where a cluster is served by k3s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.errors import K3sNotFound
from sandkube.k3s import locate

MISSING: Final = Kind(
    "k3s-missing",
    "problem",
    "A cluster is of k3s, and there is no k3s",
    "What is in a cluster can be served by the distribution alone that it was made with.",
    "sandkube k3s install  # or: export SANDKUBE_K3S=/some/k3s",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Find what each cluster of k3s would be served with."""
    served = [known for known in surroundings.clusters() if known.spec.distribution == "k3s"]
    if not served:
        yield ok("not needed")
    for known in served:
        try:
            found = locate(Path(known.spec.k3s) if known.spec.k3s else None, surroundings.environ)
        except K3sNotFound as error:
            yield MISSING.found(f"Cluster `{known.name}`: {error.message}")
        else:
            yield ok(f"{known.name}: {found.binary} ({found.origin})")


CHECK: Final = Check("k3s", "k3s", (MISSING,), look)
