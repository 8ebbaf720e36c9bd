"""The folder of a cluster's node.

::

    STATE/clusters/NAME/node/       0700, and every file in it 0600
        node.json, kubelet.json, kubelet.yaml, runtime.json     what its processes are told
        run.json                    the keeper that was started
        host.json                   what that found can be done here
        events.jsonl                what the keeper told
        kubelet.log, runtime.log    their logs; node.err what went to the keeper's fd 2
        kubelet.kubeconfig, kubelet-client.*, kubelet-server.*
        cri.sock, runtime.sock
        egress.json                 what the way from the API server into the cluster is told; egress.log
        k/                          the kubelet's: volumes and logs of pods
        containers/, sandboxes/     the runtime's
        images/                     those that were loaded
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandkube.plane.files import make_private_folder
from sandkube.plane.folder import ClusterFolder

_LONGEST_SOCKET: Final = 107  # bytes of a path (unix(7))
_KUBELET_SOCKET: Final = len("/pod-resources/4294967295")  # at first it has a number for a name


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """The paths of one node. Nothing is read or made by naming it."""

    path: Path

    @classmethod
    def of(cls, cluster: ClusterFolder) -> NodeFolder:
        """That of a cluster."""
        return cls(cluster.path / "node")

    @property
    def cluster(self) -> Path:
        """The folder of the cluster."""
        return self.path.parent

    @property
    def config(self) -> Path:
        """What the keeper is told."""
        return self.path / "node.json"

    @property
    def lock(self) -> Path:
        """Held by the keeper."""
        return self.path / "node.lock"

    @property
    def run(self) -> Path:
        """The keeper that was started."""
        return self.path / "run.json"

    @property
    def host(self) -> Path:
        """What the keeper found can be done on this host."""
        return self.path / "host.json"

    @property
    def events(self) -> Path:
        """What the keeper told."""
        return self.path / "events.jsonl"

    @property
    def stderr(self) -> Path:
        """What went to the keeper's fd 2."""
        return self.path / "node.err"

    @property
    def kubelet_config(self) -> Path:
        """What the kubelet's process is told."""
        return self.path / "kubelet.json"

    @property
    def kubelet_configuration(self) -> Path:
        """The KubeletConfiguration."""
        return self.path / "kubelet.yaml"

    @property
    def kubelet_log(self) -> Path:
        """The kubelet's log."""
        return self.path / "kubelet.log"

    @property
    def kubelet_root(self) -> Path:
        """The kubelet's own folder. It opens a socket in it, so the name is short."""
        return self.path / "k"

    @property
    def kubeconfig(self) -> Path:
        """The kubelet's kubeconfig."""
        return self.path / "kubelet.kubeconfig"

    @property
    def runtime_config(self) -> Path:
        """What the runtime is told."""
        return self.path / "runtime.json"

    @property
    def runtime_log(self) -> Path:
        """The runtime's log."""
        return self.path / "runtime.log"

    @property
    def runtime_socket(self) -> Path:
        """Where the runtime answers."""
        return self.path / "runtime.sock"

    @property
    def egress_config(self) -> Path:
        """What the way from the API server into the cluster is told."""
        return self.path / "egress.json"

    @property
    def egress_log(self) -> Path:
        """What that printed."""
        return self.path / "egress.log"

    @property
    def cri_socket(self) -> Path:
        """Where the same answers in gRPC."""
        return self.path / "cri.sock"

    @property
    def containers(self) -> Path:
        """The folders of containers."""
        return self.path / "containers"

    @property
    def images(self) -> Path:
        """What was loaded with `sandkube image load`."""
        return self.path / "images"

    @property
    def is_too_deep(self) -> bool:
        """Whether the path of the kubelet's socket would be longer than Linux takes."""
        return len(os.fsencode(self.kubelet_root)) + _KUBELET_SOCKET > _LONGEST_SOCKET

    def create(self) -> None:
        """Make what is missing of it."""
        for path in (self.path, self.kubelet_root, self.containers, self.path / "sandboxes"):
            make_private_folder(path)
