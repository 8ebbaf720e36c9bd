"""What a node's processes are told."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from sandkube.node.configuration import loopback_range
from sandkube.plane import pki
from sandkube.plane.folder import ClusterFolder


def range_of(folder: Path, certificate: bytes) -> ipaddress.IPv4Network:
    cluster = ClusterFolder(folder)
    path = pki.certificate(cluster.pki, pki.CA)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(certificate)
    return ipaddress.IPv4Network(loopback_range(cluster))


def test_each_cluster_has_loopback_addresses_of_its_own(tmp_path: Path) -> None:
    found = [range_of(tmp_path, b"certificate %d" % number) for number in range(200)]
    assert all(one.subnet_of(ipaddress.IPv4Network("127.0.0.0/8")) for one in found)
    assert not any(one.overlaps(ipaddress.IPv4Network("127.0.0.0/16")) for one in found)
    assert len(set(found)) > 180
    assert range_of(tmp_path, b"certificate 7") == found[7]
