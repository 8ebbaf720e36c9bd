"""What a server binary says it is, and whether we can talk to it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandkube.errors import ServerNotFound

if TYPE_CHECKING:
    from sandkube.server.locate import Server

__all__ = ["CONTRACT", "ServerVersion", "ask", "check_contract", "version"]

CONTRACT = 1
"""The number of the agreement between the two halves: the shape of server.json and of the events."""

_SECONDS = 60  # a binary on a cold, slow disk may take long to be read


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """What `sandkube-server version -o json` says; ``platform`` is as Go names it, such as `linux/amd64`."""

    contract: int
    version: str
    kubernetes: str
    kine: str
    helm: str
    go: str
    platform: str

    @classmethod
    def from_json(cls, data: Any) -> ServerVersion:
        """Read the decoded JSON; ValueError where something is missing. What is unknown here is left out."""
        try:
            values = {field.name: data[field.name] for field in fields(cls)}
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a server's version: {error}") from error
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON wants it."""
        return asdict(self)


def ask(binary: Path) -> ServerVersion:
    """Run the binary and give what it says; ServerNotFound where it does not run or says something else."""
    import subprocess

    try:
        answer = subprocess.run(
            [binary, "version", "-o", "json"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=_SECONDS,
        )
        return ServerVersion.from_json(json.loads(answer.stdout))
    except OSError as error:
        raise ServerNotFound(f"`{binary}` does not run on this machine: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ServerNotFound(f"`{binary}` did not say its version within {_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip() or f"exit status {error.returncode}"
        raise ServerNotFound(f"`{binary}` is not a sandkube server: {said}") from error
    except ValueError as error:
        raise ServerNotFound(f"`{binary}` is not a sandkube server: its version cannot be read") from error


def check_contract(found: ServerVersion, binary: Path) -> None:
    """Raise ServerNotFound where the binary is of another contract than this sandkube."""
    if found.contract != CONTRACT:
        older = "sandkube" if found.contract > CONTRACT else "the server"
        raise ServerNotFound(
            f"`{binary}` speaks contract {found.contract}, this sandkube contract {CONTRACT}",
            hint=f"{older} is the older one: bring it up to date",
        )


def version(server: Server) -> ServerVersion:
    """Give the version of a server. The answer is kept in the cache until the file changes.

    Raises ServerNotFound where the binary does not run.
    """
    from sandkube.server import cache

    try:
        stat = server.binary.stat()
    except OSError as error:
        raise ServerNotFound(f"`{server.binary}` cannot be read: {error.strerror}") from error
    identity = f"{server.binary.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"
    kept = cache.root() / "versions" / f"{hashlib.sha256(os.fsencode(identity)).hexdigest()[:24]}.json"
    try:
        return ServerVersion.from_json(json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # not asked yet, or what was kept is damaged
        found = ask(server.binary)
    cache.keep(kept, found.to_json())
    return found
