"""What the tests of faults share: the command line, the thing that must not break; and the last word."""

from __future__ import annotations

import pytest

from command_line import as_nobody, sandkube
from faults.loading import SEED, TALLY
from lengths import LONG

__all__ = ["as_nobody", "sandkube"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Close a long run, of one process, by what was done and what was found."""
    if LONG and TALLY["loads"]:
        terminalreporter.write_line(
            f"{TALLY['kills']} kills under load; {TALLY['loads']} loads judged: {TALLY['writes']} "
            f"acknowledged writes, {TALLY['events']} events over {TALLY['resumptions']} resumptions, none "
            f"lost, repeated, out of order or going back (SANDKUBE_SEED={SEED})"
        )
