"""The checkout of sandkube that we run from, if we do, and the identity of the Go source in it."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Checkout", "find"]

_PACKAGE = Path(__file__).resolve().parent.parent
_NO_SOURCE = {"__pycache__", "build", "dist", "src", "testdata"}
_NO_INPUT = {"LICENSE", "NOTICE", "README.md", "hatch_build.py"}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout; ``server`` is the folder with the Go source."""

    root: Path

    @property
    def server(self) -> Path:
        """The folder that holds go.mod and build.py."""
        return self.root / "server"

    def key(self) -> str:
        """Give a name for what a build of this source gives here: a hash of the source, and the platform.

        Tests and the Python of the wheel are left out, since no binary depends on them.
        """
        digest = hashlib.sha256()
        for path in sorted(_inputs(self.server)):
            digest.update(f"{path.relative_to(self.server).as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return f"{digest.hexdigest()[:16]}-{sys.platform}-{platform.machine().lower()}"


def find(package: Path = _PACKAGE) -> Checkout | None:
    """Give the checkout that ``package`` (the folder of `sandkube`) belongs to, or None.

    Only the layout of our own repository counts (`src/sandkube` beside `server/`, as an editable install has
    it): to look further up would run whatever build.py lies in a folder that others can write to.
    """
    root = package.parent.parent
    files = (root / "server" / "build.py", root / "server" / "go.mod")
    if package.parent.name != "src" or not all(file.is_file() for file in files):
        return None
    return Checkout(root)


def _inputs(folder: Path) -> Iterator[Path]:
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NO_SOURCE and not name.startswith(".")]
        for name in files:
            if name in _NO_INPUT or name.endswith("_test.go") or name.startswith("."):
                continue
            yield Path(directory, name)
