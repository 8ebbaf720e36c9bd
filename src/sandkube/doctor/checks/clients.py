"""kubectl and helm: which ones a shell finds first, and whether they fit the clusters.

Kubernetes' version skew policy lets kubectl be one minor release older or newer than the API server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.doctor.asking import ask
from sandkube.doctor.checks.server import ask_version
from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.errors import SandkubeError
from sandkube.server import Server, ServerVersion

SKEW: Final = Kind(
    "kubectl-skew",
    "problem",
    "Another kubectl is first on PATH, and does not fit",
    "kubectl fits an API server of its own minor release, one older or one newer. Others may lack kinds and "
    "fields, "
    "or drop them without a word.",
    'eval "$(sandkube env)"  # puts the fitting one first; or: sandkube kubectl …',
)
UNFIT: Final = Kind(
    "kubectl-unfit",
    "note",
    "The kubectl on PATH would not fit a cluster",
    "There is no cluster now. One that is made here is best used with the kubectl that comes with it.",
    'eval "$(sandkube env)"  # after `sandkube up`; or: sandkube kubectl …',
)
SILENT: Final = Kind(
    "kubectl-silent",
    "note",
    "The kubectl on PATH does not say its version",
    "It is no kubectl, a broken one, or waits for something.",
    'eval "$(sandkube env)"  # puts the fitting one first; or: sandkube kubectl …',
)
HELM: Final = Kind(
    "helm-other",
    "note",
    "Another helm is first on PATH",
    "Major releases of helm differ in flags and in how they apply; the one of sandkube may answer otherwise.",
    'eval "$(sandkube env)"  # puts sandkube\'s first; or: sandkube helm …',
)

_MINOR: Final = re.compile(r"v?(\d+)\.(\d+)")


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Ask the clients on PATH, unless they are ours."""
    server = surroundings.server()
    found = {name: _foreign(surroundings, name, server) for name in ("kubectl", "helm")}
    said = ask_version(server, surroundings) if server and any(found.values()) else None
    # What is the matter with the server, its own check tells.
    serves = said if isinstance(said, ServerVersion) else None
    kubectl, helm = found["kubectl"], found["helm"]
    yield _kubectl(surroundings, kubectl, serves) if kubectl else ok("kubectl: no other on PATH")
    yield _helm(surroundings, helm, serves) if helm else ok("helm: no other on PATH")


def _kubectl(surroundings: Surroundings, path: Path, serves: ServerVersion | None) -> Finding:
    answer = ask([path, "version", "--client", "-o", "json"], surroundings.environ)
    said = _client_version(answer.text)
    if said is None:
        return SILENT.found(f"{path} {answer.fault or 'answers something else than its version'}.")
    if serves is None:
        return ok(f"kubectl: {said}, {path}")
    apart = _apart(said, serves.kubernetes)
    if apart is None or apart > 1:
        minors = "another major release" if apart is None else f"{apart} minor releases apart"
        kind = SKEW if _matters(surroundings) else UNFIT
        return kind.found(f"{path} is {said}, and clusters are {serves.kubernetes}: {minors}.")
    return ok(f"kubectl: {said}, {path}")


def _matters(surroundings: Surroundings) -> bool:
    """Whether a plain kubectl may be used with a cluster of ours."""
    if surroundings.clusters():
        return True
    try:
        return str(surroundings.state_dir()) in surroundings.environ.get("KUBECONFIG", "")
    except SandkubeError:
        return False


def _helm(surroundings: Surroundings, path: Path, serves: ServerVersion | None) -> Finding:
    answer = ask([path, "version", "--short"], surroundings.environ)
    said = _MINOR.search(answer.text)
    if said is None:
        return HELM.found(f"{path} {answer.fault or 'answers something else than its version'}.")
    ours = _MINOR.search(serves.helm) if serves else None
    if ours and ours[1] != said[1]:
        return HELM.found(f"{path} is {said[0]}, and sandkube's is {ours[0]}.")
    return ok(f"helm: {said[0]}, {path}")


def _foreign(surroundings: Surroundings, name: str, server: Server | None) -> Path | None:
    """The program that a shell finds under ``name``, unless it is the server binary."""
    found = shutil.which(name, path=surroundings.environ.get("PATH", os.defpath))
    if found is None or (server is not None and Path(found).resolve() == server.binary.resolve()):
        return None
    return Path(found)


def _client_version(text: str) -> str | None:
    try:
        said = str(json.loads(text)["clientVersion"]["gitVersion"])
    except (ValueError, KeyError, TypeError):
        return None
    return said if _MINOR.match(said) else None


def _apart(one: str, other: str) -> int | None:
    """How many minor releases lie between; None for another major one."""
    found = _MINOR.match(one), _MINOR.match(other)
    if not (found[0] and found[1]) or found[0][1] != found[1][1]:
        return None
    return abs(int(found[0][2]) - int(found[1][2]))


CHECK: Final = Check("clients", "kubectl and helm", (SKEW, UNFIT, SILENT, HELM), look)
