"""Writing a binary into the cache: with its SHA-256, no more of it than a k3s can have, and onto the disk."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sandkube.cached import usable
from sandkube.errors import K3sInstallFailed, StateUnusable

__all__ = ["LARGEST", "Watcher", "megabytes", "store"]

LARGEST = 500 * 10**6
"""In bytes. A k3s has some 80 MB; what is far more is something else, and must not fill the disk."""

_MB = 10**6


class Watcher(Protocol):
    """Is told how an install goes on."""

    def step(self, text: str) -> None:
        """What is being done now."""

    def say(self, text: str) -> None:
        """Something is amiss, or takes longer than thought."""

    def received(self, count: int, total: int | None) -> None:
        """So many bytes of the binary are there; ``total`` is None where the server does not say."""


def store(blocks: Iterator[bytes], file: Path, total: int | None, watcher: Watcher) -> tuple[str, int]:
    """Write ``blocks`` to ``file``, in a stage of the cache; give their SHA-256 and how many bytes they were.

    What the blocks' own source raises comes through. Raises K3sInstallFailed for more than a k3s can have,
    StateUnusable where there is no room. The file is executable in the end.
    """
    root = file.parent.parent
    _check_size(total or 0)
    _check_room(root, total or 0)
    digest = hashlib.sha256()
    count = 0
    with usable(root):
        output = file.open("wb", buffering=0)  # so that a full disk is met in a write, and nowhere else
    with output:
        for block in blocks:
            count += len(block)
            _check_size(count)
            digest.update(block)
            with usable(root):
                rest = memoryview(block)
                while rest:
                    rest = rest[output.write(rest) :]
            watcher.received(count, total)
        with usable(root):
            os.fchmod(output.fileno(), 0o755)
            os.fsync(output.fileno())
    return digest.hexdigest(), count


def megabytes(count: int) -> str:
    """Give a number of bytes in MB, with one decimal below 10."""
    return f"{count / _MB:.1f}" if count < 10 * _MB else str(count // _MB)


def _check_size(count: int) -> None:
    if count > LARGEST:
        raise K3sInstallFailed(f"This is no k3s: it has more than {LARGEST // _MB} MB, and a k3s some 80 MB.")


def _check_room(root: Path, needed: int) -> None:
    free = shutil.disk_usage(root).free
    if free < needed:
        raise StateUnusable(
            f"The cache {root} has too little room: k3s takes {megabytes(needed)} MB, and "
            f"{megabytes(free)} MB are free.",
            hint="make room, or name another folder: export SANDKUBE_CACHE_DIR=/some/folder",
        )
