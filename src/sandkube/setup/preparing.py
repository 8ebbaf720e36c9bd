"""Having all that a start needs, so that later ones wait for no build and need no network.

For images and for caches of CI: what has to be kept, and the key to keep it under. The key follows what the
server is made of, so it is known before there is one.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandkube import __version__
from sandkube.cached import sha256
from sandkube.config import ENV_SERVER
from sandkube.errors import SandkubeError, ServerNotFound
from sandkube.plane import process
from sandkube.server import Server, ServerVersion, cache, checkout, ensure, locate
from sandkube.server.version import ask, check_contract

__all__ = ["Ready", "look", "prepare"]

_TEMPLATE_SECONDS: Final = 120
# What a start loads of Python, besides ourselves.
_LOADED: Final = ("click", "cryptography", "filelock", "platformdirs", "yaml")


@dataclass(frozen=True, slots=True)
class Ready:
    """What there is for a start. It is ready if nothing is ``missing``; each of that is a sentence.

    ``paths`` are to be kept in a cache, under ``key``; there are none where an installed distribution brings
    the server. ``notes`` are what could be better, as sentences.
    """

    server: Server | None
    version: ServerVersion | None
    k3s: Path | None
    paths: tuple[Path, ...]
    key: str
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether a start waits for nothing and needs no network."""
        return not self.missing


def look(environ: Mapping[str, str] = os.environ, *, k3s: bool = False) -> Ready:
    """What there is, without changing anything; ``k3s`` is whether a k3s has to be there too."""
    missing: list[str] = []
    notes: list[str] = []
    server, version = _server(environ, missing)
    if server is not None and server.template is None:
        if _entry_of(server, environ) is None:
            notes.append(
                f"{server.binary} has no template beside it, so new clusters start more slowly; "
                f"`sandkube server install {server.binary}` puts both into the cache."
            )
        else:
            missing.append("The template, from which new clusters start fast.")
    found = _k3s(environ, missing) if k3s else None
    paths = [*_paths(server, environ), *([_k3s_root(environ)] if k3s else [])]
    key = _key(environ) + ("-k3s" if k3s else "")
    return Ready(server, version, found, tuple(paths), key, tuple(missing), tuple(notes))


def prepare(
    report: Callable[[str], None],
    install_k3s: Callable[[], object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Ready:
    """Have the server, its template and Python's bytecode; where ``install_k3s`` is given, k3s as well.

    In a checkout without a server it is built, which takes minutes the first time. ``install_k3s`` is called
    if there is no k3s. Raises ServerNotFound, BuildFailed, and what ``install_k3s`` raises.
    """
    _restore_times(environ)
    server = ensure(report)
    check_contract(ask(server.binary), server.binary)
    entry = _entry_of(server, environ)
    if server.template is None and entry is not None:
        _make_template(server.binary, entry, report)
    if install_k3s is not None and _k3s(environ, []) is None:
        install_k3s()
    _compile(report)
    return look(environ, k3s=install_k3s is not None)


def _server(environ: Mapping[str, str], missing: list[str]) -> tuple[Server | None, ServerVersion | None]:
    try:
        server = locate(environ)
    except ServerNotFound as error:
        missing.append(error.message)
        return None, None
    try:
        version = ask(server.binary)
        check_contract(version, server.binary)
    except ServerNotFound as error:
        missing.append(error.message)
        return server, None
    return server, version


def _k3s(environ: Mapping[str, str], missing: list[str]) -> Path | None:
    from sandkube import k3s

    try:
        return k3s.locate(environ=environ).binary
    except SandkubeError as error:
        missing.append(error.message)
        return None


def _k3s_root(environ: Mapping[str, str]) -> Path:
    from sandkube.k3s import cache as k3s_cache

    return k3s_cache.root(environ)


def _entry_of(server: Server, environ: Mapping[str, str]) -> Path | None:
    """The folder in the cache that the server is in, if it is in it."""
    folder = server.binary.parent
    return folder if folder.parent == cache.root(environ) else None


def _paths(server: Server | None, environ: Mapping[str, str]) -> list[Path]:
    """What to keep. In a checkout it is known before it is there, as a cache that is to be restored needs."""
    if environ.get(ENV_SERVER):
        return [path for path in ((server.binary, server.template) if server else ()) if path is not None]
    if server is not None:
        entry = _entry_of(server, environ)
        return [] if entry is None else [entry]
    source = checkout.find()
    root = cache.root(environ)
    return [root if source is None else root / f"built-{source.key()}"]


def _key(environ: Mapping[str, str]) -> str:
    """A name for what a start here uses: of the Go source in a checkout, else of the versions."""
    source = checkout.find()
    if source is not None and not environ.get(ENV_SERVER):
        return f"sandkube-{source.key()}"
    return f"sandkube-{__version__}-{sys.platform}-{platform.machine().lower()}"


def _restore_times(environ: Mapping[str, str]) -> None:
    """Give binaries the time of change that is recorded, where their SHA-256 is the recorded one.

    An archive that keeps whole seconds makes a sound binary look like a changed one.
    """
    for entry in cache.entries(cache.root(environ)):
        if isinstance(entry, cache.Damaged) or entry.fault() is None:
            continue
        try:
            if entry.binary.stat().st_size == entry.size and sha256(entry.binary) == entry.sha256:
                os.utime(entry.binary, ns=(entry.mtime_ns, entry.mtime_ns))
        except OSError:
            continue  # it stays a damaged one, and is built anew


def _make_template(binary: Path, folder: Path, report: Callable[[str], None]) -> None:
    """Let the binary make its template; what goes wrong is said, and clusters start cold."""
    report("Making the template (some seconds).")
    for left in folder.glob(f".{cache.TEMPLATE}.*"):  # of one that was killed
        if process.identity(int(left.suffix[1:])) is None:
            left.unlink(missing_ok=True)
    unfinished = folder / f".{cache.TEMPLATE}.{os.getpid()}"
    try:
        subprocess.run(
            [binary, "template", "--output", unfinished],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TEMPLATE_SECONDS,
        )
        unfinished.replace(folder / cache.TEMPLATE)
    except (OSError, subprocess.SubprocessError) as error:
        unfinished.unlink(missing_ok=True)
        report(f"The template could not be made: {error}")


def _compile(report: Callable[[str], None]) -> None:
    """Write the bytecode of what a start loads, where an installer has not."""
    if sys.dont_write_bytecode:
        return
    import compileall
    import importlib.util

    folders = [Path(__file__).parents[1]]
    for name in _LOADED:
        spec = importlib.util.find_spec(name)
        folders += [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    for folder in folders:
        if not compileall.compile_dir(folder, quiet=2):
            report(f"The bytecode of {folder} could not be written, so each start compiles it.")
