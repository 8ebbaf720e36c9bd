"""One cluster for the whole test run, shared by the workers of pytest-xdist where there are several.

A process of its own keeps it. The worker that needs the cluster first starts that process; each worker holds
the writing end of a FIFO as long as it uses the cluster, and when the last of them has closed it, or was
killed, the cluster is deleted. So nobody waits for anybody at the end, and no worker's end ends the cluster.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
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
    name_file, users = folder / "cluster-name", folder / "cluster-users"
    with FileLock(folder / "cluster.lock"), own_folders(folder):
        if not users.exists():
            os.mkfifo(users, 0o600)
        using = os.open(users, os.O_RDWR)  # to write alone would wait for who reads
        try:
            if not name_file.exists():
                _start_keeper(folder)
            cluster = Cluster(name_file.read_text(encoding="utf-8"))
        except BaseException:
            os.close(using)
            raise
    try:
        yield cluster
    finally:
        os.close(using)


def _start_keeper(folder: Path) -> None:
    """Start what keeps the cluster, and wait until the cluster is Ready."""
    log = folder / "cluster-keeper.log"
    with log.open("w", encoding="utf-8") as file:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            start_new_session=True,  # Ctrl-C is for the workers
        )
    keeper.returncode = 0  # it outlasts this process, and that is no fault
    assert keeper.stdout is not None
    with keeper.stdout:
        assert keeper.stdout.readline(), log.read_text(encoding="utf-8")


def _keep(folder: Path) -> None:
    """Keep a cluster until nobody uses it any more; who comes later starts one of their own."""
    name_file, users = folder / "cluster-name", folder / "cluster-users"
    cluster = Cluster().up()
    used = select.poll()
    used.register(os.open(users, os.O_RDONLY | os.O_NONBLOCK), 0)  # only whether the last writer hung up
    name_file.write_text(cluster.name, encoding="utf-8")
    print("Ready", flush=True)
    while True:
        used.poll()
        with FileLock(folder / "cluster.lock"):
            if used.poll(0):  # still so
                name_file.unlink()
                break
    cluster.delete()


def run_folder(basetemp: Path) -> Path:
    """The folder that all workers of this run have in common, from a worker's own temporary folder."""
    return basetemp.parent if "PYTEST_XDIST_WORKER" in os.environ else basetemp


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
