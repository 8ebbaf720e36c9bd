"""Images that containers are made of. For now: any name stands for the host's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sandkube.runtime.bundles import Image

_OF_HOST: Final = "host:"


class Images:
    """The images of a node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[str, None] = {}

    def of(self, name: str) -> Image:
        """What a container of that image is made of."""
        return Image(name.removeprefix(_OF_HOST))

    def document(self, name: str) -> dict[str, Any] | None:
        """The image as the CRI describes it, None where there is none."""
        plain = name.removeprefix(_OF_HOST)
        self._seen[plain] = None
        return _document(plain)

    def documents(self) -> list[dict[str, Any]]:
        """All that were asked for."""
        return [_document(name) for name in list(self._seen)]

    def pull(self, name: str) -> str:
        """Have it here; what it is called then."""
        plain = name.removeprefix(_OF_HOST)
        self._seen[plain] = None
        return f"{_OF_HOST}{plain}"

    def size(self) -> int:
        """Bytes on the disk."""
        return 0


def _document(name: str) -> dict[str, Any]:
    return {"id": f"{_OF_HOST}{name}", "repo_tags": [name], "size": "1", "spec": {"image": name}}
