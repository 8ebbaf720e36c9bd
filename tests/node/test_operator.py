"""The operator in examples/operator, as its README says, natively and in gVisor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.conftest import PLACES, Node, with_node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "operator"


@pytest.fixture(scope="module", params=[PLACES[0], PLACES[2]])
def operated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A cluster in which the operator runs."""
    with with_node(request.param, tmp_path_factory.mktemp("operator")) as made:
        printed = made.sandkube.run([*made.sandkube.python, str(EXAMPLE / "manifests.py")]).stdout
        made.kubectl("apply", "-f", "-", stdin=printed)
        done = made.kubectl(
            "-n", "bookshelves", "rollout", "status", "deployment/operator", "--timeout=90s", status=None
        )
        told = made.kubectl("-n", "bookshelves", "logs", "deployment/operator", "--tail=20", status=None)
        assert done.returncode == 0, f"{done.stderr}\n{told.stdout}{told.stderr}"
        yield made


def test_it_keeps_refuses_and_tidies(operated: Node) -> None:
    operated.kubectl("apply", "-f", str(EXAMPLE / "shelf.yaml"))
    operated.wait("bookshelf/novels", "jsonpath={.status.keep.kept}=shelf-novels")
    assert operated.get("configmap", "shelf-novels")["data"] == {"books": "12"}
    patch = ["patch", "bookshelf", "novels", "--type=merge", "-p"]
    done = operated.kubectl(*patch, '{"spec": {"books": 1001}}', status=1)
    assert "a shelf bears 1000 books, and not 1001" in done.stderr
    operated.kubectl(*patch, '{"spec": {"books": 13}}')
    operated.wait("configmap/shelf-novels", "jsonpath={.data.books}=13")
    operated.kubectl("delete", "bookshelf", "novels", "--timeout=60s")
    operated.wait("configmap/gone-novels", "jsonpath={.metadata.name}=gone-novels")
    operated.wait("configmap/shelf-novels", "delete")
