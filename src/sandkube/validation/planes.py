"""The control plane that judges: one of our own for this run, or one that is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandkube.cluster import Cluster, folder_of, state
from sandkube.cluster.report import Report
from sandkube.errors import ClusterNotRunning

if TYPE_CHECKING:
    from sandkube.kube.client import Client


@dataclass(frozen=True)
class Plane:
    """How to get at it: a client, and kubectl and helm with the environment and the context they need.

    ``ours`` says that it is there for this run alone, so that anything may be created in it.
    """

    client: Client
    kubectl: Path
    helm: Path
    environ: Mapping[str, str]
    ours: bool
    context: str | None = None


@contextlib.contextmanager
def throw_away(report: Report) -> Iterator[Plane]:
    """A control plane that starts now and is gone at the end, or when this process is killed."""
    with Cluster(report=report) as cluster:
        yield from _of_cluster(cluster.name, ours=True)


@contextlib.contextmanager
def of_cluster(name: str) -> Iterator[Plane]:
    """The running cluster ``name``. ClusterNotFound, ClusterNotRunning."""
    if not state.status(name).running:
        raise ClusterNotRunning(f"Cluster `{name}` is not running.", hint=f"sandkube up {name}")
    yield from _of_cluster(name, ours=False)


def _of_cluster(name: str, *, ours: bool) -> Iterator[Plane]:
    from sandkube.kube.access import client_of

    folder = folder_of(name)
    with client_of(folder.kubeconfig) as client:
        yield Plane(client, folder.kubectl, folder.helm, folder.clients_environ(os.environ), ours)


@contextlib.contextmanager
def of_context(context: str, program: Path) -> Iterator[Plane]:
    """A context of the user's own kubeconfig; ``program`` is our server binary, which is kubectl and helm.

    ApiFailed where it cannot be reached.
    """
    import tempfile

    from sandkube.kube.access import through_kubectl

    with tempfile.TemporaryDirectory(prefix="sandkube-") as folder:
        kubectl, helm = Path(folder) / "kubectl", Path(folder) / "helm"
        kubectl.symlink_to(program)
        helm.symlink_to(program)
        environ = dict(os.environ)
        with through_kubectl(kubectl, context, environ) as client:
            yield Plane(client, kubectl, helm, environ, ours=False, context=context)


def version_of(client: Client) -> str:
    """The Kubernetes version of the server: `v1.37.2`. ApiFailed."""
    found = client.get("/version")
    return str(found.get("gitVersion", "")) if isinstance(found, dict) else ""
