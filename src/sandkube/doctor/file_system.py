"""What a folder's file system is and can do: asked of the kernel, and tried out in a passing folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Ability = Literal["write", "lock", "map", "socket"]

_PREFIX: Final = ".sandkube-doctor-"
_SOCKET_BYTES: Final = 100  # a longer path gets its socket elsewhere
_PAGE: Final = mmap.PAGESIZE


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: where, of what kind (`ext4`, `tmpfs`), and with which options."""

    point: Path
    kind: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class Room:
    """What is free for this user: bytes and files; None where the file system does not count them."""

    free: int | None
    files: int | None


def existing(path: Path) -> Path:
    """The nearest folder upwards that is there. PermissionError where that cannot be seen."""
    for candidate in (path, *path.parents):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            candidate.stat()
            return candidate
    return Path("/")


def mount_of(path: Path, proc: Path) -> Mount | None:
    """The file system that ``path`` lies on, from /proc/self/mountinfo; None where there is no such file."""
    try:
        lines = (proc / "self" / "mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    real = path.resolve()
    best: Mount | None = None
    for line in lines:
        mount = _mount(line)
        if mount is None or not real.is_relative_to(mount.point):
            continue
        if best is None or len(mount.point.parts) >= len(best.point.parts):  # a later one covers the earlier
            best = mount
    return best


def _mount(line: str) -> Mount | None:
    """A line of proc_pid_mountinfo(5)."""
    left, _, right = line.partition(" - ")
    before, after = left.split(), right.split()
    if len(before) < 6 or not after:  # noqa: PLR2004 -- fields 5 and 6 are the mount point and its options
        return None
    point = before[4].encode(errors="surrogateescape").decode("unicode_escape", errors="replace")
    options = {*before[5].split(","), *(after[2].split(",") if len(after) > 2 else ())}  # noqa: PLR2004
    return Mount(Path(point), after[0], frozenset(options))


def is_read_only(path: Path, mount: Mount | None) -> bool:
    """Whether nothing can be written there, whoever one is."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY) or (mount is not None and "ro" in mount.options)


def forbids_programs(path: Path, mount: Mount | None) -> bool:
    """Whether no program there can be run (`noexec`)."""
    flag = getattr(os, "ST_NOEXEC", 0)
    return bool(os.statvfs(path).f_flag & flag) or (mount is not None and "noexec" in mount.options)


def room(path: Path) -> Room:
    """What is free."""
    found = os.statvfs(path)
    free = found.f_bavail * found.f_frsize if found.f_blocks else None
    return Room(free, found.f_favail if found.f_files else None)


def gigabytes(amount: int | None) -> str:
    """Bytes as `1.3 GB`; `?` for what is not known."""
    return "?" if amount is None else f"{amount / 10**9:.1f} GB"


def try_out(folder: Path) -> dict[Ability, OSError]:
    """Do in ``folder`` what the datastore does: write, lock, map a file to memory, open a socket.

    Gives what does not work, with the reason. It is done in a new folder, which is removed.
    """
    failed: dict[Ability, OSError] = {}
    try:
        place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
    except OSError as error:
        return {"write": error}
    try:
        with (place / "file").open("w+b", buffering=0) as file:
            try:
                file.write(b"\0" * _PAGE)
                os.fsync(file.fileno())
            except OSError as error:
                return {"write": error}
            attempts: tuple[tuple[Ability, Callable[[int, Path], None]], ...] = (
                ("lock", _lock),
                ("map", _map),
            )
            for ability, attempt in attempts:
                try:
                    attempt(file.fileno(), place / "file")
                except OSError as error:
                    failed[ability] = error
        try:
            _listen(place / "s")
        except OSError as error:
            failed["socket"] = error
    except OSError as error:
        return {"write": error}
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return failed


def _lock(handle: int, path: Path) -> None:
    """flock, which must keep a second one out; and the locks of POSIX, which SQLite takes."""
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with path.open("rb") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            raise OSError(errno.ENOLCK, "a lock keeps nobody out")
    fcntl.flock(handle, fcntl.LOCK_UN)
    fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.lockf(handle, fcntl.LOCK_UN)


def _map(handle: int, path: Path) -> None:
    """Two views of one file in memory must be the same, as those of SQLite's WAL index are."""
    with path.open("r+b") as other, mmap.mmap(handle, _PAGE) as one, mmap.mmap(other.fileno(), _PAGE) as two:
        one[:4] = b"seen"
        if two[:4] != b"seen":
            raise OSError(errno.EIO, "what is written to one mapping is not seen in another")


def _listen(path: Path) -> None:
    if len(os.fsencode(path)) > _SOCKET_BYTES:
        return
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(os.fspath(path))
        listener.listen(1)
        client.settimeout(1.0)
        client.connect(os.fspath(path))
