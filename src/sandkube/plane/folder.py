"""The folder of one cluster: where everything in it is.

::

    STATE/clusters/NAME.lock        held by the command that changes the cluster; not in the folder, which
                                    it may remove
    STATE/clusters/NAME/            0700, and every file in it 0600
        cluster.json                what was asked for, and the port it got
        owner.json                  of a throw-away cluster: the Python process that wants it
        run.json                    the server process that was started
        server.json                 what it was started with
        events.jsonl                what it told
        server.log, server.err      its log; and what went to its fd 2, where a Go panic appears
        authentication.yaml         who may ask without a name
        egress.yaml, egress.sock    how the server reaches pods and their Services, if there is a node
        encryption.yaml             the key that Secrets are encrypted with, if they are or ever were
        audit-policy.yaml, audit.log    what is written down of requests, and what was
        kubeconfig
        pki/  db/  bin/
        cache/                      kubectl's and helm's, made and moded by them: what the server offers
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandkube.config import check_name
from sandkube.plane.files import check_parent_folder, check_private_folder, make_private_folder, usable

# Variables that helm heeds before any kubeconfig: HELM_KUBEAPISERVER, HELM_KUBECONTEXT, HELM_KUBETOKEN, …
ELSEWHERE = "HELM_KUBE"
# Where a node takes what the server has to say to pods: in the cluster's folder, where the server works.
EGRESS = "egress.sock"
_SUBFOLDERS = ("pki", "db", "bin")
# In the name of a folder that is being removed; no cluster can be called so.
_DOOMED = ".removing-"


@dataclass(frozen=True, slots=True)
class ClusterFolder:
    """The paths of one cluster. Nothing is read or made by naming it."""

    path: Path

    @classmethod
    def of(cls, state: Path, name: str) -> ClusterFolder:
        """The folder of the cluster ``name`` below ``state``; UsageError for what cannot be a name."""
        return cls(state / "clusters" / check_name(name))

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.path.name

    @property
    def lock(self) -> Path:
        """Held by the command that changes the cluster."""
        return self.path.with_name(f"{self.name}.lock")

    @property
    def spec(self) -> Path:
        """What was asked for."""
        return self.path / "cluster.json"

    @property
    def owner(self) -> Path:
        """Who wants a throw-away cluster."""
        return self.path / "owner.json"

    @property
    def run(self) -> Path:
        """The server that was started."""
        return self.path / "run.json"

    @property
    def server_config(self) -> Path:
        """What the server was started with."""
        return self.path / "server.json"

    @property
    def events(self) -> Path:
        """What the server told."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.path / "server.log"

    @property
    def stderr(self) -> Path:
        """What went to the server's fd 2."""
        return self.path / "server.err"

    @property
    def egress(self) -> Path:
        """How the server reaches what is in the cluster."""
        return self.path / "egress.yaml"

    @property
    def authentication(self) -> Path:
        """Who may ask without a name."""
        return self.path / "authentication.yaml"

    @property
    def encryption(self) -> Path:
        """The key that Secrets are encrypted with."""
        return self.path / "encryption.yaml"

    @property
    def audit_policy(self) -> Path:
        """What is written down of requests."""
        return self.path / "audit-policy.yaml"

    @property
    def audit_log(self) -> Path:
        """What was written down of requests."""
        return self.path / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.path / "kubeconfig"

    @property
    def pki(self) -> Path:
        """The folder of certificates and keys."""
        return self.path / "pki"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "db" / "state.db"

    @property
    def datastore_lock(self) -> Path:
        """Held by whoever serves the datastore."""
        return Path(f"{self.database}.lock")

    @property
    def bin(self) -> Path:
        """The folder for a shell's PATH."""
        return self.path / "bin"

    @property
    def kubectl(self) -> Path:
        """The server binary, under the name kubectl."""
        return self.bin / "kubectl"

    @property
    def helm(self) -> Path:
        """The server binary, under the name helm."""
        return self.bin / "helm"

    @property
    def client_environment(self) -> dict[str, str]:
        """What points kubectl and helm at the cluster.

        The cache of what a server offers is the cluster's own: kubectl names it by address, and a port that
        was another cluster's yesterday would bring up that one's kinds.
        """
        return {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.path / "cache")}

    def clients_environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """``environ`` with what points kubectl and helm here, and without what points helm elsewhere."""
        kept = {key: value for key, value in environ.items() if not key.startswith(ELSEWHERE)}
        return {**kept, **self.client_environment}

    def exists(self) -> bool:
        """Whether there is anything under this name; StateUnusable where that cannot be seen."""
        with usable(self.path):
            try:
                self.path.lstat()
            except FileNotFoundError:
                return False
        return True

    def check(self) -> None:
        """StateUnusable unless the folder is this user's, and closed to the others."""
        check_parent_folder(self.path.parent.parent)
        check_private_folder(self.path.parent)
        check_private_folder(self.path)

    def create(self) -> bool:
        """Make what is missing of the folder; says whether the folder itself was made."""
        make_parent(self)
        made = make_private_folder(self.path)
        for name in _SUBFOLDERS:
            make_private_folder(self.path / name)
        return made

    def remove(self) -> None:
        """Remove the folder and everything in it; fine where it is gone already. Symlinks are not followed.

        It is renamed first: whatever happens meanwhile, there is a whole cluster under this name or none.
        """
        doomed = self.path.with_name(f"{self.name}{_DOOMED}{secrets.token_hex(4)}")
        with usable(self.path), contextlib.suppress(FileNotFoundError):
            self.path.rename(doomed)
            shutil.rmtree(doomed)


def make_parent(folder: ClusterFolder) -> None:
    """Make the folder of all clusters, in which the lock of each lies."""
    clusters = folder.path.parent
    make_private_folder_if_missing(clusters.parent)
    check_parent_folder(clusters.parent)
    make_private_folder(clusters)


def make_private_folder_if_missing(path: Path) -> None:
    """Make ``path`` private where it is missing; one that is there is the user's own choice."""
    with usable(path):
        present = path.is_dir()
    if not present:
        make_private_folder(path)


def all_folders(state: Path) -> Iterator[ClusterFolder]:
    """The folder of each cluster below ``state``, by name."""
    clusters = state / "clusters"
    with usable(clusters):
        try:
            names = sorted(entry.name for entry in clusters.iterdir() if entry.is_dir())
        except FileNotFoundError:
            return
    for name in names:
        if _DOOMED not in name:
            yield ClusterFolder(clusters / name)


def remove_doomed(state: Path) -> None:
    """Finish the removals that were broken off."""
    clusters = state / "clusters"
    with usable(clusters):
        found = list(clusters.glob(f"*{_DOOMED}*"))
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
