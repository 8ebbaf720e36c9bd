"""Reading images that tools have written.

That is an OCI layout, as a folder or an archive; what `docker save` writes; and an archive of a root file
system, as of `docker export`.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import json
import lzma
import platform
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from sandkube.runtime.images.layers import DamagedLayerError, Unpacker

_LAYOUT: Final = "oci-layout"
_INDEX: Final = "index.json"
_SAVED: Final = "manifest.json"  # docker save
_MOST_TEXT: Final = 16 << 20  # bytes of a document
_BLOCK: Final = 1 << 20
_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
_OPENERS: Final[tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...]] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
# What a root file system has at least one of.
_ROOT: Final = ("bin", "usr", "etc", "lib", "sbin", "app", "home")

Open = Callable[[str], IO[bytes]]


class UnreadableError(Exception):
    """What cannot be read as an image, and why."""


@dataclass(frozen=True)
class Read:
    """What was unpacked. ``id`` is ``sha256:`` and the digest of the image's configuration, as elsewhere.

    ``config`` is the image's own (`Entrypoint`, `Cmd`, `Env`, …), ``size`` in bytes.
    """

    id: str
    config: dict[str, Any]
    size: int


@dataclass(frozen=True)
class _Image:
    document: bytes
    layers: Sequence[str]


def is_root(path: Path) -> bool:
    """Whether a folder is an unpacked root file system, and no OCI layout."""
    return path.is_dir() and not (path / _LAYOUT).exists() and any((path / one).exists() for one in _ROOT)


def unpack(path: Path, root: Path, *, reference: str | None = None) -> Read:
    """Unpack the image in ``path`` into the empty folder ``root``.

    Where it holds several, it is the one called ``reference``. UnreadableError, OSError.
    """
    try:
        with _opened(path) as (names, open_):
            if _SAVED in names and _LAYOUT not in names:
                return _unpacked(_saved(open_, reference), open_, root)
            if _LAYOUT in names:
                return _unpacked(_of_layout(open_, reference), open_, root)
            if path.is_dir():
                raise UnreadableError(
                    "the folder is neither an OCI layout (it has no `oci-layout`) nor a root file system (it "
                    f"has none of {', '.join(_ROOT)})"
                )
        return _archive_of_root(path, root)
    except DamagedLayerError as error:
        raise UnreadableError(str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableError(
            f"its documents cannot be understood: {type(error).__name__} {error}"
        ) from error
    except (tarfile.TarError, EOFError, lzma.LZMAError) as error:
        raise UnreadableError(f"it is damaged, or no archive: {error}") from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[set[str], Open]]:
    """The names at its top, and what opens a file by its path within it."""
    if path.is_dir():

        def of_folder(name: str) -> IO[bytes]:
            found = path / name
            if ".." in Path(name).parts or not found.is_file():
                raise UnreadableError(f"`{name}`, which it names, is not there")
            return found.open("rb")

        yield {entry.name for entry in path.iterdir()}, of_folder
        return
    try:
        archive = tarfile.open(path, "r:*")  # noqa: SIM115 -- a with below
    except tarfile.TarError as error:
        if _begins_with(path, _ZSTANDARD):
            raise UnreadableError("it is compressed by zstd; unpack it first: unzstd FILE") from error
        raise
    with archive:
        members = {member.name.removeprefix("./"): member for member in archive}

        def of_archive(name: str) -> IO[bytes]:
            member = members.get(name)
            file = archive.extractfile(member) if member is not None else None
            if file is None:
                raise UnreadableError(f"`{name}`, which it names, is not in it")
            return file

        yield {name.split("/")[0] for name in members}, of_archive


def _begins_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _saved(open_: Open, reference: str | None) -> _Image:
    entries = json.loads(_text(open_, _SAVED))
    named = [entry for entry in entries if reference in (None, *(entry.get("RepoTags") or ()))]
    entry = _the_one(named or entries, reference, lambda one: ", ".join(one.get("RepoTags") or ("?",)))
    return _Image(_text(open_, entry["Config"]), entry["Layers"])


def _of_layout(open_: Open, reference: str | None) -> _Image:
    manifests = json.loads(_text(open_, _INDEX))["manifests"]

    def name(one: dict[str, Any]) -> str:
        notes = one.get("annotations") or {}
        return str(
            notes.get("io.containerd.image.name") or notes.get("org.opencontainers.image.ref.name") or "?"
        )

    named = [one for one in manifests if reference is not None and name(one) == reference]
    manifest = _manifest(open_, _the_one(named or manifests, reference, name))
    return _Image(_blob(open_, manifest["config"]), [_path(one) for one in manifest["layers"]])


def _the_one(
    found: list[dict[str, Any]], reference: str | None, name: Callable[[dict[str, Any]], str]
) -> Any:
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnreadableError("it holds no image")
    raise UnreadableError(
        f"it holds {len(found)} images: {'; '.join(map(name, found))}. Load it by the name of one of them"
        + (f", which `{reference}` is not" if reference is not None else "")
    )


def _manifest(open_: Open, described: dict[str, Any]) -> Any:
    """The manifest that a descriptor leads to: where it is an index of platforms, that of this machine's."""
    document = json.loads(_blob(open_, described))
    if "manifests" not in document:
        return document
    machine = _machine()
    fitting = [
        one
        for one in document["manifests"]
        if (one.get("platform") or {}).get("architecture") == machine
        and (one.get("platform") or {}).get("os", "linux") == "linux"
    ]
    if not fitting:
        there = {(one.get("platform") or {}).get("architecture", "?") for one in document["manifests"]}
        raise UnreadableError(f"it is for {', '.join(sorted(there))}, and this machine is {machine}")
    return _manifest(open_, fitting[0])


