"""What the tests of set-up share: the command line, natively, as a plain user and in gVisor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from command_line import Sandkube, as_nobody, sandkube
from gvisor.inside import Place, entered
from gvisor.sandbox import CannotRunError, find_runsc

__all__ = ["anywhere", "as_nobody", "sandkube"]


@pytest.fixture(
    params=["native", "as nobody", pytest.param("in gVisor", marks=pytest.mark.gvisor)],
)
def anywhere(request: pytest.FixtureRequest) -> Iterator[Sandkube]:
    """A sandkube in each of the places that a host may be."""
    if request.param != "in gVisor":
        yield request.getfixturevalue("sandkube" if request.param == "native" else "as_nobody")
        return
    try:
        with entered(find_runsc(), Place(0, "tmpfs")) as inside:
            yield inside
    except CannotRunError as error:
        pytest.skip(str(error))
