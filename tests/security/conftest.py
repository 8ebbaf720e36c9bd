"""What the tests of safety share: one cluster that runs, which none of them changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from command_line import Sandkube, as_nobody, fresh, sandkube

__all__ = ["as_nobody", "sandkube"]

# What a person's shell may hold, and a process that lives on must not.
SECRET_VARIABLES = {"AWS_SECRET_ACCESS_KEY": "wJalr-not-a-key", "GITHUB_TOKEN": "ghp-not-a-token"}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandkube]:
    """A sandkube with a cluster that runs, started under umask 022 by a shell that holds secrets."""
    with fresh(tmp_path_factory.mktemp("s"), environ=SECRET_VARIABLES) as made:
        made.shell("umask 022; sandkube up")
        yield made
