"""What all tests share: the server is there before the first that needs it, and signals reach programs."""

from __future__ import annotations

import os
import signal

import pytest

from server_fixture import pytest_sessionstart

__all__ = ["pytest_sessionstart"]


def pytest_xdist_auto_num_workers() -> int:
    """A worker for each core, and no more than four: most of them have a control plane running."""
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that may take longest, lest one worker is alone with one at the end."""
    longest: dict[object, float] = {}
    for item in items:
        limit = item.get_closest_marker("timeout")
        seconds = float(limit.args[0]) if limit else 0.0
        longest[item.path] = max(longest.get(item.path, 0.0), seconds)
    items.sort(key=lambda item: -longest[item.path])


def pytest_configure() -> None:
    """Take back signals that whoever started pytest has it ignore, as a shell does for what runs behind it.

    Programs inherit that, and Ctrl-C and a closed terminal are what some tests are about.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
