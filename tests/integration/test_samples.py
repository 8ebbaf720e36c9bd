"""Manifests that people use are taken as they are: the files in SANDKUBE_SAMPLES, or `../shared/samples`."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.kubectl import Kubectl
from sandkube import Cluster

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("SANDKUBE_SAMPLES", REPOSITORY.parent / "shared" / "samples"))


@dataclass(frozen=True)
class Applied:
    """A file that was applied as it is: where no namespace is named, its objects are in `default`."""

    path: Path
    written: list[Any]
    output: str
    warnings: str


@pytest.fixture(scope="module")
def kubectl() -> Iterator[Kubectl]:
    """A cluster of their own: ingress-nginx has a webhook that refuses every Ingress until its pod runs."""
    with Cluster() as cluster:
        yield Kubectl(cluster)


@pytest.fixture(scope="module", params=["guestbook.yaml", "ingress-nginx.yaml", "online-boutique.yaml"])
def sample(request: pytest.FixtureRequest, kubectl: Kubectl) -> Iterator[Applied]:
    path = SAMPLES / str(request.param)
    if not path.is_file():
        pytest.skip(f"the sample manifest {path} is missing")
    written = [thing for thing in yaml.safe_load_all(path.read_text(encoding="utf-8")) if thing]
    done = kubectl("apply", "--filename", str(path))
    yield Applied(path, written, done.stdout, done.stderr)
    kubectl("delete", "--filename", str(path), "--wait=false")


def name(thing: Any) -> tuple[str, str]:
    return thing["kind"], thing["metadata"]["name"]


def test_every_object_is_accepted_and_there(kubectl: Kubectl, sample: Applied) -> None:
    assert sample.output.count(" created\n") == len(sample.written)
    assert sample.warnings == ""
    found = kubectl.get("--filename", str(sample.path))
    assert sorted(map(name, found)) == sorted(map(name, sample.written))


def test_every_service_has_an_address(kubectl: Kubectl, sample: Applied) -> None:
    services = [thing for thing in kubectl.get("--filename", str(sample.path)) if thing["kind"] == "Service"]
    assert services
    for service in services:
        assert ipaddress.ip_address(service["spec"]["clusterIP"]) in ipaddress.ip_network("10.96.0.0/16")


def test_every_deployment_has_its_pods(kubectl: Kubectl, sample: Applied) -> None:
    deployments = [thing for thing in sample.written if thing["kind"] == "Deployment"]
    assert deployments
    for deployment in deployments:
        metadata, replicas = deployment["metadata"], deployment["spec"].get("replicas", 1)
        there = f"--namespace={metadata.get('namespace', 'default')}"
        kubectl.wait(f"jsonpath={{.status.replicas}}={replicas}", f"deployment/{metadata['name']}", there)
