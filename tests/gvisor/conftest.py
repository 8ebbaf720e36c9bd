"""What the tests in gVisor share: `runsc`, sandboxes of every kind, and what test runs inside them said."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gvisor.inside import Inside, Place, entered
from gvisor.sandbox import CannotRunError, find_runsc

PLACES = (
    Place(0, "tmpfs"),
    Place(0, "files"),
    Place(65534, "tmpfs", network="none"),
    Place(65534, "files"),
    Place(1000, "home"),
    Place(0, "tmpfs", "ptrace"),
)
SUMMARY = "summary of the run in gVisor"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Pass on what the test runs inside said of themselves."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == SUMMARY and report.when == "call":
                    terminalreporter.write_line(f"in gVisor: {report.nodeid.rpartition('::')[2]}: {value}")


@pytest.fixture(scope="session")
def runsc() -> Path:
    try:
        return find_runsc()
    except CannotRunError as error:
        pytest.skip(str(error))


@contextlib.contextmanager
def entered_or_skipped(runsc: Path, place: Place) -> Iterator[Inside]:
    """As `entered`, but where this cannot be had the test is skipped, with the reason."""
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(entered(runsc, place))
        except CannotRunError as error:
            pytest.skip(str(error))
        yield made


@pytest.fixture(scope="module", params=PLACES, ids=str)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


@pytest.fixture(scope="module")
def inside(runsc: Path, place: Place) -> Iterator[Inside]:
    """A sandbox at each of the places, which the tests of a module share."""
    with entered_or_skipped(runsc, place) as made:
        yield made


@pytest.fixture
def as_root(runsc: Path) -> Iterator[Inside]:
    """A sandbox of the test's own, as root, the state on gVisor's own files."""
    with entered_or_skipped(runsc, Place(0, "tmpfs")) as made:
        yield made


@pytest.fixture
def as_user(runsc: Path) -> Iterator[Inside]:
    """A sandbox of the test's own, as a plain user with a home folder.

    Where a plain user starts it, root in it is that user, and there is no other.
    """
    with entered_or_skipped(runsc, Place(1000 if os.getuid() == 0 else 0, "home")) as made:
        yield made


@pytest.fixture
def apart(runsc: Path) -> Iterator[Inside]:
    """As `as_user`, with loopback alone: there is no address to advertise, and no default route."""
    with entered_or_skipped(runsc, Place(1000 if os.getuid() == 0 else 0, "home", network="none")) as made:
        yield made
