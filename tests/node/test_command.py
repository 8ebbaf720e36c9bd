"""`sandkube node`: a node for a cluster that runs, and away again."""

from __future__ import annotations

import json
import sys

import pytest

from command_line import Sandkube, until
from node.conftest import skip_where_none_can_be

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

linux = pytest.mark.skipif(sys.platform != "linux", reason="a node needs Linux")


@linux
def test_a_node_is_added_and_removed_while_the_cluster_runs(sandkube: Sandkube) -> None:
    skip_where_none_can_be(sandkube)
    sandkube("up")
    pid = sandkube.pid()
    assert "No cluster has a node" in sandkube("node", "list").stderr
    assert "has no node" in sandkube("node", "logs", status=2).stderr
    sandkube("node", "add")
    assert "has a node already" in sandkube("node", "add").stderr
    (found,) = json.loads(sandkube("node", "list", "-o", "json").stdout)["nodes"]
    assert (found["cluster"], found["name"]) == ("default", "default-node")
    assert "default-node" in sandkube("node", "list").stdout
    kubectl = [*sandkube.command, "kubectl"]
    until(lambda: not sandkube.run([*kubectl, "get", "serviceaccount", "default"], status=None).returncode)
    sandkube("kubectl", "run", "one", "--image=none", "--", "x")
    sandkube("kubectl", "run", "two", "--image=none", "--command", "--", "sleep", "100000")
    sandkube("kubectl", "wait", "pod/two", "--for=condition=Ready", "--timeout=60s")
    assert "default-node" in sandkube("node", "logs", "--tail=200").stdout
    assert sandkube("node", "logs", "--part=runtime", "--tail=0").stdout == ""
    sandkube("node", "remove")
    assert "has no node." in sandkube("node", "remove").stderr
    assert sandkube("kubectl", "get", "nodes,pods", "-o", "name").stdout == ""
    assert sandkube.status()["node"] is None
    assert sandkube.pid() == pid
    sandkube("down")
    assert "is not running" in sandkube("node", "add", status=2).stderr


@linux
def test_a_script_starts_no_node(sandkube: Sandkube) -> None:
    assert "--no-node" in sandkube("up", "--node", "--dry-run", status=2).stderr
    assert sandkube("list").stdout == ""


@linux
def test_a_path_that_is_too_long_is_refused(sandkube: Sandkube) -> None:
    deep = sandkube.with_state(sandkube.root / ("deep" * 15))
    assert "SANDKUBE_STATE_DIR" in deep("up", "--node", status=2).stderr
    assert deep("list").stdout == ""
