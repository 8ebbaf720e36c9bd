"""Images as tools write them, made of a few files.

As a program, ``python made_images.py FOLDER`` writes a root file system and an OCI layout of it, ``root`` and
``layout``, with a few programs of this machine's.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
Entry = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes | str = b"", **fields: Any) -> Entry:
    """A file of a layer; ``fields`` are of `tarfile.TarInfo`."""
    data = content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def folder(name: str, mode: int = 0o755) -> Entry:
    """A folder of a layer."""
    return member(name, type=tarfile.DIRTYPE, mode=mode)


def link(name: str, target: str) -> Entry:
    """A symbolic link of a layer."""
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def layer(*entries: Entry) -> bytes:
    """A layer: a tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def config(layers: Sequence[bytes], said: Mapping[str, Any], architecture: str = MACHINE) -> bytes:
    """An image's configuration."""
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(said),
        "rootfs": {"type": "layers", "diff_ids": [_digest(one) for one in layers]},
    }
    return json.dumps(document).encode()


def write_layout(
    path: Path, images: Mapping[str, Sequence[bytes]], said: Mapping[str, Any], architecture: str = MACHINE
) -> Path:
    """An OCI layout in a folder, of images by name, each with its layers, which are compressed."""
    path.mkdir()
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    manifests = []
    for name, layers in images.items():
        manifest = {
            "schemaVersion": 2,
            "config": _blob(path, config(layers, said, architecture)),
            "layers": [_blob(path, gzip.compress(one)) for one in layers],
        }
        notes = {"org.opencontainers.image.ref.name": name}
        manifests.append({**_blob(path, json.dumps(manifest).encode()), "annotations": notes})
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    return path


def write_saved(path: Path, name: str, layers: Sequence[bytes], said: Mapping[str, Any]) -> Path:
    """What `docker save` writes (before 25)."""
    entries = [member("config.json", config(layers, said))]
    entries += [member(f"{number}/layer.tar", one) for number, one in enumerate(layers)]
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": names}]
    path.write_bytes(layer(*entries, member("manifest.json", json.dumps(manifest))))
    return path


def write_root(path: Path, *programs: str) -> Path:
    """A root file system with these programs of this machine's, and the libraries that they need."""
    for program in programs:
        found = shutil.which(program)
        assert found is not None, program
        real = os.path.realpath(found)
        target = path / "bin" / program
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real, target)
        said = subprocess.run(["ldd", real], capture_output=True, text=True, check=False).stdout
        for library in {word for word in said.split() if word.startswith("/")}:
            place = path / library.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(library), place)
    for name in ("etc", "tmp"):
        (path / name).mkdir(exist_ok=True)
    (path / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\nsomebody:x:1234:1234::/:/bin/sh\n")
    return path


def layer_of(root: Path) -> bytes:
    """A root file system as one layer."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in sorted(entry.name for entry in root.iterdir()):
            archive.add(root / name, name)
    return file.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob(path: Path, data: bytes) -> dict[str, Any]:
    digest = _digest(data)
    blob = path / "blobs" / "sha256" / digest.removeprefix("sha256:")
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    return {"digest": digest, "size": len(data)}


def write_both(path: Path) -> None:
    """A root file system, and a layout of it as the image `app:2`, which brings its command."""
    root = write_root(path / "root", "sh", "ls", "id", "sleep", "cat")
    (root / "only-here").write_text("x")
    said = {
        "Entrypoint": ["sh", "-c"],
        "Cmd": ["echo $WHO; pwd; ls /; id -u"],
        "Env": ["WHO=me"],
        "WorkingDir": "/w",
        "User": "1234",
    }
    write_layout(path / "layout", {"app:2": [layer_of(root)]}, said)


if __name__ == "__main__":
    write_both(Path(sys.argv[1]))
