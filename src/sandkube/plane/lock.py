"""One command at a time changes a cluster, and one server at a time serves it."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator

from sandkube.errors import Locked
from sandkube.plane.files import usable
from sandkube.plane.folder import ClusterFolder, make_parent

# A command that waits longer than this says what it waits for.
_SILENT = 0.5


@contextlib.contextmanager
def locked(
    folder: ClusterFolder, timeout: float, report: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """Hold the cluster for as long as the block lasts; Locked after ``timeout`` seconds of waiting.

    The lock is the kernel's: it is gone with the process that holds it. Its empty file stays, because
    removing a file that others wait for would leave two holders, each with a file of its own.
    """
    import filelock  # 70 ms, and a cluster that runs as it is asked to needs no lock

    make_parent(folder)
    lock = filelock.FileLock(str(folder.lock), mode=0o600)
    with usable(folder.lock):
        try:
            lock.acquire(timeout=min(_SILENT, timeout), poll_interval=0.02)
        except filelock.Timeout:
            report(f"Waiting for another sandkube command that works on cluster `{folder.name}`")
            try:
                lock.acquire(timeout=max(0.0, timeout - _SILENT), poll_interval=0.05)
            except filelock.Timeout:
                raise Locked(
                    f"Another command has worked on cluster `{folder.name}` for {timeout:.0f} seconds.",
                    hint="wait for it, or end it, and try again",
                ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def locked_at_once(folder: ClusterFolder) -> Iterator[bool]:
    """Hold the cluster if nobody else does; gives whether it is held."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder, 0.0))
        except Locked:
            yield False
            return
        yield True


def datastore_is_held(folder: ClusterFolder) -> bool:
    """Whether a server holds the datastore, wherever it runs. Only while holding the cluster.

    To ask is to hold it for a moment, and a server that begins in that moment would refuse to.
    """
    import fcntl

    try:
        with folder.datastore_lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    return False
