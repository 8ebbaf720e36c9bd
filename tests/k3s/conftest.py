"""What the tests of k3s share: the stand-in as an executable, and a sandkube that is pointed to it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from command_line import Sandkube, as_nobody, fresh
from k3s import standin_k3s

__all__ = ["as_nobody"]

STAND_IN = Path(standin_k3s.__file__)


def write_stand_in(path: Path, made: Sandkube, behaviour: str = "") -> Path:
    """The stand-in as an executable at ``path``, which behaves as it is told."""
    words = [*made.python, str(STAND_IN), f"--server={made.server}", f"--stand-in={behaviour}", "--"]
    python_path = made.environ.get("PYTHONPATH", "")
    path.write_text(
        f'#!/bin/sh\nexport PYTHONPATH={shlex.quote(python_path)}\nexec {shlex.join(words)} "$@"\n'
    )
    path.chmod(0o755)
    return path


def pointed(made: Sandkube, behaviour: str = "") -> Sandkube:
    """``made`` with the stand-in as its k3s, by SANDKUBE_K3S, and k3s as the distribution of new clusters."""
    made.environ["SANDKUBE_K3S"] = str(write_stand_in(made.root / "k3s", made, behaviour))
    made.environ["SANDKUBE_DISTRIBUTION"] = "k3s"
    return made


@pytest.fixture
def sandkube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandkube]:
    """A sandkube of the test's own, whose new clusters are served by the stand-in."""
    with fresh(tmp_path_factory.mktemp("s")) as made:
        yield pointed(made)


@pytest.fixture
def behaving(sandkube: Sandkube) -> Callable[[str], Sandkube]:
    """The same with a stand-in that behaves as it is told."""
    return lambda behaviour: pointed(sandkube, behaviour)
