"""Names of images, by the rules that all tools share (github.com/distribution/reference)."""

from __future__ import annotations

import re
from typing import Final

_HOST: Final = (
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)
_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME: Final = re.compile(
    rf"(?P<host>{_HOST})/(?P<path>{_PART}(?:/{_PART})*)"
    r"(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?P<digest>@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?"
)
_HUB: Final = "docker.io"
_LONGEST: Final = 255


def whole(name: str) -> str:
    """The name with everything that may be left out: ``nginx`` is ``docker.io/library/nginx:latest``.

    ValueError, with the reason, for what cannot be the name of an image.
    """
    first, slash, rest = name.partition("/")
    if not slash:
        first, rest = f"{_HUB}/library", name
    elif not (set(".:[") & set(first) or first == "localhost"):
        first, rest = _HUB, name
    elif first in ("index.docker.io", _HUB):
        first, rest = (_HUB, rest) if "/" in rest else (f"{_HUB}/library", rest)
    found = _NAME.fullmatch(f"{first}/{rest}")
    if found is None or len(found["path"]) > _LONGEST:
        raise ValueError(
            f"`{name}` cannot be the name of an image: such as `nginx`, `team/app:1.2` or "
            "`registry.example:5000/app@sha256:…` can, in small letters"
        )
    plain = f"{found['host']}/{found['path']}"
    if found["digest"]:
        return f"{plain}{found['tag'] or ''}{found['digest']}"
    return f"{plain}{found['tag'] or ':latest'}"


def short(name: str) -> str:
    """The name without what may be left out, for people."""
    for begin in (f"{_HUB}/library/", f"{_HUB}/"):
        if name.startswith(begin):
            return name.removeprefix(begin)
    return name
