"""The state folder: whose it is, what it lies on, and whether a datastore can live there."""

from __future__ import annotations

import errno
import math
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.config import ENV_STATE_DIR
from sandkube.doctor import file_system
from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.errors import StateUnusable
from sandkube.plane.files import check_parent_folder

MB: Final = 10**6
NEEDED: Final = 32 * MB  # datastore with its log, certificates, the server's log
COMFORTABLE: Final = 200 * MB
_FILES: Final = 100
# Others may have them mounted too, and a lock or a mapping may not reach there.
_SHARED: Final = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "afs"}

_ALL: Final = os.R_OK | os.W_OK | os.X_OK
_ELSEWHERE: Final = f"export {ENV_STATE_DIR}=/some/folder"

NO_PLACE: Final = Kind(
    "state-no-place",
    "problem",
    "There is no place for the state folder",
    "Clusters are kept in the user's home folder unless another one is named.",
    _ELSEWHERE,
)
UNREADABLE: Final = Kind(
    "state-unreadable",
    "problem",
    "The state folder cannot be read or written to",
    "What is in it is neither found nor served, and no cluster can be made.",
    "chmod u+rwx {folder}  # or another folder: " + _ELSEWHERE,
)
READ_ONLY: Final = Kind(
    "state-read-only",
    "problem",
    "The state folder is on a read-only file system",
    "A cluster writes: its certificates, its datastore, its log.",
    _ELSEWHERE,
)
NOT_OURS: Final = Kind(
    "state-not-private",
    "problem",
    "Others can write to the state folder",
    "Who can write there could put a datastore, a certificate or a program of theirs in the place of yours.",
    "chmod go-w {folder}  # or another folder: " + _ELSEWHERE,
)
FULL: Final = Kind(
    "state-full",
    "problem",
    "The disk of the state folder is full",
    "Without space the datastore refuses every write, and a new cluster cannot start.",
    "df -h {folder}  # make space there, or take another folder: " + _ELSEWHERE,
)
LOW: Final = Kind(
    "state-low",
    "note",
    "Little space for the state folder",
    "Every object that is written takes space, and so does the server's log.",
    "df -h {folder}  # make space there",
)
NO_LOCKS: Final = Kind(
    "state-no-locks",
    "problem",
    "Files in the state folder cannot be locked",
    "Locks keep two commands, and two servers, from working on one cluster; SQLite needs them, too.",
    _ELSEWHERE,
)
NO_MAPPING: Final = Kind(
    "state-no-shared-memory",
    "problem",
    "Files in the state folder cannot be mapped to memory",
    "SQLite's write-ahead log keeps its index in a file that is mapped to memory and shared.",
    _ELSEWHERE,
)
NO_SOCKETS: Final = Kind(
    "state-no-sockets",
    "problem",
    "There can be no socket in the state folder",
    "The API server talks to its datastore over a unix socket, which lies in the cluster's folder.",
    _ELSEWHERE,
)
SHARED: Final = Kind(
    "state-shared",
    "note",
    "The state folder is on a file system for several machines",
    "SQLite's write-ahead log works on one machine alone. From another, a cluster of this folder must not "
    "be used.",
    _ELSEWHERE,
)
_LACKS: Final[dict[file_system.Ability, Kind]] = {
    "lock": NO_LOCKS,
    "map": NO_MAPPING,
    "socket": NO_SOCKETS,
}


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Tell what the folder is like; of one that is not there yet, the nearest that is."""
    try:
        folder = surroundings.state_dir()
    except StateUnusable as error:
        yield NO_PLACE.found(error.message)
        return
    try:
        there = file_system.existing(folder)
        mount = file_system.mount_of(there, surroundings.proc)
        if file_system.is_read_only(there, mount):
            yield READ_ONLY.found(f"{folder} is on a read-only file system{_mounted(mount)}.")
            return
        closed = list(_closed(folder, there))
    except OSError as error:
        text = f"{folder} cannot be reached: {error.strerror} ({error.filename})."
        yield UNREADABLE.found_with(text, _ELSEWHERE)
        return
    yield from closed
    if not closed:
        yield from _file_system(folder, there, mount)


def _closed(folder: Path, there: Path) -> Iterator[Finding]:
    """The folders that are not this user's, or shut, or open to others."""
    if not there.is_dir():
        yield UNREADABLE.found_with(f"{folder} cannot be made: {there} is not a folder.", _ELSEWHERE)
        return
    if there != folder:
        if not os.access(there, _ALL):
            text = f"{folder} is not there, and cannot be made: permission denied for {there}."
            yield _shut(text, there)
        return
    try:
        check_parent_folder(folder)
    except StateUnusable as error:
        yield NOT_OURS.found(error.message, folder=shlex.quote(str(folder)))
    for path in _ours(folder):
        found = path.lstat()
        if not os.access(path, _ALL):
            yield _shut(
                f"{path} cannot be used: permission denied (mode {stat.S_IMODE(found.st_mode):04o}, owner "
                f"{found.st_uid}, and you are {os.getuid()}).",
                path,
            )
            return  # what is in it cannot be seen
        if path != folder and found.st_uid != os.getuid():
            text = f"{path} belongs to the user with the number {found.st_uid}, and you are {os.getuid()}."
            yield NOT_OURS.found_with(text, _ELSEWHERE)
        elif path != folder and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            yield NOT_OURS.found(f"Others can write to {path}.", folder=shlex.quote(str(path)))


