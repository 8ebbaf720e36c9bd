"""What k3s the cache holds, and taking it out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandkube.cached import usable
from sandkube.errors import K3sNotFound, UsageError
from sandkube.k3s import cache, versions
from sandkube.k3s.locate import K3s, locate

__all__ = ["Listed", "in_cache", "in_use", "listed", "remove"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A k3s in the cache. ``version`` is what `remove` takes.

    ``size`` is in bytes, ``installed`` in seconds since 1970; ``used`` says whether it is the one that
    clusters get; ``fault`` is what keeps it from being used, or None. A damaged one has little of this.
    """

    version: str
    path: Path
    source: str | None
    size: int | None
    sha256: str | None
    installed: float | None
    used: bool
    fault: str | None


def listed(environ: Mapping[str, str] = os.environ, *, verify: bool = False) -> list[Listed]:
    """Give what the cache holds, the one installed last first; ``verify`` compares each SHA-256."""
    used = in_use(environ)
    return [
        _listed(entry, used.binary if used else None, verify=verify)
        for entry in cache.entries(cache.root(environ))
    ]


def in_use(environ: Mapping[str, str] = os.environ) -> K3s | None:
    """Give the k3s that clusters get, wherever it is, or None."""
    try:
        return locate(None, environ)
    except K3sNotFound:
        return None


def in_cache(version: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Give the binary of a version in the cache; K3sNotFound where it is not there, or damaged."""
    name = versions.release(version) or version
    root = cache.root(environ)
    for entry in cache.entries(root):
        if entry.folder.name == name:
            fault = entry.reason if isinstance(entry, cache.Damaged) else entry.fault()
            if fault is not None:
                raise K3sNotFound(
                    f"The k3s {name} in the cache cannot be used: {fault}.",
                    hint=f"sandkube k3s install {name}",
                )
            return entry.folder / cache.BINARY
    raise K3sNotFound(f"The cache {root} holds no k3s {name}.", hint=f"sandkube k3s install {name}")


def remove(
    names: Sequence[str], say: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> list[Path]:
    """Remove these versions from the cache, or everything if none is named; give the folders that went.

    An install that is at work is waited for. A k3s that runs is not disturbed: the system keeps its file.
    Raises UsageError for a version that is not there; then nothing is removed.
    """
    root = cache.root(environ)
    if not root.is_dir() and not names:
        return []
    if root.is_dir():
        with cache.alone(root, say), usable(root):
            going = _named(names, root)
            cache.sweep(root)
            for folder in going:
                cache.remove(folder)
        return going
    return _named(names, root)


def _named(names: Sequence[str], root: Path) -> list[Path]:
    present = {entry.folder.name: entry.folder for entry in cache.entries(root)}
    if not names:
        return list(present.values())
    wanted = [name if name in present else versions.release(name) or name for name in names]
    for name in wanted:
        if name not in present:
            raise UsageError(f"The cache holds no k3s `{name}`; it holds {', '.join(present) or 'none'}.")
    return [present[name] for name in dict.fromkeys(wanted)]


def _listed(entry: cache.Entry | cache.Damaged, used: Path | None, *, verify: bool) -> Listed:
    path = entry.folder / cache.BINARY
    if isinstance(entry, cache.Damaged):
        return Listed(entry.folder.name, path, None, None, None, None, used=False, fault=entry.reason)
    return Listed(
        version=entry.version,
        path=path,
        source=entry.source,
        size=entry.size,
        sha256=entry.sha256,
        installed=entry.installed,
        used=path == used,
        fault=entry.fault(thoroughly=verify),
    )
