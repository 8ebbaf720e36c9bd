"""What a host lets a user do who makes containers, as `sandkube.runtime.host` finds it out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Mode = Literal["overlay", "shadow", "copy"]


@dataclass(frozen=True)
class Host:
    """What is to be had.

    ``users`` says that containers need a user namespace, in which there is one user. ``own_root`` is how the
    host's own files are given to a container, ``image`` how a root file system is. ``own_pids`` says that
    a container sees its own processes alone. ``refused`` is the reason where there can be no containers.
    """

    users: bool = False
    own_root: Mode = "shadow"
    image: Mode = "copy"
    own_pids: bool = False
    refused: str | None = None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
