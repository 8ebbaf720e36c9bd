"""Files that only their owner can read; a reader sees the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandkube.errors import StateCorrupt, StateUnusable


def write_private(path: Path, content: str | bytes, *, mode: int = 0o600, sync: bool = True) -> None:
    """Replace ``path`` with ``content`` at once, under any umask. With ``sync`` it survives a power cut."""
    data = content.encode() if isinstance(content, str) else content
    with usable(path.parent):
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), mode)
                if sync:
                    os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_json(path: Path, document: object, *, sync: bool = True) -> None:
    """Replace ``path`` with ``document`` as indented JSON."""
    write_private(path, json.dumps(document, indent=1) + "\n", sync=sync)


def read_json(path: Path, remedy: str) -> dict[str, Any] | None:
    """The JSON object in ``path``; None if there is no file. StateCorrupt, with ``remedy``, for all else."""
    try:
        with usable(path):
            text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise StateCorrupt(f"{path} cannot be understood: it is not UTF-8 text.", hint=remedy) from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StateCorrupt(f"{path} cannot be understood: {error}.", hint=remedy) from error
    if not isinstance(document, dict):
        raise StateCorrupt(f"{path} cannot be understood: it holds no JSON object.", hint=remedy)
    return document


def make_private_folder(path: Path) -> bool:
    """Make ``path`` and its missing parents, mode 0700; whether it was made. One that is there is checked."""
    with usable(path):
        if not path.parent.is_dir():
            make_private_folder(path.parent)
        try:
            path.mkdir(mode=0o700)
            made = True
        except FileExistsError:
            made = False
        except FileNotFoundError as error:  # its parent is there: a file system like /proc
            raise StateUnusable(
                f"{path} cannot be made: {path.parent} takes no folders.",
                hint="name another folder: export SANDKUBE_STATE_DIR=/some/folder",
            ) from error
    if made:
        path.chmod(0o700)  # whatever the umask took away
    else:
        check_private_folder(path)
    return made


def check_private_folder(path: Path) -> None:
    """StateUnusable unless ``path`` is a folder of this user's that nobody else can write to."""
    with usable(path):
        found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise StateUnusable(f"{path} is not a folder.", hint="move it away, and try again")
    if found.st_uid != os.getuid():
        raise StateUnusable(
            f"{path} belongs to the user with the number {found.st_uid}, and you are {os.getuid()}.",
            hint="run sandkube as that user, or name another folder: export SANDKUBE_STATE_DIR=/some/folder",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StateUnusable(
            f"Others can write to {path}, so what it holds cannot be trusted.", hint=f"chmod go-w '{path}'"
        )
    if found.st_mode & 0o077:
        path.chmod(0o700)


def check_parent_folder(path: Path) -> None:
    """StateUnusable where others could put something of theirs in the place of what is ours in it."""
    with usable(path):
        found = path.stat()
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid not in (0, os.getuid()) or (writable and not found.st_mode & stat.S_ISVTX):
        raise StateUnusable(
            f"Others can write to {path}, so nothing private can be kept in it.",
            hint=f"chmod go-w '{path}', or name another folder: export SANDKUBE_STATE_DIR=…",
        )


@contextlib.contextmanager
def usable(path: Path) -> Iterator[None]:
    """Turns what a folder can do to us (no rights, read-only, full) into StateUnusable about ``path``."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0)
        if reason is None:
            raise
        raise StateUnusable(
            f"{path} cannot be used: {reason}.",
            hint="mend that, or name another folder: export SANDKUBE_STATE_DIR=/some/folder",
        ) from error


_REASONS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EROFS: "it is on a read-only file system",
    errno.ENOSPC: "no space is left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.ENOTDIR: "a part of the path is no folder",
    errno.ENAMETOOLONG: "the path is too long",
}


def size(path: Path) -> int:
    """How many bytes a file has: where what is appended next will begin. 0 for one that is not there."""
    try:
        with usable(path):
            return path.stat().st_size
    except FileNotFoundError:
        return 0
