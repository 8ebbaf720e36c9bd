"""Running the command line within the test's own process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pytest

from sandkube.cli import cli
from sandkube.cli.run import exit_status


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


class Run(Protocol):
    """Runs `sandkube` with these arguments."""

    def __call__(self, *arguments: str) -> Done: ...


@pytest.fixture
def run(state: object, capfd: pytest.CaptureFixture[str]) -> Run:
    """`sandkube`, as a function."""

    def sandkube(*arguments: str) -> Done:
        status = exit_status(cli, list(arguments))
        return Done(status, *capfd.readouterr())

    return sandkube
