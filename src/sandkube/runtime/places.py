"""The folder of one container: what lies where, and which process holds it.

::

    container.json    what the runtime knows of it
    bundle.json       what to run
    holder.json       the process that holds it
    control.sock      where that answers
    exit.json         how the command ended
    files/            where the tree is mounted, in the holder's own mount namespace; empty for all others
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from sandkube.errors import SandkubeError
from sandkube.plane.files import read_json
from sandkube.plane.process import Identity, is_alive

RECORD: Final = "container.json"
BUNDLE: Final = "bundle.json"
HOLDER: Final = "holder.json"
CONTROL: Final = "control.sock"
EXIT: Final = "exit.json"
FILES: Final = "files"


def images_in_use(containers: Path) -> frozenset[str]:
    """The ids of images that containers which run are made of."""
    found = set()
    for folder in containers.iterdir() if containers.exists() else ():
        holder = holder_of(folder)
        if holder is not None and is_alive(holder):
            with contextlib.suppress(SandkubeError):
                found.add(str((read_json(folder / RECORD, remedy="") or {}).get("image")))
    return frozenset(found)


def holder_of(folder: Path) -> Identity | None:
    """The process that holds, or held, the container of that folder; None where none ever did."""
    try:
        document = read_json(folder / HOLDER, remedy="")
        return Identity(int(document["pid"]), str(document["started"])) if document else None
    except (SandkubeError, KeyError, TypeError, ValueError):
        return None
