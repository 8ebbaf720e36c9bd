"""Putting a k3s into the cache: fetched, verified, run once to hear its version, and only then there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from sandkube.cached import usable
from sandkube.errors import K3sInstallFailed
from sandkube.k3s import cache, platforms, releases, versions
from sandkube.k3s.downloads import Patience
from sandkube.k3s.storing import Watcher

__all__ = ["install"]

_DEFAULT_PATIENCE = Patience()


def install(
    asked: str | None,
    watcher: Watcher,
    *,
    source: str | None = None,
    insecure_http: bool = False,
    patience: Patience = _DEFAULT_PATIENCE,
    environ: Mapping[str, str] = os.environ,
) -> cache.Entry:
    """Put the k3s that is ``asked`` for into the cache, and give it; it is the one to be used from now on.

    ``asked`` is a version or a channel; None is the channel `stable`, or whatever a folder holds. ``source``
    is the address of a mirror or the path of a folder; None is where k3s is released. One that is there
    already, whole and with the right SHA-256, is not fetched again. Installs of other processes are waited
    for. Raises K3sNotFound, K3sInstallFailed, UsageError for what makes no sense, StateUnusable where the
    cache cannot be written to; then, and if interrupted, the cache is as it was.
    """
    origin = releases.source(source, platforms.current(), watcher, patience, insecure_http=insecure_http)
    if asked is not None:
        versions.wanted(asked)  # before anything is made or waited for
    root = cache.root(environ)
    with cache.alone(root, watcher.say), usable(root):
        cache.sweep(root)
        version = origin.version(asked)
        expected = origin.checksum(version)
        present = _present(root, version, expected)
        if present is not None:
            watcher.step(f"k3s {present.version} is there already.")
            return cache.renew(present)
        stage = cache.new_stage(root)
        try:
            return _install(origin, version, expected, stage, watcher)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _install(
    origin: releases.Source, version: str | None, expected: str, stage: Path, watcher: Watcher
) -> cache.Entry:
    where = origin.name(version)
    watcher.step(f"Getting {'k3s' if version is None else f'k3s {version}'} from {where}")
    binary = stage / cache.BINARY
    digest = origin.fetch(version, binary)
    if digest != expected:
        raise K3sInstallFailed(
            f"{where} is not what its release lists: its SHA-256 is {digest}, and not {expected}.",
            hint="try again; if it stays so, the mirror or the way to it is at fault",
        )
    said = versions.ask(binary)
    if versions.release(said) is None:
        raise K3sInstallFailed(f"{where} says that it is version `{said}`, which is no release of k3s.")
    if version is not None and said != version:
        raise K3sInstallFailed(f"{where} is another k3s than was asked for: {said}, and not {version}.")
    return cache.add(stage.parent, stage, version=said, source=where, digest=digest)


def _present(root: Path, version: str | None, expected: str) -> cache.Entry | None:
    """Give the sound k3s of this version and SHA-256, if the cache has it."""
    for entry in cache.entries(root):
        if (
            isinstance(entry, cache.Entry)
            and entry.sha256 == expected
            and version in {None, entry.version}
            and entry.fault(thoroughly=True) is None
        ):
            return entry
    return None