def _machine() -> str:
    return _MACHINES.get(platform.machine(), platform.machine())


def _path(described: dict[str, Any]) -> str:
    kind, _, digest = str(described["digest"]).partition(":")
    return f"blobs/{kind}/{digest}"


def _blob(open_: Open, described: dict[str, Any]) -> bytes:
    data = _text(open_, _path(described))
    kind, _, digest = str(described["digest"]).partition(":")
    if kind != "sha256" or hashlib.sha256(data).hexdigest() != digest:
        raise UnreadableError(f"the document {described['digest']} is damaged: its digest is another")
    return data


def _text(open_: Open, name: str) -> bytes:
    with open_(name) as file:
        data = file.read(_MOST_TEXT + 1)
    if len(data) > _MOST_TEXT:
        raise UnreadableError(f"`{name}` is too large for a document")
    return data


def _unpacked(image: _Image, open_: Open, root: Path) -> Read:
    document = json.loads(image.document)
    architecture, system = document.get("architecture"), document.get("os")
    if architecture not in (None, "", _machine()) or system not in (None, "", "linux"):
        raise UnreadableError(
            f"it is for {system} on {architecture}, and this machine is linux on {_machine()}"
        )
    digests = document["rootfs"]["diff_ids"]
    if len(digests) != len(image.layers):
        raise UnreadableError(f"it names {len(digests)} layers, and has {len(image.layers)}")
    unpacker = Unpacker(root)
    for name, digest in zip(image.layers, digests, strict=True):
        with open_(name) as file:
            stream = _Digested(_plain(file))
            unpacker.layer(stream)
            if stream.rest() != digest:
                raise UnreadableError(f"the layer `{name}` is damaged: its digest is not {digest}")
    unpacker.finish()
    return Read(
        f"sha256:{hashlib.sha256(image.document).hexdigest()}", document.get("config") or {}, unpacker.size
    )


def _archive_of_root(path: Path, root: Path) -> Read:
    """An archive that is no image: the files of one."""
    unpacker = Unpacker(root)
    with path.open("rb") as file:
        stream = _Digested(_plain(file))
        unpacker.layer(stream)
        digest = stream.rest()
    unpacker.finish()
    if not is_root(root):
        raise UnreadableError(
            "it is neither an image (it has no `oci-layout` and no `manifest.json`) nor an archive of a root "
            f"file system (it has none of {', '.join(_ROOT)})"
        )
    return Read(digest, {}, unpacker.size)


def _plain(file: IO[bytes]) -> IO[bytes]:
    """The same without its compression."""
    buffered = cast("io.BufferedReader", file)  # whether it is of a folder or of an archive
    begins = buffered.peek(8)
    if begins.startswith(_ZSTANDARD):
        raise UnreadableError(
            "its layers are compressed by zstd, which is not read here; write it anew with gzip: "
            "skopeo copy --dest-compress-format gzip …"
        )
    for magic, opener in _OPENERS:
        if begins.startswith(magic):
            plain: IO[bytes] = opener(buffered)
            return plain
    return buffered


class _Digested:
    """A stream that is read once, from beginning to end, and its SHA-256."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next so many bytes."""
        data = self._file.read(size)
        self._digest.update(data)
        return data

    def rest(self) -> str:
        """Read to the end, and give the digest of all."""
        while self.read(_BLOCK):
            pass
        return f"sha256:{self._digest.hexdigest()}"
