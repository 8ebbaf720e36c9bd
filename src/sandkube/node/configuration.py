"""What the kubelet and the runtime are told. Every setting that is not upstream's default has its reason."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import zlib
from dataclasses import dataclass
from typing import Any, Final

from sandkube import __version__
from sandkube.config import state_dir
from sandkube.node.folder import NodeFolder
from sandkube.plane import pki
from sandkube.plane.files import write_json, write_private
from sandkube.plane.folder import ClusterFolder
from sandkube.plane.pki import Subject
from sandkube.runtime.found import Host
from sandkube.server import CONTRACT

POD_RANGE: Final = "10.244.0.0/16"
CLUSTER_DOMAIN: Final = "cluster.local"
_LOG: Final = {"max_megabytes": 20, "backups": 2}
# Of the service range's addresses the one that cluster DNS has by convention.
_DNS_HOST: Final = 10
_CLIENT, _SERVER = "kubelet-client", "kubelet-server"


@dataclass(frozen=True)
class Node:
    """A node to be.

    ``address`` is the one that others reach it by, ``port`` the kubelet's, ``url`` where the API server
    answers, ``services`` the range of Services' addresses.
    """

    name: str
    address: str
    port: int
    url: str
    services: str


def name_of(cluster: str) -> str:
    """What the node of a cluster is called."""
    return f"{cluster}-node"


def free_port() -> int:
    """A port on loopback that is free now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def write(cluster: ClusterFolder, node: Node, asked: dict[str, str], parent_fd: int | None) -> None:
    """Write everything that the node's processes read.

    ``asked`` goes into node.json; its ``server`` is our server binary. ``parent_fd`` is the read end of
    a pipe whose end ends the node.
    """
    folder = NodeFolder.of(cluster)
    folder.create()
    _certificates(cluster, node)
    write_private(folder.kubeconfig, _kubeconfig(cluster, node), sync=False)
    write_json(folder.kubelet_configuration, kubelet_configuration(cluster, folder, node), sync=False)
    write_json(folder.kubelet_config, kubelet(folder, node), sync=False)
    write_json(folder.runtime_config, runtime(cluster, folder, node), sync=False)
    write_json(folder.egress_config, egress(cluster, node), sync=False)
    document = {"folder": str(folder.path), **asked, "parent_fd": parent_fd}
    write_json(folder.config, document, sync=False)


def _certificates(cluster: ClusterFolder, node: Node) -> None:
    """The kubelet's two, signed by the cluster's CA: new ones at every start."""
    from sandkube.plane import issuing

    now = dt.datetime.now(dt.timezone.utc)
    for subject, names in (
        (Subject(_CLIENT, f"system:node:{node.name}", "system:nodes", signer=pki.CA), ()),
        (
            Subject(_SERVER, f"system:node:{node.name}", "system:nodes", signer=pki.CA, server=True),
            _names(node),
        ),
    ):
        issuing.issue(cluster.pki, subject, names, since=now - pki.BACKDATED, until=now + pki.VALID_FOR)


def _names(node: Node) -> tuple[str, ...]:
    return (node.name, node.address, "localhost")


def _kubeconfig(cluster: ClusterFolder, node: Node) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "node",
            "contexts": [{"name": "node", "context": {"cluster": "cluster", "user": "node"}}],
            "clusters": [
                {
                    "name": "cluster",
                    "cluster": {
                        "server": node.url,
                        "certificate-authority": str(pki.certificate(cluster.pki, pki.CA)),
                    },
                }
            ],
            "users": [
                {
                    "name": "node",
                    "user": {
                        "client-certificate": str(pki.certificate(cluster.pki, _CLIENT)),
                        "client-key": str(pki.key(cluster.pki, _CLIENT)),
                    },
                }
            ],
        },
        indent=1,
    )