def _shut(text: str, path: Path) -> Finding:
    """A folder without rights: they can be given by whoever owns it."""
    if path.stat().st_uid == os.getuid():
        return UNREADABLE.found(text, folder=shlex.quote(str(path)))
    return UNREADABLE.found_with(text, _ELSEWHERE)


def _ours(folder: Path) -> Iterator[Path]:
    yield folder
    clusters = folder / "clusters"
    if clusters.exists():
        yield clusters
        yield from sorted(path for path in clusters.iterdir() if path.is_dir())


def _file_system(folder: Path, there: Path, mount: file_system.Mount | None) -> Iterator[Finding]:
    found = file_system.room(there)
    free = math.inf if found.free is None else found.free
    quoted = shlex.quote(str(folder))
    failed = file_system.try_out(there)
    no_space = "write" in failed and failed["write"].errno in (errno.ENOSPC, errno.EDQUOT)
    no_files = found.files is not None and found.files < _FILES
    if no_files:
        text = f"{found.files} more files are possible at {there}{_mounted(mount)}: it is out of inodes."
        yield FULL.found(text, folder=quoted)
    elif no_space or free < NEEDED:
        yield FULL.found(f"{free / MB:.1f} MB are free at {there}{_mounted(mount)}.", folder=quoted)
    elif "write" in failed:
        text = f"{there} cannot be written to: {failed['write'].strerror}."
        yield UNREADABLE.found_with(text, _ELSEWHERE)
    for ability, kind in _LACKS.items():
        if ability in failed:
            yield kind.found(f"At {there}{_mounted(mount)}: {failed[ability].strerror}.")
    if failed or no_files or free < NEEDED:
        return
    if free < COMFORTABLE:
        yield LOW.found(f"{free // MB:.0f} MB are free at {there}{_mounted(mount)}.", folder=quoted)
    elif mount is not None and mount.kind in _SHARED and not _is_sandbox(mount):
        yield SHARED.found(f"{folder} is on {mount.kind}, mounted at {mount.point}.")
    else:
        on = f"{mount.kind}, " if mount else ""
        yield ok(f"{folder}: {on}{file_system.gigabytes(found.free)} free")


def _mounted(mount: file_system.Mount | None) -> str:
    return f" ({mount.kind}, mounted at {mount.point})" if mount else ""


def _is_sandbox(mount: file_system.Mount) -> bool:
    """Whether this is gVisor's way to the host's files, which is one machine's."""
    return mount.kind == "9p" and any(option.startswith(("trans=fd", "directfs")) for option in mount.options)


CHECK: Final = Check(
    "state folder",
    "The state folder",
    (NO_PLACE, UNREADABLE, READ_ONLY, NOT_OURS, FULL, LOW, NO_LOCKS, NO_MAPPING, NO_SOCKETS, SHARED),
    look,
)
