"""The processes of a node are killed while twenty pods run, and the pods do not notice."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from command_line import until
from node.conftest import PLACES, Node, with_node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PODS = 20


@pytest.fixture(scope="module", params=[PLACES[0], PLACES[2]])
def busy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with twenty pods."""
    with with_node(request.param, tmp_path_factory.mktemp("busy")) as made:
        made.kubectl(
            *("create", "deployment", "many", "--image=none", f"--replicas={PODS}"),
            *("--", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"),
        )
        made.wait("deployment/many", f"jsonpath={{.status.readyReplicas}}={PODS}", 120)
        yield made


def containers(node: Node) -> dict[str, int]:
    """The ids of the containers of the twenty, and how often each pod's has been started anew."""
    found = json.loads(node.kubectl("get", "pods", "-l", "app=many", "-o", "json").stdout)["items"]
    statuses = [status for pod in found for status in pod["status"].get("containerStatuses", ())]
    return {status["containerID"]: status["restartCount"] for status in statuses}


def started(node: Node, part: str) -> list[int]:
    """The processes of a part of the node, the newest last, as its keeper tells."""
    path = f"{node.sandkube.state}/clusters/default/node/events.jsonl"
    events = map(json.loads, node.sandkube.run(["cat", path]).stdout.splitlines())
    return [one["pid"] for one in events if one["event"] == "started" and one["part"] == part]


def kill(node: Node, pid: int) -> None:
    node.sandkube.run(["kill", "-9", str(pid)])


def goes_on(node: Node, before: dict[str, int], name: str) -> None:
    """The same containers run, and a new pod gets to run."""
    node.kubectl("run", name, "--image=none", "--command", "--", "sleep", "1000")
    node.wait(f"pod/{name}", "condition=Ready", 120)
    assert containers(node) == before
    assert node.execute("deployment/many", "echo", "here").stdout == "here\n"


@pytest.mark.parametrize("part", ["runtime", "kubelet"])
def test_a_part_is_killed(busy: Node, part: str) -> None:
    before = containers(busy)
    pids = started(busy, part)
    kill(busy, pids[-1])
    until(lambda: len(started(busy, part)) > len(pids))
    goes_on(busy, before, f"after-{part}")


def test_the_server_is_killed(busy: Node) -> None:
    before = containers(busy)
    kill(busy, busy.sandkube.pid())
    busy.sandkube("up")
    goes_on(busy, before, "after-server")


def test_the_keeper_is_killed(busy: Node) -> None:
    kill(busy, busy.sandkube.status()["node_pid"])
    until(lambda: busy.sandkube.status()["node_pid"] is None)
    busy.sandkube("down")
    assert "trap 'exit 0' TERM; while" not in busy.command_lines()
    busy.sandkube("up")
    busy.wait("deployment/many", f"jsonpath={{.status.readyReplicas}}={PODS}", 120)
