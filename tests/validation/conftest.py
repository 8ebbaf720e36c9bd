"""What the tests of validation share: control planes that are started when one is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import sandkube
from integration.shared_cluster import own_folders
from validation.planes import Planes

__all__ = ["sandkube"]


@pytest.fixture(scope="module")
def planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planes]:
    """Control planes of this file's own, one at a time; other tests fork, and must not share one."""
    with own_folders(tmp_path_factory.mktemp("validation")), Planes() as there:
        yield there


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path) -> Iterator[None]:
    """Each test's own state and caches, for commands that it runs itself."""
    with own_folders(tmp_path):
        yield
