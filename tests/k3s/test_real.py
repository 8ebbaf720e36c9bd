"""With a real k3s, where SANDKUBE_K3S names one; elsewhere these are skipped by name.

No k3s can be had where this was written: what is tested here was not seen to pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from command_line import Sandkube, fresh

REAL = os.environ.get("SANDKUBE_K3S")

pytestmark = [
    pytest.mark.k3s,
    pytest.mark.skipif(REAL is None, reason="needs a real k3s: SANDKUBE_K3S names none"),
]


@pytest.fixture
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandkube]:
    """A sandkube whose new clusters are served by the real k3s."""
    environ = {"SANDKUBE_K3S": str(REAL), "SANDKUBE_DISTRIBUTION": "k3s"}
    with fresh(tmp_path_factory.mktemp("s"), environ=environ) as made:
        yield made


@pytest.mark.parametrize("cni", ["host-local", "none"])
def test_from_up_to_delete(real: Sandkube, cni: str) -> None:
    real("up", f"--cni={cni}")
    real("kubectl", "create", "deployment", "web", "--image=nginx")
    real("down")
    real("up")
    assert "deployment.apps/web" in real("kubectl", "get", "deployments", "-o", "name").stdout
    real("delete")
    assert real.servers() == []


def test_killed(real: Sandkube) -> None:
    real("up")
    real("kubectl", "create", "configmap", "kept")
    real.kill()
    real("up")
    assert "configmap/kept" in real("kubectl", "get", "configmaps", "-o", "name").stdout
