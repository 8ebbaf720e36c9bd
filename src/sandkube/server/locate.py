"""Where the server is: SANDKUBE_SERVER, the distribution `sandkube-server`, the cache. Runs nothing."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandkube.config import ENV_SERVER
from sandkube.errors import ServerNotFound
from sandkube.server import cache, checkout
from sandkube.server.version import CONTRACT

__all__ = ["Server", "from_cache", "from_distribution", "from_variable", "locate"]


@dataclass(frozen=True, slots=True)
class Server:
    """A server binary, the template that fits it (None: clusters start cold), and where it was found."""

    binary: Path
    template: Path | None
    origin: str


def locate(environ: Mapping[str, str] = os.environ) -> Server:
    """Give the server binary to use; ServerNotFound, naming each place looked at, where there is none."""
    if environ.get(ENV_SERVER):
        return from_variable(Path(environ[ENV_SERVER]))
    looked_at = [f"{ENV_SERVER} (not set)"]
    installed = from_distribution()
    if isinstance(installed, Server):
        return installed
    looked_at.append(f"the distribution `sandkube-server` ({installed})")
    found_checkout = checkout.find()
    key = found_checkout.key() if found_checkout else None
    root = cache.root(environ)
    cached = from_cache(root, key)
    if isinstance(cached, Server):
        return cached
    looked_at.append(f"the cache {root} ({cached})")
    if found_checkout is None:
        looked_at.append("a checkout of sandkube (this is none)")
        hint = "`sandkube server install FILE`, where FILE is a sandkube-server wheel or binary"
    else:
        hint = "`sandkube server build`"
    raise ServerNotFound(f"No sandkube server for this machine. Looked at: {'; '.join(looked_at)}", hint=hint)


def from_cache(folder: Path, key: str | None) -> Server | str:
    """Give the server in the cache, or say why none will do.

    One that was installed by hand goes first. Then, in a checkout, only a build of its very source (``key``)
    will do; elsewhere the newest build.
    """
    unfit: list[str] = []
    usable = list(_usable(folder, unfit))
    for entry in usable:
        if entry.kind == "installed":
            return Server(entry.binary, entry.template, f"installed from {entry.source}")
    for entry in usable:
        if key is None or entry.key == key:
            return Server(entry.binary, entry.template, f"built from {entry.source}")
    if usable:
        unfit.append("its builds are of other sources than this checkout's")
    return ", ".join(unfit) if unfit else "empty"


def _usable(folder: Path, unfit: list[str]) -> Iterator[cache.Entry]:
    for entry in cache.entries(folder):
        if isinstance(entry, cache.Damaged):
            unfit.append(f"{entry.folder.name}: {entry.reason}")
        elif fault := entry.fault():
            unfit.append(f"{entry.folder.name}: {fault}")
        elif entry.version.contract != CONTRACT:
            unfit.append(f"{entry.folder.name}: contract {entry.version.contract}, not {CONTRACT}")
        else:
            yield entry


def from_variable(path: Path) -> Server:
    """Give the server that SANDKUBE_SERVER names; ServerNotFound where it is no executable file."""
    try:
        there = path.is_file()
    except OSError as error:  # in a folder that is closed to this user, for one
        state = f"cannot be looked at: {error.strerror}"
        raise ServerNotFound(
            f"{ENV_SERVER} says `{path}`, which {state}", hint=f"mend or unset {ENV_SERVER}"
        ) from error
    if not there or not os.access(path, os.X_OK):
        state = "is not executable" if there else "is no file"
        raise ServerNotFound(f"{ENV_SERVER} says `{path}`, which {state}", hint=f"mend or unset {ENV_SERVER}")
    return Server(path.absolute(), cache.template_beside(path.resolve()), ENV_SERVER)


def from_distribution() -> Server | str:
    """Give the server of the installed distribution, or say why there is none."""
    if importlib.util.find_spec("sandkube_server") is None:
        return "not installed"
    import sandkube_server

    try:
        return Server(
            sandkube_server.binary(), sandkube_server.template(), "the distribution sandkube-server"
        )
    except OSError as error:
        return f"installed without a binary: {error.strerror}"
