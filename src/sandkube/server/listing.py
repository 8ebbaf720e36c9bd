"""What servers there are on this machine, and taking them out of the cache."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandkube.config import ENV_SERVER
from sandkube.errors import ServerNotFound, UsageError
from sandkube.server import cache
from sandkube.server.locate import Server, from_distribution, from_variable, locate
from sandkube.server.lock import one_builder
from sandkube.server.version import ServerVersion, version

__all__ = ["Listed", "listed", "remove"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A server on this machine. ``name`` is what `remove` takes, and None for one outside the cache.

    ``size`` is in bytes; ``used`` says whether it is the one that clusters are started with; ``fault`` is
    what keeps it from being used, or None.
    """

    name: str | None
    origin: str
    path: Path
    template: Path | None
    version: ServerVersion | None
    size: int | None
    sha256: str | None
    used: bool
    fault: str | None


def listed(environ: Mapping[str, str] = os.environ, *, verify: bool = False) -> list[Listed]:
    """Give every server that can be found, in the order in which they are looked for.

    ``verify`` compares the SHA-256 of those in the cache with the recorded one: half a second each.
    """
    try:
        used = locate(environ).binary
    except ServerNotFound:
        used = None
    outside = [_outside(server, used) for server in _servers_outside(environ)]
    return outside + [_inside(entry, used, verify=verify) for entry in cache.entries(cache.root(environ))]


def remove(
    names: Sequence[str], report: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> list[Path]:
    """Remove the entries of these names from the cache, or everything if none is named; give what went.

    A build that is at work is waited for. Servers that run are not disturbed: the system keeps their file.
    Raises UsageError for a name that is not there; then nothing is removed.
    """
    root = cache.root(environ)
    present = {entry.folder.name: entry.folder for entry in cache.entries(root)}
    for name in names:
        if name not in present:
            raise UsageError(f"The cache holds no `{name}`; it holds {', '.join(present) or 'nothing'}.")
    if not root.is_dir():
        return []
    with one_builder(root, Path.cwd(), report):
        if names:
            going = [present[name] for name in names]
        else:
            going = [path for path in root.iterdir() if path.is_dir()]
        for folder in going:
            if folder.name in present:
                cache.remove(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)
    return going


def _servers_outside(environ: Mapping[str, str]) -> Iterator[Server]:
    if environ.get(ENV_SERVER):
        yield from_variable(Path(environ[ENV_SERVER]))
    installed = from_distribution()
    if isinstance(installed, Server):
        yield installed


def _outside(server: Server, used: Path | None) -> Listed:
    try:
        found, fault = version(server), None
    except ServerNotFound as error:
        found, fault = None, error.message
    return Listed(
        name=None,
        origin=server.origin,
        path=server.binary,
        template=server.template,
        version=found,
        size=server.binary.stat().st_size,
        sha256=None,
        used=server.binary == used,
        fault=fault,
    )


def _inside(entry: cache.Entry | cache.Damaged, used: Path | None, *, verify: bool) -> Listed:
    if isinstance(entry, cache.Damaged):
        path = entry.folder / cache.BINARY
        return Listed(
            entry.folder.name, "damaged", path, None, None, None, None, used=False, fault=entry.reason
        )
    return Listed(
        name=entry.folder.name,
        origin=f"{entry.kind} from {entry.source}",
        path=entry.binary,
        template=entry.template,
        version=entry.version,
        size=entry.size,
        sha256=entry.sha256,
        used=entry.binary == used,
        fault=entry.fault(thoroughly=verify),
    )
