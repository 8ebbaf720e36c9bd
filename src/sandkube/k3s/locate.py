"""Where k3s is: `--k3s`, SANDKUBE_K3S, PATH, the cache. Runs nothing, asks no network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandkube.config import ENV_K3S
from sandkube.errors import K3sNotFound
from sandkube.k3s import cache

__all__ = ["K3s", "locate"]


_REMEDIES: Final = {
    "--k3s": "name another with --k3s PATH, or take it back with --k3s ''",
    ENV_K3S: f"name another with {ENV_K3S}, or unset it",
}


@dataclass(frozen=True, slots=True)
class K3s:
    """A k3s binary, as an absolute path, and where it was found: `--k3s`, SANDKUBE_K3S, PATH, the cache."""

    binary: Path
    origin: str


def locate(given: Path | None = None, environ: Mapping[str, str] = os.environ) -> K3s:
    """Give the k3s to use; ``given`` is the path of `--k3s`, and goes first.

    Raises K3sNotFound where a path that was named is no executable file, and where there is no k3s at all:
    then with the ways to get one.
    """
    if given is not None:
        return _named(given, "--k3s")
    if environ.get(ENV_K3S):
        return _named(Path(environ[ENV_K3S]), ENV_K3S)
    on_path = shutil.which("k3s", path=environ.get("PATH", os.defpath))
    if on_path:
        return K3s(Path(on_path).absolute(), "PATH")
    root = cache.root(environ)
    cached = _from_cache(root)
    if isinstance(cached, K3s):
        return cached
    raise K3sNotFound(
        f"There is no k3s for this machine (looked at {ENV_K3S}, which is not set, at PATH, and at the cache "
        f"{root}, which is {cached}): name one with `{ENV_K3S}` or `--k3s PATH`, put `k3s` on PATH, or fetch "
        "one with `sandkube k3s install`."
    )


def _named(path: Path, named_by: str) -> K3s:
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except OSError as error:  # in a folder that is closed to this user, for one
        raise K3sNotFound(
            f"{named_by} says `{path}`, which cannot be looked at: {error.strerror}.",
            hint=_REMEDIES[named_by],
        ) from error
    if not path.is_file() or not os.access(path, os.X_OK):
        state = "is not executable" if path.is_file() else "is a folder" if path.is_dir() else "is no file"
        hint = f"chmod +x '{path}'" if path.is_file() else _REMEDIES[named_by]
        raise K3sNotFound(f"{named_by} says `{path}`, which {state}.", hint=hint)
    return K3s(path.absolute(), named_by)


def _from_cache(root: Path) -> K3s | str:
    """Give the k3s in the cache that was installed last, or say what the cache is."""
    unfit: list[str] = []
    for entry in cache.entries(root):
        fault = entry.reason if isinstance(entry, cache.Damaged) else entry.fault()
        if isinstance(entry, cache.Entry) and fault is None:
            return K3s(entry.binary, f"the cache, {entry.version}")
        unfit.append(f"{entry.folder.name}: {fault}")
    return f"damaged ({'; '.join(unfit)})" if unfit else "empty"
