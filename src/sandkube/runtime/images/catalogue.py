"""What the runtime knows of images: those of the store, and for every other name the host's own files."""

from __future__ import annotations

from typing import Any, Final

from sandkube.runtime.bundles import Image
from sandkube.runtime.errors import CallError, Code
from sandkube.runtime.images import names
from sandkube.runtime.images.store import Store, Stored

HOST: Final = "host:"


class Catalogue:
    """The images of a node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[str, None] = {}

    @property
    def folder(self) -> str:
        """Where they are kept."""
        return str(self._store.folder)

    def of(self, name: str) -> Image:
        """What a container of that image is made of."""
        found = self._store.find(name)
        if found is not None:
            return Image(found.id, found.root, found.config)
        return Image(f"{HOST}{name.removeprefix(HOST)}")

    def document(self, name: str) -> dict[str, Any] | None:
        """The image as the CRI describes it, None for what cannot be the name of one."""
        found = self._store.find(name)
        if found is not None:
            return _document(found)
        return None if name.startswith("sha256:") else self._of_host(name)

    def documents(self) -> list[dict[str, Any]]:
        """All that are kept, and all that were asked for."""
        kept = self._store.all()
        taken = {name for one in kept for name in one.names}
        seen = [name for name in list(self._seen) if _whole(name) not in taken]
        return [*map(_document, kept), *map(_of_host, seen)]

    def pull(self, name: str) -> str:
        """Have it here: its id then. CallError for what cannot be had."""
        found = self.document(name)
        if found is None:
            raise CallError(Code.NOT_FOUND, f"no image {name} is here: sandkube image load NAME PATH")
        return str(found["id"])

    def size(self) -> int:
        """Bytes on the disk."""
        return sum(one.size for one in self._store.all())

    def _of_host(self, name: str) -> dict[str, Any]:
        plain = name.removeprefix(HOST)
        try:
            names.whole(plain)
        except ValueError as error:
            raise CallError(Code.INVALID_ARGUMENT, str(error)) from error
        self._seen[plain] = None
        return _of_host(plain)


def _whole(name: str) -> str:
    try:
        return names.whole(name)
    except ValueError:
        return name


def _of_host(name: str) -> dict[str, Any]:
    return {"id": f"{HOST}{name}", "repo_tags": [name], "size": "1", "spec": {"image": name}}


def _document(image: Stored) -> dict[str, Any]:
    return {
        "id": image.id,
        "repo_tags": [name for name in image.names if "@" not in name],
        "repo_digests": [name for name in image.names if "@" in name],
        "size": str(max(1, image.size)),
        "spec": {"image": image.id},
        **_user(str(image.config.get("User") or "")),
    }


def _user(said: str) -> dict[str, Any]:
    """Who it runs as, by number or by name: the kubelet judges `runAsNonRoot` by it."""
    user = said.partition(":")[0]
    if not user:
        return {"uid": {"value": "0"}}
    return {"uid": {"value": user}} if user.isdigit() else {"username": user}
