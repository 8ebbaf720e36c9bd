"""The official Python client: objects, pages, and watches that resume where they ended."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, watch

from integration.kubectl import until


def settings(name: str, **data: str) -> client.V1ConfigMap:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"by": "test"}), data=data)


def events(core: Any, namespace: str, **options: object) -> Iterator[Any]:
    """A watch of this test's ConfigMaps, for half a minute at most."""
    watcher: Any = watch.Watch()  # type: ignore[no-untyped-call]
    wanted = {"label_selector": "by=test", "timeout_seconds": 30, **options}
    try:
        yield from watcher.stream(core.list_namespaced_config_map, namespace, **wanted)
    finally:
        watcher.stop()


def version_now(core: Any, namespace: str) -> str:
    return str(core.list_namespaced_config_map(namespace).metadata.resource_version)


def test_objects_are_made_read_changed_and_deleted(core: Any, namespace: str) -> None:
    made = core.create_namespaced_config_map(namespace, settings("one", mode="fast"))
    assert made.metadata.uid
    assert core.read_namespaced_config_map("one", namespace).data == {"mode": "fast"}
    core.patch_namespaced_config_map("one", namespace, {"data": {"mode": "slow"}})
    found = core.list_namespaced_config_map(namespace, label_selector="by=test")
    assert [(item.metadata.name, item.data) for item in found.items] == [("one", {"mode": "slow"})]
    core.delete_namespaced_config_map("one", namespace)
    with pytest.raises(client.ApiException) as refused:
        core.read_namespaced_config_map("one", namespace)
    assert refused.value.status == 404


def test_what_is_there_already_is_a_conflict(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, settings("one"))
    with pytest.raises(client.ApiException, match="AlreadyExists") as refused:
        core.create_namespaced_config_map(namespace, settings("one"))
    assert refused.value.status == 409


def test_a_list_comes_in_pages_and_shows_one_moment(core: Any, namespace: str) -> None:
    names = [f"item-{number:02}" for number in range(25)]
    for name in names:
        core.create_namespaced_config_map(namespace, settings(name))
    select = {"label_selector": "by=test", "limit": 10}
    pages = [core.list_namespaced_config_map(namespace, **select)]
    core.create_namespaced_config_map(namespace, settings("item-99"))  # after the moment that is shown
    while token := pages[-1].metadata._continue:
        pages.append(core.list_namespaced_config_map(namespace, _continue=token, **select))
    assert [len(page.items) for page in pages] == [10, 10, 5]
    assert [item.metadata.name for page in pages for item in page.items] == names
    assert len({page.metadata.resource_version for page in pages}) == 1


def test_a_watch_sees_every_event_in_order(core: Any, namespace: str) -> None:
    version = version_now(core, namespace)
    core.create_namespaced_config_map(namespace, settings("one", step="1"))
    for step in ("2", "3"):
        core.patch_namespaced_config_map("one", namespace, {"data": {"step": step}})
    core.delete_namespaced_config_map("one", namespace)
    seen = itertools.islice(events(core, namespace, resource_version=version), 4)
    assert [(event["type"], event["object"].data["step"]) for event in seen] == [
        ("ADDED", "1"),
        ("MODIFIED", "2"),
        ("MODIFIED", "3"),
        ("DELETED", "3"),
    ]


def test_a_watch_resumes_after_the_last_event_it_saw(core: Any, namespace: str) -> None:
    version = version_now(core, namespace)
    names = [f"item-{number:02}" for number in range(60)]

    def write() -> None:
        for name in names:
            core.create_namespaced_config_map(namespace, settings(name))

    writer = threading.Thread(target=write)
    writer.start()
    seen: list[str] = []
    # Cut off after each seventh event while the writer goes on: nothing is missed, and nothing comes twice.
    while len(seen) < len(names):
        part = list(
            itertools.islice(events(core, namespace, resource_version=version), min(7, 60 - len(seen)))
        )
        assert {event["type"] for event in part} == {"ADDED"}
        seen += [event["object"].metadata.name for event in part]
        version = part[-1]["object"].metadata.resource_version
    writer.join()
    assert seen == names


def test_a_watch_sends_what_is_there_and_then_a_bookmark(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, settings("one"))
    initial = {"send_initial_events": True, "resource_version_match": "NotOlderThan"}
    seen = list(itertools.islice(events(core, namespace, allow_watch_bookmarks=True, **initial), 2))
    assert [event["type"] for event in seen] == ["ADDED", "BOOKMARK"]
    metadata = seen[1]["raw_object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(metadata["resourceVersion"]) >= int(seen[0]["object"].metadata.resource_version)


def test_a_watch_from_too_long_ago_is_told_so(core: Any, namespace: str) -> None:
    with pytest.raises(client.ApiException, match="too old resource version") as refused:
        next(events(core, namespace, resource_version="1"))
    assert refused.value.status == 410


def test_a_deployment_through_its_own_api(api: client.ApiClient, core: Any, namespace: str) -> None:
    apps: Any = client.AppsV1Api(api)
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels={"app": "web"}),
        spec=client.V1PodSpec(containers=[client.V1Container(name="main", image="example.com/app:1")]),
    )
    selector = client.V1LabelSelector(match_labels={"app": "web"})
    spec = client.V1DeploymentSpec(replicas=2, selector=selector, template=template)
    metadata = client.V1ObjectMeta(name="web")
    apps.create_namespaced_deployment(namespace, client.V1Deployment(metadata=metadata, spec=spec))
    until(lambda: apps.read_namespaced_deployment("web", namespace).status.replicas == 2)
    pods = core.list_namespaced_pod(namespace).items
    assert [pod.metadata.owner_references[0].kind for pod in pods] == ["ReplicaSet"] * 2
