"""The cache folder, in which built and installed server binaries lie."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.config import ENV_CACHE_DIR
from sandkube.doctor import file_system
from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.errors import StateUnusable

MB: Final = 10**6
SERVER: Final = 400 * MB  # a binary while it is made, and its template

_ELSEWHERE: Final = f"export {ENV_CACHE_DIR}=/some/folder"

NOEXEC: Final = Kind(
    "cache-noexec",
    "problem",
    "Programs cannot be run from the cache",
    "The server binary lies in the cache. On a file system that is mounted `noexec` the kernel refuses to "
    "run it.",
    _ELSEWHERE + "; sandkube server build  # or: sandkube server install FILE",
)
NOEXEC_UNUSED: Final = Kind(
    "cache-noexec-unused",
    "note",
    "Programs cannot be run from the cache, and none needs to",
    "The server binary lies elsewhere. One that is built or installed later would not run.",
    _ELSEWHERE,
)
UNWRITABLE: Final = Kind(
    "cache-unwritable",
    "problem",
    "The cache cannot be written to, and there is no server binary",
    "A server binary that is built or installed goes into the cache.",
    _ELSEWHERE,
)
UNWRITABLE_UNUSED: Final = Kind(
    "cache-unwritable-unused",
    "note",
    "The cache cannot be written to",
    "There is a server binary, so nothing needs the cache now. Each command asks the binary for its version "
    "anew.",
    _ELSEWHERE,
)
FULL: Final = Kind(
    "cache-full",
    "problem",
    "There is no space for a server binary",
    "There is none yet, and a build or an install needs 400 MB in the cache.",
    "df -h {folder}  # make space there, or take another folder: " + _ELSEWHERE,
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Tell what the cache is like, as far as a server binary is, or has to go, there."""
    server = surroundings.server()
    try:
        folder = surroundings.cache_dir()
    except StateUnusable as error:
        yield (UNWRITABLE_UNUSED if server else UNWRITABLE).found(error.message)
        return
    try:
        there = file_system.existing(folder)
        mount = file_system.mount_of(there, surroundings.proc)
        noexec = file_system.forbids_programs(there, mount)
        writable = not file_system.is_read_only(there, mount) and os.access(there, os.W_OK | os.X_OK)
        free = file_system.room(there).free
    except OSError as error:
        text = f"{folder} cannot be reached: {error.strerror} ({error.filename})."
        yield (UNWRITABLE_UNUSED if server else UNWRITABLE).found(text)
        return
    if noexec:
        needed = server is None or _inside(server.binary, folder)
        point = mount.point if mount else there
        text = f"{folder} is on a file system that is mounted noexec ({point})."
        yield (NOEXEC if needed else NOEXEC_UNUSED).found(text)
    if not writable:
        kind = UNWRITABLE_UNUSED if server else UNWRITABLE
        yield kind.found(f"{folder} cannot be used: this user may not write to {there}.")
    elif server is None and free is not None and free < SERVER:
        yield FULL.found(f"{free // MB} MB are free at {there}.", folder=shlex.quote(str(there)))
    elif not noexec:
        yield ok(f"{folder}: {file_system.gigabytes(free)} free")


def tells_of(binary: Path, surroundings: Surroundings) -> bool:
    """Whether this check says why the server binary ``binary`` does not run."""
    try:
        folder = surroundings.cache_dir()
    except StateUnusable:
        return False
    mount = file_system.mount_of(binary, surroundings.proc)
    return _inside(binary, folder) and file_system.forbids_programs(binary, mount)


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


CHECK: Final = Check(
    "cache folder",
    "The cache folder",
    (NOEXEC, NOEXEC_UNUSED, UNWRITABLE, UNWRITABLE_UNUSED, FULL),
    look,
)
