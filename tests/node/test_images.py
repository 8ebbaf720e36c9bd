"""Containers of images that were loaded, and what is said of those that were not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import made_images
from node.conftest import Node, places, pod

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), places(0, 2)]


@pytest.fixture(scope="module")
def images(node: Node) -> Path:
    """A folder with a root file system and an OCI layout, made where the node is, by its user."""
    folder = node.sandkube.home / "images"
    program = Path(made_images.__file__).read_text(encoding="utf-8")
    node.sandkube.run(["mkdir", str(folder)])
    node.sandkube.run([*node.sandkube.python, "-", str(folder)], stdin=program)
    return folder


def test_a_root_file_system(node: Node, images: Path) -> None:
    loaded = node.sandkube("image", "load", "team/root:1", str(images / "root")).stdout.strip()
    node.apply(pod("rooted", "ls", "/", restartPolicy="Never", container={"image": "team/root:1"}))
    node.phase("rooted", "Succeeded")
    listed = node.logs("rooted")
    assert "only-here" in listed
    assert "home" not in listed
    (status,) = node.get("pod", "rooted")["status"]["containerStatuses"]
    assert status["imageID"] == loaded


def test_an_image_brings_its_command(node: Node, images: Path) -> None:
    node.sandkube("image", "load", "app:2", str(images / "layout"))
    manifest = pod("app", restartPolicy="Never", container={"image": "app:2"})
    del manifest["spec"]["containers"][0]["command"]
    node.apply(manifest)
    node.phase("app", "Succeeded")
    said = node.logs("app")
    assert said[:2] == ["me", "/w"]
    assert "only-here" in said
    assert said[-1] == "1234"
    found = json.loads(node.sandkube("image", "list", "-o", "json").stdout)["images"]
    assert ["docker.io/library/app:2"] in [one["names"] for one in found]


def test_an_image_in_use_stays(node: Node, images: Path) -> None:
    node.sandkube("image", "load", "used", str(images / "root"))
    node.apply(pod("uses", "sleep", "100000", container={"image": "used"}))
    node.wait("pod/uses", "condition=Ready")
    assert "is used by a container" in node.sandkube("image", "remove", "used", status=2).stderr
    node.kubectl("delete", "pod", "uses")
    node.sandkube("image", "remove", "used")
    assert "There is no image `used`" in node.sandkube("image", "remove", "used", status=2).stderr


def test_what_is_missing_is_said_in_an_event(node: Node) -> None:
    limits = {"resources": {"limits": {"cpu": "1", "memory": "64Mi"}}}
    node.apply(pod("warned", "true", restartPolicy="Never", container={"image": "not-here:3", **limits}))
    node.phase("warned", "Succeeded")
    found = {}
    for _ in range(50):
        events = json.loads(
            node.kubectl(
                "get", "events", "-o", "json", "--field-selector=involvedObject.name=warned,type=Warning"
            ).stdout
        )["items"]
        found = {one["reason"]: one["message"] for one in events}
        if len(found) == 2:
            break
    assert "sandkube image load not-here:3 PATH" in found["HostFiles"]
    assert "CPU limit" in found["LimitNotEnforced"]


def test_a_container_without_a_command_says_what_it_needs(node: Node) -> None:
    manifest = pod("bare", container={"image": "nobody-has-it"})
    del manifest["spec"]["containers"][0]["command"]
    node.apply(manifest)
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    node.wait("pod/bare", f"{reason}=CreateContainerError")
    waiting = node.get("pod", "bare")["status"]["containerStatuses"][0]["state"]["waiting"]
    assert "sandkube image load" in waiting["message"]
    node.kubectl("delete", "pod", "bare", "--now")


def test_a_container_that_takes_too_much_memory_is_killed(node: Node) -> None:
    hungry = "import time; x = bytearray(200 << 20); x[::4096] = b'x' * len(x[::4096]); time.sleep(60)"
    node.apply(
        pod(
            "hungry",
            *(node.sandkube.python[0], "-c", hungry),
            restartPolicy="Never",
            container={"resources": {"limits": {"memory": "64Mi"}}},
        )
    )
    node.phase("hungry", "Failed")
    ended = node.get("pod", "hungry")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
