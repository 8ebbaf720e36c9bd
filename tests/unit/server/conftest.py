from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sandkube.server.checkout import Checkout
from standin_go import StandinGo, make_checkout, make_go


@pytest.fixture(autouse=True)
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the servers in a cache of the test's own; no server is named by the environment."""
    monkeypatch.setenv("SANDKUBE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SANDKUBE_SERVER", raising=False)
    # by its name in sys.modules, since `sandkube.server.locate` is the function
    monkeypatch.setattr(sys.modules["sandkube.server.locate"], "from_distribution", lambda: "not installed")
    return tmp_path / "cache" / "server"


@pytest.fixture
def go(tmp_path: Path) -> StandinGo:
    return make_go(tmp_path / "go")


@pytest.fixture
def environ(go: StandinGo, tmp_path: Path) -> dict[str, str]:
    """An environment with the stand-in for Go on PATH, and the test's cache."""
    return go.environ | {"SANDKUBE_CACHE_DIR": str(tmp_path / "cache")}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A stand-in checkout that sandkube believes to run from."""
    make_checkout(tmp_path / "checkout")
    monkeypatch.setattr("sandkube.server.checkout.find", lambda: Checkout(tmp_path / "checkout"))
    return Checkout(tmp_path / "checkout")
