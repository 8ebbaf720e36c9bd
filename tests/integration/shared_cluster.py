"""One cluster for the whole test run, shared by the workers of pytest-xdist where there are several.

The first worker that needs the cluster starts it; it ends with that worker's process, however that goes. So
that it does not end too early, every other worker holds a lock as long as it uses the cluster, and the first
one waits for these locks. They are gone with their processes too, so nobody waits for a worker that crashed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from sandkube import Cluster


@contextlib.contextmanager
def own_folders(folder: Path) -> Iterator[None]:
    """Keep what is written out of the user's folders, and the user's settings out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SANDKUBE_STATE_DIR", str(folder / "state"))
        patch.setenv("KUBECACHEDIR", str(folder / "kube"))
        for kind in ("CACHE", "CONFIG", "DATA"):
            patch.setenv(f"HELM_{kind}_HOME", str(folder / "helm" / kind.lower()))
        for name in ("KUBECONFIG", "HELM_KUBECONTEXT", "HELM_NAMESPACE", "SANDKUBE_CLUSTER"):
            patch.delenv(name, raising=False)
        yield


@contextlib.contextmanager
def shared_cluster(folder: Path) -> Iterator[Cluster]:
    """Give the cluster that belongs to ``folder``, which all workers of a run have in common."""
    name_file, users_file = folder / "cluster-name", folder / "cluster-users"
    with contextlib.ExitStack() as stack:
        users = stack.enter_context(users_file.open("a", encoding="utf-8"))
        with FileLock(folder / "cluster.lock"), own_folders(folder):
            owned = not name_file.exists()
            if not owned:
                fcntl.flock(users, fcntl.LOCK_SH)
                cluster = Cluster(name_file.read_text(encoding="utf-8"))
            else:
                cluster = Cluster().up()
                name_file.write_text(cluster.name, encoding="utf-8")
        try:
            yield cluster
        finally:
            if owned:
                _end(cluster, folder, users.fileno())


def _end(cluster: Cluster, folder: Path, users: int) -> None:
    """Delete the cluster when nobody uses it any more; who comes later starts one of their own."""
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        with FileLock(folder / "cluster.lock"):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            (folder / "cluster-name").unlink()
        break
    with own_folders(folder):
        cluster.delete()


def run_folder(basetemp: Path) -> Path:
    """The folder that all workers of this run have in common, from a worker's own temporary folder."""
    return basetemp.parent if "PYTEST_XDIST_WORKER" in os.environ else basetemp
