"""The files that a container sees, made in a mount namespace of its own.

``overlay``: the image, or the host's own root, below a layer that takes what the container writes.
``shadow``: of the host's root where no overlay over it can be had: a tree of its entries, each bound, with
real folders only on the way to mounts. What is written to the host's files there is written to the host.
``copy``: an image that cannot be overlaid, copied.

Nothing follows a link out of the tree: links in it are resolved within it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandkube.runtime import kernel
from sandkube.runtime.found import Mode

_MOST_LINKS: Final = 40
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
# What of the host's root the container gets anew.
_OWN: Final = ("/proc", "/sys", "/dev")


@dataclass(frozen=True)
class Mount:
    """A file or folder of the host's that is to be seen in the container.

    ``strict`` follows no link on the way to ``source``: what lies there was made by a pod.
    """

    source: str
    target: str
    read_only: bool = False
    strict: bool = False

    @classmethod
    def of(cls, value: dict[str, Any]) -> Mount:
        """From JSON."""
        return cls(value["source"], value["target"], value["read_only"], value["strict"])


def enter(
    *,
    scratch: str,
    mode: Mode,
    image: str | None,
    mounts: Sequence[Mount],
    hidden: Iterable[str] = (),
    read_only: bool = False,
    own_pids: bool = True,
) -> None:
    """Make the container's files and let them be this process's root; it has a mount namespace of its own.

    ``image`` is a root file system, None for the host's own. ``scratch`` is an empty folder, ``hidden`` are
    folders of the host that the container shall not look into. OSError says what was not to be had.
    """
    kernel.mount("none", "/", None, kernel.PRIVATE | kernel.RECURSIVE)
    in_order = sorted(mounts, key=lambda one: one.target.rstrip("/").count("/"))
    opened = [(_open(one), one) for one in in_order]
    kernel.mount("tmpfs", scratch, "tmpfs", 0, "mode=0755")
    tree = f"{scratch}/tree"
    os.mkdir(tree)
    lower = image or "/"
    ways = [(inside(lower, one.target, within=""), _is_folder(file)) for file, one in opened]
    if mode == "overlay":
        _overlay(scratch, lower, tree, [*ways, *((path, True) for path in _OWN)])
        if image is None:
            _bind_host_mounts(tree, beside=scratch)
    elif image is None:
        kernel.mount("tmpfs", tree, "tmpfs", 0, "mode=0755")
        _shadow(tree, ways)
    else:
        kernel.mount("tmpfs", tree, "tmpfs", 0, "mode=0755")
        shutil.copytree(image, tree, symlinks=True, dirs_exist_ok=True)
        _make_ways(tree, lower, ways)
    _devices(f"{tree}/dev")
    _processes(f"{tree}/proc", own=own_pids)
    with contextlib.suppress(OSError):
        kernel.bind("/sys", f"{tree}/sys", read_only=True)
    if image is None:
        for folder in hidden:
            _hide(tree, folder)
    for file, one in opened:
        target = inside(tree, one.target)
        _make(target, folder=_is_folder(file), like=None)
        kernel.bind(f"/proc/self/fd/{file}", target, read_only=one.read_only)
        os.close(file)
    if read_only:
        kernel.make_read_only(tree)
    kernel.pivot_root(tree)


def inside(root: str, path: str, *, within: str | None = None) -> str:
    """Where ``path`` leads in the tree ``root``, whose links and ``..`` never lead out of it.

    What is not there is taken as it is written. ``within`` is what the found path begins with, ``root``
    unless it is given.
    """
    left = deque(path.split("/"))
    found: list[str] = []
    links = 0
    while left:
        part = left.popleft()
        if part == "..":
            del found[-1:]
        elif part not in ("", "."):
            try:
                link = os.readlink("/".join([root.rstrip("/"), *found, part]))
            except OSError:
                found.append(part)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, f"{path}: too many links")
            if link.startswith("/"):
                found.clear()
            left.extendleft(reversed(link.split("/")))
    return "/".join([(root if within is None else within).rstrip("/"), *found])


def open_strictly(path: str) -> int:
    """Open what is at ``path`` without following any link on the way; OSError where there is one."""
    here = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in filter(None, path.split("/")):
        before = here
        try:
            here = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=before)
        finally:
            os.close(before)
        if stat.S_ISLNK(os.fstat(here).st_mode):
            os.close(here)
            raise OSError(errno.ELOOP, f"{path}: `{part}` is a link, and leads out of the volume")
    return here


def _open(mount: Mount) -> int:
    try:
        if mount.strict:
            return open_strictly(mount.source)
        return os.open(mount.source, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise OSError(error.errno, f"mounting {mount.source} at {mount.target}: {error.strerror}") from error


def _is_folder(file: int) -> bool:
    return stat.S_ISDIR(os.fstat(file).st_mode)


def _overlay(scratch: str, lower: str, tree: str, ways: Iterable[tuple[str, bool]]) -> None:
    os.mkdir(f"{scratch}/upper")
    os.mkdir(f"{scratch}/work")
    mode = os.stat(lower)
    os.chmod(f"{scratch}/upper", stat.S_IMODE(mode.st_mode))
    # before it is mounted: gVisor's overlay makes no folder in one of the lower layer that others own
    _make_ways(f"{scratch}/upper", lower, ways)
    if lower != "/":
        os.mkdir(f"{scratch}/lower")
        kernel.bind(lower, f"{scratch}/lower")
        lower = f"{scratch}/lower"
    kernel.overlay(lower, f"{scratch}/upper", f"{scratch}/work", tree)


def _make_ways(tree: str, lower: str, ways: Iterable[tuple[str, bool]]) -> None:
    """Make in ``tree`` what mounts will lie on, with the modes that folders of ``lower`` have."""
    for path, folder in ways:
        done = ""
        parts = [part for part in path.split("/") if part]
        for part in parts[:-1]:
            done = f"{done}/{part}"
            _make(tree + done, folder=True, like=lower + done)
        if parts:
            _make(f"{tree}{done}/{parts[-1]}", folder=folder, like=f"{lower}{done}/{parts[-1]}")


def _make(path: str, *, folder: bool, like: str | None) -> None:
    """Make a folder or an empty file, with the mode of what is at ``like``; fine if it is there."""
    try:
        mode = stat.S_IMODE(os.lstat(like).st_mode) if like is not None else None
    except OSError:
        mode = None
    if folder:
        os.makedirs(path, exist_ok=True)
    elif not os.path.lexists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644))
    else:
        return
    if mode is not None:
        os.chmod(path, mode)


def _bind_host_mounts(tree: str, beside: str) -> None:
    """An overlay of the root has only the root's own file system: bind the others."""
    done: list[str] = list(_OWN)
    for path in sorted(set(_mount_points())):
        under = any(path == one or path.startswith(f"{one}/") for one in done)
        if under or path in ("/", beside) or path.startswith(f"{beside}/"):
            continue
        target = inside(tree, path)
        with contextlib.suppress(OSError):  # what this user cannot see
            kernel.bind(path, target)
            done.append(path)


