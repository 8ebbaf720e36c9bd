"""Changing a file of the person's: whole or not at all, with its mode and owner, over nobody else's edit.

A link stays a link: what it points at is changed. Between reading and replacing the content is compared once
more, and whoever edited it meanwhile is not overwritten: the change is made anew, on what is there now.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandkube.errors import EditFailed
from sandkube.setup.host import Content

__all__ = ["Change", "change"]

_TRIES = 5  # edits by somebody else, one after the other, before we give up

Change = Literal["changed", "made", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class _Found:
    """A file as it was read; ``data`` None is no file."""

    data: bytes | None
    stat: os.stat_result | None


def change(path: Path, edit: Callable[[Content], Content]) -> Change:
    """Put what ``edit`` makes of the file's content in its place; say what came of it.

    Raises EditFailed, naming the file, where that cannot be; the file is as it was then.
    """
    try:
        target = path.resolve()
        for _ in range(_TRIES):
            found = _read(target)
            before = Content(_text(found), folder=target.parent.is_dir())
            after = edit(before)
            if after.text == before.text:
                return "unchanged"
            _check_writable(target, found)
            with _alone(target.parent):
                done = _put(target, found, after)
            if done is not None:
                return done
    except EditFailed as error:
        raise error.in_file(path) from None
    except (OSError, RuntimeError) as error:  # RuntimeError is a link that leads to itself, on older Pythons
        reason = getattr(error, "strerror", None) or str(error)
        raise EditFailed(
            f"{path} cannot be changed: {reason}.", hint="mend that, and try again; the file is as it was"
        ) from error
    raise EditFailed(f"{path} is being changed by somebody else all the time.", hint="try again")


def _read(target: Path) -> _Found:
    try:
        found = target.stat()
        if not stat.S_ISREG(found.st_mode):
            raise EditFailed("{file} is no regular file.", hint="name another one with --file")
        return _Found(target.read_bytes(), found)
    except FileNotFoundError:
        return _Found(None, None)


def _text(found: _Found) -> str | None:
    if found.data is None:
        return None
    try:
        return found.data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = found.data.count(b"\n", 0, error.start) + 1
        column = error.start - (found.data.rfind(b"\n", 0, error.start) + 1) + 1
        raise EditFailed(
            f"{{file}}:{line}:{column}: this is no UTF-8 text.",
            hint="save the file as UTF-8, and try again; nothing in it was changed",
        ) from error


def _check_writable(target: Path, found: _Found) -> None:
    """Replacing a file asks its folder alone for leave; whoever protected the file itself meant something."""
    if found.stat is None:
        return
    if found.stat.st_uid != os.geteuid() and os.geteuid() != 0:
        raise EditFailed(
            f"{{file}} belongs to the user with the number {found.stat.st_uid}, not to you.",
            hint="do this as that user",
        )
    if not found.stat.st_mode & stat.S_IWUSR or not os.access(target, os.W_OK):
        raise EditFailed("{file} is read-only.", hint="chmod u+w '{file}'")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against another of these commands, where its file system can; no file is left by it."""
    import fcntl

    handle = None
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _put(target: Path, found: _Found, after: Content) -> Change | None:
    """Put ``after`` in the place of what was found; None if that is not there any more."""
    if after.text is None:
        return _remove(target, found, folder_too=not after.folder)
    made_folder = not target.parent.is_dir()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(after.text.encode("utf-8"))
            file.flush()
            _like(file.fileno(), found.stat)
            os.fsync(file.fileno())
        if _read(target).data == found.data:
            Path(temporary).replace(target)
            return "made" if found.data is None else "changed"
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        if made_folder:
            with contextlib.suppress(OSError):
                target.parent.rmdir()
        raise
    Path(temporary).unlink()
    return None


def _remove(target: Path, found: _Found, *, folder_too: bool) -> Change | None:
    if _read(target).data != found.data:
        return None
    target.unlink()
    if folder_too:
        with contextlib.suppress(OSError):  # it holds something else by now
            target.parent.rmdir()
    return "removed"


def _like(handle: int, found: os.stat_result | None) -> None:
    """Give a new file the mode and owner of the old one, or what any new file gets."""
    if found is None:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(handle, 0o666 & ~mask)
        return
    if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(handle, found.st_uid, found.st_gid)
    os.fchmod(handle, stat.S_IMODE(found.st_mode))
