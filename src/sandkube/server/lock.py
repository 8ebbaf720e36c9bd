"""One builder at a time: the lock of the cache, and who holds it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sandkube import cached
from sandkube.server import cache

__all__ = ["one_builder"]

_PATIENCE = 3600.0  # seconds to wait for another builder


@contextlib.contextmanager
def one_builder(
    root: Path, who: Path, report: Callable[[str], None], patience: float = _PATIENCE
) -> Iterator[None]:
    """Hold the cache's lock; where another process has it, say who, and wait up to ``patience`` seconds."""
    with cached.alone(root, report, lambda: f"another build: {_holder(root)}", patience):
        try:
            cache.keep(root / "building.json", {"pid": os.getpid(), "for": str(who), "since": time.time()})
            yield
        finally:
            (root / "building.json").unlink(missing_ok=True)


def _holder(root: Path) -> str:
    """Say who holds the lock. It may have taken it this very moment, so its name is waited for a little."""
    for _ in range(20):
        try:
            data = json.loads((root / "building.json").read_text(encoding="utf-8"))
            os.kill(data["pid"], 0)  # what a killed builder left names nobody
            minutes = max(time.time() - data["since"], 0) / 60
            return f"process {data['pid']} builds for {data['for']} since {minutes:.0f} min"
        except (OSError, ValueError, KeyError, TypeError):
            time.sleep(0.05)
    return "of a process that has not said who it is"