def kubelet_configuration(cluster: ClusterFolder, folder: NodeFolder, node: Node) -> dict[str, Any]:
    """The KubeletConfiguration (`kubelet.config.k8s.io/v1beta1`)."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "port": node.port,
        "readOnlyPort": 0,
        "healthzPort": 0,
        "tlsCertFile": str(pki.certificate(cluster.pki, _SERVER)),
        "tlsPrivateKeyFile": str(pki.key(cluster.pki, _SERVER)),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.certificate(cluster.pki, pki.CA))},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{folder.cri_socket}",
        "podLogsDir": str(folder.kubelet_root / "pod-logs"),
        "volumePluginDir": str(folder.kubelet_root / "volume-plugins"),
        "clusterDomain": CLUSTER_DOMAIN,
        "clusterDNS": [str(ipaddress.ip_network(node.services)[_DNS_HOST])],
        "resolvConf": "",
        # There are no cgroups to make, no swap to judge, no iptables to write.
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        # The disk is the user's, and fuller than a server's as a rule: no pod is put out for that.
        "evictionHard": {},
        "localStorageCapacityIsolation": False,
        "imageGCHighThresholdPercent": 100,
        # Upstream's limits are for thousands of nodes that share an API server.
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 0,
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        "maxPods": 250,
        "rotateCertificates": False,
        # A pod's volumes follow a changed ConfigMap within seconds.
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "10s",
        "shutdownGracePeriod": "0s",
    }


def kubelet(folder: NodeFolder, node: Node) -> dict[str, Any]:
    """The content of kubelet.json, as ``server/internal/node`` reads it."""
    return {
        "contract": CONTRACT,
        "kubelet": [
            f"--config={folder.kubelet_configuration}",
            f"--kubeconfig={folder.kubeconfig}",
            f"--hostname-override={node.name}",
            f"--node-ip={node.address}",
            f"--root-dir={folder.kubelet_root}",
            f"--cert-dir={folder.kubelet_root / 'pki'}",
        ],
        "cri": str(folder.cri_socket),
        "runtime": str(folder.runtime_socket),
        "log": {"path": str(folder.kubelet_log), **_LOG},
    }


def labels_of(host: Host) -> dict[str, str]:
    """What a Node says of itself: by which way pods get their files, and what they have of their own."""
    return {
        "sandkube.dev/node": "process",
        "sandkube.dev/host-files": host.own_root,
        "sandkube.dev/image-files": host.image,
        "sandkube.dev/process-ids": "own" if host.own_pids else "shared",
        "sandkube.dev/users": "one" if host.users else "all",
    }


def loopback_range(cluster: ClusterFolder) -> str:
    """Addresses for pods where those of the pod range are not this host's; all of 127.0.0.0/8 is.

    Nodes side by side share them, so it is one of 4080 ranges of 4096, by the CA of the cluster.
    """
    number = 16 + zlib.crc32(pki.certificate(cluster.pki, pki.CA).read_bytes()) % 4080
    return f"127.{number >> 4}.{(number & 15) << 4}.0/20"


def runtime(cluster: ClusterFolder, folder: NodeFolder, node: Node) -> dict[str, Any]:
    """The content of runtime.json, but for what the keeper adds: the host, and the files it passes on."""
    host, _, port = node.url.removeprefix("https://").partition(":")
    return {
        "folder": str(folder.path),
        "version": __version__,
        "address": node.address,
        "pod_range": POD_RANGE,
        "loopback": loopback_range(cluster),
        # No pod looks into what clusters keep: keys, datastores, the files of other pods.
        "hidden": [str(state_dir())],
        "strict": str(folder.kubelet_root),
        # The address of the service `kubernetes` leads nowhere here; the API server's own does.
        "environment": {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port},
    }


def egress(cluster: ClusterFolder, node: Node) -> dict[str, Any]:
    """What the way from the API server into the cluster is told, but for the listening file."""
    return {
        "node": node.name,
        "services": node.services,
        "url": node.url,
        "ca": str(pki.certificate(cluster.pki, pki.CA)),
        "certificate": str(pki.certificate(cluster.pki, _CLIENT)),
        "key": str(pki.key(cluster.pki, _CLIENT)),
    }
