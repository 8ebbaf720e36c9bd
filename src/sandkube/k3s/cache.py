"""The k3s binaries in the cache: one folder for each version, that is there as a whole or not at all.

::

    CACHE/k3s/
      v1.35.1+k3s1/   k3s, entry.json
      lock            held while something is installed or removed
      stage-*         unfinished; whoever holds the lock may remove it

An entry is made in a folder of another name, written to the disk, and renamed. entry.json holds the binary's
SHA-256, size and time of change: the last two are compared at every use, the hash when asked for. Of several
the one that was installed last is used.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sandkube import cached, config
from sandkube.cached import sha256

__all__ = [
    "BINARY",
    "Damaged",
    "Entry",
    "add",
    "alone",
    "entries",
    "new_stage",
    "remove",
    "renew",
    "root",
    "sha256",
    "sweep",
]

BINARY = "k3s"
_RECORD = "entry.json"
_FORMAT = 1
_STAGE = "stage-"


@dataclass(frozen=True, slots=True)
class Entry:
    """A k3s in the cache. ``source`` is the address or file it came from.

    ``size`` is in bytes; ``installed`` is when it was asked for last, in seconds since 1970.
    """

    folder: Path
    version: str
    source: str
    sha256: str
    size: int
    mtime_ns: int
    installed: float

    @property
    def binary(self) -> Path:
        """The path of the binary."""
        return self.folder / BINARY

    def fault(self, *, thoroughly: bool = False) -> str | None:
        """Say what is wrong with the binary, or None; ``thoroughly`` compares its SHA-256 too."""
        fault = cached.fault(
            self.binary,
            size=self.size,
            mtime_ns=self.mtime_ns,
            digest=self.sha256,
            thoroughly=thoroughly,
        )
        if fault is None and not os.access(self.binary, os.X_OK):
            return "the binary is not executable"
        return fault


@dataclass(frozen=True, slots=True)
class Damaged:
    """A folder in the cache that cannot be understood."""

    folder: Path
    reason: str


def root(environ: Mapping[str, str] | None = None) -> Path:
    """Give the folder of the k3s binaries in the user's cache; it may not exist yet."""
    return config.cache_dir(environ) / "k3s"


def alone(folder: Path, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Hold the cache's lock, as :func:`sandkube.cached.alone` does."""
    return cached.alone(folder, say, lambda: "another process that installs or removes a k3s.")


def entries(folder: Path) -> Iterator[Entry | Damaged]:
    """Yield what the cache holds: the one installed last first, what is damaged at the end."""
    try:
        found = [_read(path) for path in folder.iterdir() if _is_entry(path)]
    except OSError:
        return
    whole = [entry for entry in found if isinstance(entry, Entry)]
    yield from sorted(whole, key=lambda entry: entry.installed, reverse=True)
    yield from sorted((e for e in found if isinstance(e, Damaged)), key=lambda entry: entry.folder)


def new_stage(folder: Path) -> Path:
    """Make a folder in which an entry is put together."""
    return Path(tempfile.mkdtemp(prefix=_STAGE, dir=folder))


def add(folder: Path, stage: Path, *, version: str, source: str, digest: str) -> Entry:
    """Make ``stage``, which holds the binary, the entry of this version, in place of one that is there.

    It is on the disk before it gets its name: a power cut leaves all of it or nothing.
    """
    stat = (stage / BINARY).stat()
    entry = Entry(folder / version, version, source, digest, stat.st_size, stat.st_mtime_ns, time.time())
    _write_record(stage, entry)
    stage.chmod(0o755)
    try:
        stage.rename(entry.folder)
    except OSError:  # one of that name is there, damaged or of another source
        remove(entry.folder)
        stage.rename(entry.folder)
    _sync_folder(folder)
    return entry


def renew(entry: Entry) -> Entry:
    """Make an entry the one that was installed last."""
    renewed = replace(entry, installed=time.time())
    _write_record(entry.folder, renewed)
    return renewed


def remove(folder: Path) -> None:
    """Remove an entry: renamed first, so that nobody meets half of it; a full disk is no hindrance."""
    away = folder.with_name(f"{_STAGE}{folder.name}")
    shutil.rmtree(away, ignore_errors=True)
    with suppress(FileNotFoundError):
        folder.rename(away)
        shutil.rmtree(away, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what an install that was killed has left; for whoever holds the lock."""
    for path in folder.iterdir():
        if path.name.startswith(_STAGE):
            shutil.rmtree(path, ignore_errors=True)


def _is_entry(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith((_STAGE, "."))


def _write_record(folder: Path, entry: Entry) -> None:
    values = {key: value for key, value in asdict(entry).items() if key != "folder"}
    unfinished = folder / f"{_RECORD}.new"
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"format": _FORMAT, **values}, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / _RECORD)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk; some file systems cannot, and need not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(folder: Path) -> Entry | Damaged:
    try:
        data = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if data["format"] != _FORMAT:
            return Damaged(folder, f"{_RECORD} has format {data['format']}, not {_FORMAT}")
        return Entry(
            folder=folder,
            version=str(data["version"]),
            source=str(data["source"]),
            sha256=str(data["sha256"]),
            size=int(data["size"]),
            mtime_ns=int(data["mtime_ns"]),
            installed=float(data["installed"]),
        )
    except OSError as error:
        return Damaged(folder, f"{_RECORD} cannot be read: {error.strerror}")
    except (ValueError, KeyError, TypeError) as error:
        return Damaged(folder, f"{_RECORD} cannot be understood: {error}")
