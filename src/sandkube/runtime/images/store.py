"""The images of one node, in a folder of their own.

::

    names.json      which name is which image
    images.lock     held by who changes anything
    ID/image.json   what there is to know of it
    ID/files/       its root file system, unless it lies elsewhere

An image is unpacked beside the others and then renamed, and its name is written last: one that was broken off
has no name, and the next change removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from sandkube.errors import SandkubeError, UsageError
from sandkube.plane.files import make_private_folder, read_json, usable, write_json
from sandkube.runtime.images import layouts, names

_NAMES: Final = "names.json"
_LOCK: Final = "images.lock"
_RECORD: Final = "image.json"
_FILES: Final = "files"
_BEGUN: Final = ".begun-"
_KIND: Final = "sha256:"


@dataclass(frozen=True)
class Stored:
    """An image.

    ``id`` is ``sha256:…``, ``root`` its root file system, ``names`` are whole ones, ``config`` is the image's
    own, ``size`` in bytes, ``loaded`` in seconds since 1970.
    """

    id: str
    root: Path
    source: str
    size: int
    loaded: float
    config: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()


class Store:
    """What is kept in ``folder``. Several processes may share it: what changes it takes its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, name: str) -> Stored | None:
        """The image of that name or id; None where there is none, or where that cannot be a name."""
        known = self._names()
        found = name if name.startswith(_KIND) else None
        if found is None:
            with contextlib.suppress(ValueError):
                found = known.get(names.whole(name))
        return self._read(found, known) if found is not None else None

    def all(self) -> list[Stored]:
        """Every image, by its names."""
        known = self._names()
        found = [self._read(one, known) for one in set(known.values())]
        return sorted((one for one in found if one is not None), key=lambda one: one.names)

    def load(self, name: str, path: Path) -> Stored:
        """Keep the image in ``path`` by the name; what had it before loses it.

        A root file system in a folder is used where it lies, everything else is unpacked. UsageError for what
        cannot be a name or an image, SandkubeError where it cannot be kept.
        """
        try:
            whole = names.whole(name)
        except ValueError as error:
            raise UsageError(f"{error}.") from error
        if not path.exists():
            raise UsageError(f"There is no `{path}` to load an image from.")
        path = path.resolve()
        with self._changing():
            try:
                id_ = self._linked(path) if layouts.is_root(path) else self._unpacked(path, name)
            except layouts.UnreadableError as error:
                raise UsageError(f"`{path}` cannot be loaded: {error}.") from error
            known = self._names()
            known[whole] = id_
            self._keep(known)
            found = self._read(id_, known)
        assert found is not None
        return found

    def remove(self, name: str, used: frozenset[str] = frozenset()) -> Stored:
        """Forget the image of that name or id, with all its names, and what was unpacked of it.

        UsageError where there is none, and where its id is among those that are ``used``.
        """
        with self._changing():
            found = self.find(name)
            if found is None:
                there = ", ".join(names.short(one) for one in sorted(self._names()))
                raise UsageError(
                    f"There is no image `{name}` here{f'; there are: {there}' if there else ''}."
                )
            if found.id in used:
                raise UsageError(f"The image `{name}` is used by a container that runs.")
            self._keep({one: id_ for one, id_ in self._names().items() if id_ != found.id})
        return found

    def _linked(self, path: Path) -> str:
        id_ = f"{_KIND}{hashlib.sha256(f'folder:{path}'.encode()).hexdigest()}"
        stored = Stored(id_, path, str(path), 0, time.time())
        folder = self._folder(id_)
        make_private_folder(folder)
        self._write(folder, stored)
        return id_

    def _unpacked(self, path: Path, name: str) -> str:
        begun = self.folder / f"{_BEGUN}{secrets.token_hex(8)}"
        make_private_folder(begun)
        root = begun / _FILES
        root.mkdir(mode=0o755)
        try:
            with usable(path):
                read = layouts.unpack(path, root, reference=name)
            folder = self._folder(read.id)
            self._write(
                begun, Stored(read.id, folder / _FILES, str(path), read.size, time.time(), read.config)
            )
            if folder.exists():  # the same image once more: what runs goes on with what it has
                shutil.rmtree(begun, ignore_errors=True)
            else:
                begun.rename(folder)
        except BaseException:
            shutil.rmtree(begun, ignore_errors=True)
            raise
        return read.id

    def _write(self, folder: Path, stored: Stored) -> None:
        document = asdict(stored)
        del document["names"]
        write_json(folder / _RECORD, {"version": 1, **document, "root": str(stored.root)}, sync=False)

    def _read(self, id_: str, known: dict[str, str]) -> Stored | None:
        document = None
        with contextlib.suppress(SandkubeError):
            document = read_json(self._folder(id_) / _RECORD, remedy="")
        if document is None or not Path(document["root"]).is_dir():
            return None
        mine = tuple(sorted(name for name, one in known.items() if one == id_))
        values = {key: document[key] for key in ("id", "source", "size", "loaded", "config")}
        return Stored(**values, root=Path(document["root"]), names=mine)

    def _names(self) -> dict[str, str]:
        document = read_json(self.folder / _NAMES, remedy="load the images anew") or {}
        return dict(document.get("names") or {})

    def _keep(self, known: dict[str, str]) -> None:
        write_json(self.folder / _NAMES, {"version": 1, "names": known})
        kept = {self._folder(id_).name for id_ in known.values()}
        for folder in self.folder.iterdir():
            if folder.is_dir() and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, id_: str) -> Path:
        digest = id_.removeprefix(_KIND)
        return self.folder / (digest if digest.isalnum() else "-")

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        make_private_folder(self.folder)
        with usable(self.folder), (self.folder / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
