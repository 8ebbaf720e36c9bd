"""Binaries in the user's cache: whether one is still what was put there, and one process that changes it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from sandkube.errors import Locked, StateUnusable

__all__ = ["alone", "fault", "make_folder", "sha256", "usable"]

_PATIENCE = 3600.0  # seconds to wait for another process: it may be building


def fault(path: Path, *, size: int, mtime_ns: int, digest: str, thoroughly: bool = False) -> str | None:
    """Say what is wrong with the binary at ``path``, or None.

    It has to have the size (bytes) and the time of change (nanoseconds) that it had; ``thoroughly`` compares
    its SHA-256, too.
    """
    try:
        stat = path.stat()
        if (stat.st_size, stat.st_mtime_ns) != (size, mtime_ns):
            return "the binary was changed after it was put there"
        if thoroughly and sha256(path) != digest:
            return "the binary's SHA-256 is not the recorded one"
    except OSError as error:
        return f"the binary cannot be read: {error.strerror}"
    return None


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def make_folder(path: Path) -> None:
    """Make ``path`` and its missing parents so that nobody else can write there, under any umask.

    Programs will lie in it. Raises OSError.
    """
    if not path.parent.exists():
        make_folder(path.parent)
    path.mkdir(mode=0o755, exist_ok=True)


@contextlib.contextmanager
def alone(
    root: Path, say: Callable[[str], None], waits_for: Callable[[], str], patience: float = _PATIENCE
) -> Iterator[None]:
    """Hold the lock of the cache at ``root``, made if need be; where another has it, say so and wait.

    ``waits_for`` names the other one; ``patience`` is in seconds. The kernel gives the lock up for a process
    that is killed. Raises StateUnusable where the cache cannot be written to, Locked where the wait was too
    long.
    """
    from filelock import FileLock, Timeout

    with usable(root):
        make_folder(root)
        lock = FileLock(root / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"Waiting for {waits_for()}")
            try:
                lock.acquire(timeout=patience)
            except Timeout:
                raise Locked(f"After {patience:.0f} seconds there is still {waits_for()}") from None
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
