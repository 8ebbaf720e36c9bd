"""What is promised by Ready: nothing that comes straight after it must be tried twice.

Each test has fresh clusters: SANDKUBE_READY_ROUNDS of them, 5 if it is not set.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config

from sandkube import Cluster

ROUNDS = int(os.environ.get("SANDKUBE_READY_ROUNDS", "5"))


@pytest.fixture
def fresh() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_namespace_and_a_pod_in_it_are_made_at_once(fresh: Cluster, number: int) -> None:
    fresh.kubectl("create", "namespace", "first")
    fresh.kubectl("run", "pod", "--namespace=first", "--image=example.com/app:1")
    assert fresh.kubectl("get", "pod", "pod", "--namespace=first", "--output=name").stdout == "pod/pod\n"


def test_a_pod_in_the_namespace_default_is_made_at_once(fresh: Cluster) -> None:
    pod = client.V1Pod(
        metadata=client.V1ObjectMeta(name="pod"),
        spec=client.V1PodSpec(containers=[client.V1Container(name="main", image="example.com/app:1")]),
    )
    with config.new_client_from_config(str(fresh.kubeconfig_path)) as connected:  # type: ignore[no-untyped-call]
        made: Any = client.CoreV1Api(connected).create_namespaced_pod("default", pod)
    assert made.spec.service_account_name == "default"


def get(api: client.ApiClient, path: str) -> Any:
    answer = api.rest_client.pool_manager.request("GET", f"{api.configuration.host}{path}", retries=False)
    assert answer.status == 200, (path, answer.status)
    return json.loads(answer.data)


def test_the_openapi_documents_are_complete_at_once(fresh: Cluster) -> None:
    # What is asked for first has least time: a group of the third document.
    with config.new_client_from_config(str(fresh.kubeconfig_path)) as api:  # type: ignore[no-untyped-call]
        apps = get(api, "/openapi/v3/apis/apps/v1")
        paths = get(api, "/openapi/v3")["paths"]
        definitions = get(api, "/openapi/v2")["definitions"]
        groups = get(api, "/apis")["groups"]
    assert "/apis/apps/v1/namespaces/{namespace}/deployments" in apps["paths"]
    assert "io.k8s.api.apps.v1.Deployment" in apps["components"]["schemas"]
    served = {f"apis/{version['groupVersion']}" for group in groups for version in group["versions"]}
    assert len(served) > 20
    assert served | {"api/v1"} <= set(paths)
    assert "io.k8s.api.core.v1.Pod" in definitions
