"""The life of a cluster in gVisor, command by command: as root and as plain users, on both file systems."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from gvisor.inside import Inside, Place

pytestmark = pytest.mark.gvisor


@pytest.fixture
def cluster(inside: Inside) -> Iterator[str]:
    """The name of a cluster that is up, and gone after the test."""
    name = f"c{secrets.token_hex(3)}"
    inside("up", name)
    yield name
    inside("delete", name)


def test_this_is_gvisor(inside: Inside, place: Place) -> None:
    assert inside.is_gvisor()
    assert "Starting gVisor..." in inside.run(["dmesg"]).stdout
    assert inside.run(["id", "-u"]).stdout == f"{place.user}\n"


def test_it_starts_tells_serves_and_stops(inside: Inside, place: Place) -> None:
    inside("up")
    assert inside.status()["state"] == "running"
    kind = inside.run(["stat", "--file-system", "--format=%T", str(inside.state)]).stdout
    assert (kind == "tmpfs\n") == (place.state == "tmpfs")
    # What is on gVisor's own files, the host does not see.
    assert inside.state.exists() == (place.state != "tmpfs")

    inside("kubectl", "create", "deployment", "web", "--image=nginx", "--replicas=2")
    inside("kubectl", "wait", "--for=jsonpath={.status.replicas}=2", "deployment/web", "--timeout=60s")
    inside("down")
    assert inside.status(status=1)["state"] == "stopped"
    inside("up")
    assert "deployment.apps/web" in inside("kubectl", "get", "deployments", "--output=name").stdout
    inside("delete")
    assert "default" not in inside("list").stdout
    left = inside.run(["find", str(inside.state), "-name", "state.db*"]).stdout
    assert left == ""


def test_a_killed_server_is_noticed_and_nothing_is_lost(inside: Inside, cluster: str) -> None:
    client = ("--cluster", cluster, "kubectl")
    inside(*client, "create", "configmap", "kept", "--from-literal=a=b")
    inside.run(["kill", "-9", str(inside.pid(cluster))])
    dead = inside.status(cluster, status=1)
    assert dead["state"] == "crashed"
    assert "ended without saying why" in dead["reason"]
    inside("up", cluster)
    kept = inside(*client, "get", "configmap", "kept", "--output=json").stdout
    assert json.loads(kept)["data"] == {"a": "b"}


def test_a_chart_is_linted_tried_installed_and_removed(as_user: Inside) -> None:
    script = """
        set -e
        sandkube up
        eval "$(sandkube env)"
        helm create mychart
        helm lint ./mychart
        kubectl apply -f <(helm template test ./mychart/) --dry-run=server
        helm install test ./mychart
        helm upgrade test ./mychart --set replicaCount=3
        helm uninstall test
        sandkube delete
    """
    said = as_user.shell(script, shell="bash").stdout
    for line in (
        "0 chart(s) failed",
        "deployment.apps/test-mychart created (server dry run)",
        "STATUS: deployed",
        "REVISION: 2",
        'release "test" uninstalled',
    ):
        assert line in said
