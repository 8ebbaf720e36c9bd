"""Entries for a cache, made without building anything."""

from __future__ import annotations

from pathlib import Path

from sandkube.server import cache
from sandkube.server.version import ServerVersion

VERSION = ServerVersion(1, "9.9.9.1", "v9.9.9", "v0", "v4", "go1.26.8", "linux/amd64")


def put(
    root: Path,
    *,
    kind: cache.Kind = "built",
    key: str = "k1",
    source: str = "/checkout",
    version: ServerVersion = VERSION,
) -> cache.Entry:
    """Put an entry into the cache at ``root``."""
    stage = root / "stage-1"
    stage.mkdir(parents=True)
    (stage / cache.BINARY).write_text(f"binary of {key}")
    (stage / cache.TEMPLATE).write_text("template")
    return cache.add(root, stage, kind=kind, source=source, key=key, version=version)
