"""The server binaries in the cache: one folder each, that is there as a whole or not at all.

::

    CACHE/server/
      built-KEY/       sandkube-server, template.db, entry.json and the notices, of one checkout's source
      installed-HASH/  the same, from `sandkube server install`
      versions/        what binaries outside the cache said their version is
      lock             held while something is built; building.json says by whom
      stage-PID*, .stage-PID*   unfinished; whoever holds the lock may remove those of a build

An entry is made in a folder of another name and renamed. entry.json holds the binary's SHA-256, size and time
of change: the last two are compared at every use, the hash when asked for.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sandkube import cached, config
from sandkube.cached import sha256
from sandkube.server.version import ServerVersion

__all__ = [
    "BINARY",
    "TEMPLATE",
    "Damaged",
    "Entry",
    "add",
    "entries",
    "keep",
    "remove",
    "root",
    "sha256",
    "template_beside",
]

BINARY = "sandkube-server"
TEMPLATE = "template.db"
_RECORD = "entry.json"
_FORMAT = 1

Kind = Literal["built", "installed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A binary in the cache. ``source`` is the checkout or file it came from, ``key`` that of its source."""

    folder: Path
    kind: Kind
    source: str
    key: str
    version: ServerVersion
    sha256: str
    size: int
    mtime_ns: int

    @property
    def binary(self) -> Path:
        """The path of the binary."""
        return self.folder / BINARY

    @property
    def template(self) -> Path | None:
        """The path of the template, or None: then clusters start cold."""
        path = self.folder / TEMPLATE
        return path if path.is_file() else None

    def fault(self, *, thoroughly: bool = False) -> str | None:
        """Say what is wrong with the binary, or None; ``thoroughly`` compares its SHA-256 too."""
        return cached.fault(
            self.binary,
            size=self.size,
            mtime_ns=self.mtime_ns,
            digest=self.sha256,
            thoroughly=thoroughly,
        )


@dataclass(frozen=True, slots=True)
class Damaged:
    """A folder in the cache that cannot be understood."""

    folder: Path
    reason: str


def template_beside(binary: Path) -> Path | None:
    """Give the template in the binary's folder; None where somebody else may have put it there.

    It has to be of whoever put the binary there, of this user or root. A folder for all, like /tmp, is where
    others could put one: with a role for themselves, say.
    """
    path = binary.parent / TEMPLATE
    try:
        link, found, owner = path.lstat(), path.stat(), binary.stat().st_uid
    except OSError:
        return None
    theirs = {link.st_uid, found.st_uid} - {0, os.getuid(), owner}
    return path if stat.S_ISREG(found.st_mode) and not theirs and not found.st_mode & stat.S_IWOTH else None


def root(environ: Mapping[str, str] | None = None) -> Path:
    """Give the folder of the server binaries in the user's cache; it may not exist yet."""
    return config.cache_dir(environ) / "server"


def entries(folder: Path) -> Iterator[Entry | Damaged]:
    """Yield what the cache holds, newest first. Unfinished folders are left out."""
    try:
        found = [path for path in folder.iterdir() if path.name.startswith(("built-", "installed-"))]
    except OSError:
        return
    for path in sorted(found, key=_age, reverse=True):
        yield _read(path)


def add(folder: Path, stage: Path, *, kind: Kind, source: str, key: str, version: ServerVersion) -> Entry:
    """Make the finished folder ``stage`` an entry of the cache, in place of one of the same name."""
    binary = stage / BINARY
    found = binary.stat()
    digest = sha256(binary)
    record = {
        "format": _FORMAT,
        "kind": kind,
        "source": source,
        "key": key,
        "version": version.to_json(),
        "sha256": digest,
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
    }
    (stage / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for path in stage.iterdir():
        path.chmod(path.stat().st_mode & ~0o022)  # whatever the umask left
    target = folder / f"{kind}-{key or digest[:16]}"
    _replace(stage, target)
    return Entry(target, kind, source, key, version, digest, found.st_size, found.st_mtime_ns)


def remove(folder: Path) -> None:
    """Remove an entry: renamed first, so that nobody meets half of it."""
    away = folder.with_name(f"stage-{os.getpid()}-removed-{folder.name}")
    with suppress(FileNotFoundError):
        folder.rename(away)
        shutil.rmtree(away, ignore_errors=True)


def keep(path: Path, data: dict[str, Any]) -> None:
    """Write a small JSON file that can be done without: a cache that cannot be written to is no error."""
    with suppress(OSError):
        cached.make_folder(path.parent)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        unfinished.write_text(json.dumps(data), encoding="utf-8")
        unfinished.chmod(0o644)  # whatever the umask left
        unfinished.replace(path)


def _replace(stage: Path, target: Path) -> None:
    try:
        stage.rename(target)
    except OSError:  # one of that name is there, as after `build --force`
        remove(target)
        stage.rename(target)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _read(folder: Path) -> Entry | Damaged:
    try:
        data = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if data["format"] != _FORMAT:
            return Damaged(folder, f"{_RECORD} has format {data['format']}, not {_FORMAT}")
        return Entry(
            folder=folder,
            kind=data["kind"],
            source=data["source"],
            key=data["key"],
            version=ServerVersion.from_json(data["version"]),
            sha256=data["sha256"],
            size=data["size"],
            mtime_ns=data["mtime_ns"],
        )
    except OSError as error:
        return Damaged(folder, f"{_RECORD} cannot be read: {error.strerror}")
    except (ValueError, KeyError, TypeError) as error:
        return Damaged(folder, f"{_RECORD} cannot be understood: {error}")
