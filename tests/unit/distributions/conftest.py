"""A plan that every distribution can render from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandkube.config import ClusterSpec
from sandkube.distributions import Address, Plan, Programs
from sandkube.plane.folder import ClusterFolder
from sandkube.server import Server


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    folder = ClusterFolder.of(tmp_path / "a state", "demo")
    server = Server(Path("/opt/a server/sandkube-server"), Path("/opt/template.db"), "test")
    return Plan(
        ClusterSpec("demo"),
        folder,
        Address(6443, "192.0.2.7"),
        Programs.of(server),
        folder.path / "db" / "kine.sock",
        (6444, 10257, 10259),
    )
