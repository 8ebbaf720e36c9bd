"""Unpacking an image's layers, one over the other, into a folder (OCI image specification, "Image Layer").

Nothing is ever written outside the folder: names, and the links that are on the way, are resolved within it,
and the last part of a name is never followed. Devices are made by root alone, and owners are kept by root
alone; where they cannot be, everything is the user's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tarfile
from pathlib import Path
from typing import IO, Final, Protocol, cast

from sandkube.runtime.files import inside

_GONE: Final = ".wh."
_ALL_GONE: Final = ".wh..wh..opq"
_BLOCK: Final = 1 << 20
_SPECIAL: Final = stat.S_ISUID | stat.S_ISGID


class DamagedLayerError(Exception):
    """A layer that cannot be unpacked, and why."""


class Readable(Protocol):
    """All that is needed of a file to unpack it."""

    def read(self, size: int = -1, /) -> bytes:
        """The next so many bytes."""


class Unpacker:
    """Unpacks layers, the lowest first, into ``root``, an empty folder; ``size`` is that of the files."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._as_root = os.geteuid() == 0
        self._folders: dict[str, tarfile.TarInfo] = {}
        self.size = 0

    def layer(self, stream: Readable) -> None:
        """Unpack one, a tar archive. DamagedLayerError, OSError."""
        made: set[str] = set()
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as archive:
                for member in archive:
                    self._member(archive, member, made)
        except (tarfile.TarError, EOFError) as error:
            raise DamagedLayerError(f"a layer is no tar archive, or is damaged: {error}") from error

    def finish(self) -> None:
        """Give the folders their modes and times, which would have been in the way before."""
        for path, member in sorted(self._folders.items(), reverse=True):
            if os.path.isdir(path) and not os.path.islink(path):
                self._dress(path, member)

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo, made: set[str]) -> None:
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise DamagedLayerError(f"a layer holds `{member.name}`, which leads out of it")
        if not parts:
            self._folders[self._root] = member
            return
        above = self._made_folder("/".join(parts[:-1]))
        name = parts[-1]
        if name == _ALL_GONE:
            for child in os.listdir(above):
                if f"{above}/{child}" not in made:
                    _remove(f"{above}/{child}")
            return
        if name.startswith(_GONE):
            _remove(f"{above}/{name.removeprefix(_GONE)}")
            return
        path = f"{above}/{name}"
        made.add(path)
        while above != self._root and above not in made:
            made.add(above)
            above = os.path.dirname(above)
        self._make(archive, member, path)

    def _made_folder(self, name: str) -> str:
        """The folder of that name in the tree, made where it is missing."""
        path = inside(self._root, name)
        with contextlib.suppress(FileExistsError):
            os.makedirs(path)
        if not os.path.isdir(path):
            _remove(path)
            os.makedirs(path)
        return path

    def _make(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        if member.isdir():
            if os.path.islink(path) or not os.path.isdir(path):
                _remove(path)
                os.mkdir(path, 0o700)
            self._folders[path] = member
            return
        _remove(path)
        self._folders.pop(path, None)
        if member.isreg():
            self._file(archive, member, path)
        elif member.issym():
            os.symlink(member.linkname, path)
        elif member.islnk():
            self._hard_link(member, path)
            return
        elif member.isfifo():
            os.mkfifo(path)
        elif not self._device(member, path):
            return
        self._dress(path, member)

    def _file(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        source = archive.extractfile(member)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            if source is not None:
                shutil.copyfileobj(source, file, _BLOCK)
        self.size += member.size

    def _hard_link(self, member: tarfile.TarInfo, path: str) -> None:
        folder, _, name = member.linkname.strip("/").rpartition("/")
        source = f"{inside(self._root, folder)}/{name}"
        if ".." in member.linkname.split("/") or not os.path.lexists(source):
            raise DamagedLayerError(f"`{member.name}` is a link to `{member.linkname}`, which is not there")
        os.link(source, path, follow_symlinks=False)

    def _device(self, member: tarfile.TarInfo, path: str) -> bool:
        if not self._as_root or not (member.ischr() or member.isblk()):
            return False
        kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
        try:
            os.mknod(path, kind | 0o600, os.makedev(member.devmajor, member.devminor))
        except OSError:  # root of a user namespace
            return False
        return True

    def _dress(self, path: str, member: tarfile.TarInfo) -> None:
        """Owner, mode and time, in this order: a change of owner takes away bits of the mode."""
        if self._as_root:
            with contextlib.suppress(OSError):  # an owner that a user namespace does not know
                os.chown(path, member.uid, member.gid, follow_symlinks=False)
        if not member.issym():
            mode = stat.S_IMODE(member.mode)
            if not self._as_root:
                # Its owner is the user, who has to be able to read and to remove it.
                mode = mode & ~_SPECIAL | (stat.S_IRWXU if member.isdir() else stat.S_IRUSR | stat.S_IWUSR)
            os.chmod(path, mode)
        with contextlib.suppress(OSError, OverflowError):
            os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)


def _remove(path: str) -> None:
    """Remove whatever is there; fine if there is nothing."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return
