"""Putting a host's piece into its file and taking it out again, each proved before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

from sandkube.errors import EditFailed
from sandkube.setup import jsonc
from sandkube.setup.files import Change, change
from sandkube.setup.host import Content, Host

__all__ = ["add", "remove"]


def add(host: Host, path: Path) -> Change:
    """Put the piece into the file; EditFailed where it cannot be, or could not be taken out again."""

    def edit(content: Content) -> Content:
        after = host.added(content)
        if after != content:
            _prove(host, content, after)
        return after

    return change(path, edit)


def remove(host: Host, path: Path) -> Change:
    """Take out what :func:`add` put into the file."""

    def edit(content: Content) -> Content:
        after = host.removed(content)
        _prove_json(content, after)
        return after

    return change(path, edit)


def _prove(host: Host, before: Content, after: Content) -> None:
    """Refuse an edit whose inverse does not give back the file, or that would be made a second time."""
    _prove_json(before, after)
    if host.removed(after) != host.removed(before) or host.added(after) != after:
        raise EditFailed(
            "{file} is written in a way that this cannot be put into and taken out of again without a trace.",
            hint="put it in by hand: the same command without --write prints it",
        )


def _prove_json(before: Content, after: Content) -> None:
    """What was JSON without comments, and so may be read by anything, is so afterwards."""
    if after.text is None or jsonc.is_blank(after.text) or not _is_json(before.text) or _is_json(after.text):
        return
    raise EditFailed(
        "{file} would not be JSON any more.",
        hint="put it in by hand: the same command without --write prints it",
    )


def _is_json(text: str | None) -> bool:
    try:
        json.loads((text or "").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return False
    return True
