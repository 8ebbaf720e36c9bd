"""What the integration tests share: a control plane, a namespace for each test, and clients for both."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from kubernetes import client, config

from integration.kubectl import Kubectl, until
from integration.shared_cluster import own_folders, run_folder, shared_cluster
from sandkube import Cluster


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run, the same for all workers."""
    return run_folder(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module", autouse=True)
def _own_folders(folder: Path) -> Iterator[None]:
    with own_folders(folder):
        yield


@pytest.fixture(scope="session")
def cluster(folder: Path) -> Iterator[Cluster]:
    """The cluster that all tests share. What a test leaves there must not be in another's way."""
    with shared_cluster(folder) as shared:
        yield shared


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[client.ApiClient]:
    """The official Python client, as the cluster's administrator."""
    connected = config.new_client_from_config(str(cluster.kubeconfig_path))  # type: ignore[no-untyped-call]
    with connected:
        yield connected


@pytest.fixture(scope="session")
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


@pytest.fixture
def namespace(core: client.CoreV1Api) -> Iterator[str]:
    """A namespace of the test's own, with all that every one has; its end is not waited for."""
    name = f"test-{secrets.token_hex(4)}"
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    until(lambda: core.list_namespaced_service_account(name).items)
    until(lambda: core.list_namespaced_config_map(name).items)
    yield name
    with contextlib.suppress(client.ApiException):  # the test may have deleted it
        core.delete_namespace(name)


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str) -> Kubectl:
    """kubectl in the test's namespace."""
    return Kubectl(cluster, namespace)


@pytest.fixture
def nodes(folder: Path) -> Iterator[None]:
    """For a test that makes a Node, and for one that relies on there being none: one of them at a time."""
    with FileLock(folder / "nodes.lock"):
        yield


@pytest.fixture
def apply_globally(kubectl: Kubectl) -> Iterator[Callable[[str], str]]:
    """Applies manifests of objects that belong to no namespace, and deletes them after the test."""
    applied: list[str] = []

    def apply(manifest: str) -> str:
        applied.append(manifest)
        return kubectl.apply(manifest)

    yield apply
    for manifest in reversed(applied):
        kubectl("delete", "--filename=-", "--ignore-not-found", "--wait=false", stdin=manifest)
