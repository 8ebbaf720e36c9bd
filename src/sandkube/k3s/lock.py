"""One install or removal at a time: the lock of the cache."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from sandkube.errors import Locked, StateUnusable

__all__ = ["alone", "usable"]

_PATIENCE = 3600.0  # seconds to wait for another


@contextlib.contextmanager
def alone(root: Path, say: Callable[[str], None], patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the cache's lock; where another process has it, say so, and wait up to ``patience`` seconds.

    The kernel gives the lock up for a process that is killed. Raises StateUnusable where the cache cannot be
    written to, Locked where the wait was too long.
    """
    from filelock import FileLock, Timeout

    with usable(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("Waiting for another process that installs or removes a k3s.")
            try:
                lock.acquire(timeout=patience)
            except Timeout:
                raise Locked(f"Another process has been at work in {root} for too long.") from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def usable(root: Path) -> Iterator[None]:
    """Turn what a cache can do to us (no rights, read-only, full) into StateUnusable about ``root``."""
    try:
        yield
    except OSError as error:
        raise StateUnusable(
            f"The cache {root} cannot be used: {error.strerror or error}.",
            hint="mend that, or name another folder: export SANDKUBE_CACHE_DIR=/some/folder",
        ) from error