def _mount_points() -> Iterator[str]:
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            raw = line.split()[4]
            yield os.fsdecode(raw.decode("unicode_escape").encode("latin-1"))


def _shadow(tree: str, ways: Iterable[tuple[str, bool]]) -> None:
    real = {"/"}
    for path, folder in ways:
        if _fits(path, folder=folder):
            continue
        above = os.path.dirname(path)
        while above not in real:
            real.add(above)
            above = os.path.dirname(above)
    for name in _OWN:
        os.mkdir(f"{tree}{name}")
    _mirror(tree, "/", real)


def _fits(path: str, *, folder: bool) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode) == folder
    except OSError:
        return False


def _mirror(tree: str, folder: str, real: set[str]) -> None:
    for name in os.listdir(folder):
        path = f"{folder.rstrip('/')}/{name}"
        target = tree + path
        if path in _OWN:
            continue
        try:
            found = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(path), target)
        elif path in real and stat.S_ISDIR(found.st_mode):
            os.mkdir(target, 0o755)
            _mirror(tree, path, real)
        else:
            _make(target, folder=stat.S_ISDIR(found.st_mode), like=None)
            with contextlib.suppress(OSError):  # what this user cannot see
                kernel.bind(path, target)


def _devices(target: str) -> None:
    """No whole /dev of the host's: files are made in it, and it holds what no container has to see."""
    os.makedirs(target, exist_ok=True)
    kernel.mount("tmpfs", target, "tmpfs", kernel.NO_SETUID, "mode=0755")
    for name in _DEVICES:
        if os.path.exists(f"/dev/{name}"):
            _make(f"{target}/{name}", folder=False, like=None)
            kernel.bind(f"/dev/{name}", f"{target}/{name}")
    for name, link in _LINKS.items():
        os.symlink(link, f"{target}/{name}")
    os.mkdir(f"{target}/shm")
    kernel.mount("tmpfs", f"{target}/shm", "tmpfs", kernel.NO_SETUID | kernel.NO_DEVICES, "mode=1777")
    os.mkdir(f"{target}/pts")
    try:
        options = "newinstance,ptmxmode=0666,mode=0620"
        kernel.mount("devpts", f"{target}/pts", "devpts", kernel.NO_SETUID | kernel.NO_EXEC, options)
        os.symlink("pts/ptmx", f"{target}/ptmx")
    except OSError:  # the host's own
        with contextlib.suppress(OSError):
            kernel.bind("/dev/pts", f"{target}/pts")
            _make(f"{target}/ptmx", folder=False, like=None)
            kernel.bind("/dev/ptmx", f"{target}/ptmx")


def _processes(target: str, *, own: bool) -> None:
    os.makedirs(target, exist_ok=True)
    if own:
        try:
            kernel.mount("proc", target, "proc", kernel.NO_SETUID | kernel.NO_DEVICES | kernel.NO_EXEC)
        except OSError:  # parts of the host's are covered, and the kernel lets nobody look under that
            pass
        else:
            return
    kernel.bind("/proc", target)


def _hide(tree: str, folder: str) -> None:
    target = inside(tree, folder)
    if os.path.isdir(target):
        kernel.mount("tmpfs", target, "tmpfs", kernel.READ_ONLY, "mode=0000,size=4k")
