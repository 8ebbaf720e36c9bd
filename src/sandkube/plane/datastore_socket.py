"""Where the unix socket of the datastore lies.

A unix socket's path may have 103 bytes (104 on macOS and 108 on Linux, with the closing NUL; the server takes
the lesser). The cluster's folder is the place for it; where that path is too long, or has characters that
mean something in a URL, a short folder of its own is made.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sandkube.errors import SandkubeError, StateUnusable
from sandkube.plane.files import check_parent_folder, read_json
from sandkube.plane.folder import ClusterFolder

MAX_BYTES = 100
_NAME = "kine.sock"
# The path travels as a part of a URL, in a list with commas, and is read there without being unescaped.
_PLAIN = re.compile(rb"[-A-Za-z0-9/._~+@= ]*")
_PREFIX = "sandkube-"


def in_folder(folder: ClusterFolder) -> Path | None:
    """The socket's place in the cluster's folder; None where that path is too long, or not plain."""
    path = folder.path / "db" / _NAME
    name = os.fsencode(path)
    return path if len(name) <= MAX_BYTES and _PLAIN.fullmatch(name) else None


def place(folder: ClusterFolder, environ: Mapping[str, str] = os.environ) -> Path:
    """The path for the socket; a short folder, 0700 and not to be foreseen, is made if needed.

    StateUnusable where others could put one of theirs in its place, or where none can be made.
    """
    if path := in_folder(folder):
        return path
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    parent = runtime if os.access(runtime, os.W_OK) and len(os.fsencode(runtime)) < MAX_BYTES // 2 else None
    try:
        made = _short_folder(parent or tempfile.gettempdir())
        if len(os.fsencode(made / _NAME)) > MAX_BYTES:  # TMPDIR may be long as well
            made.rmdir()
            made = _short_folder("/tmp")  # noqa: S108 -- mkdtemp makes one in it
    except OSError as error:
        raise StateUnusable(
            f"The path of {folder.path} is too long for a socket in it, and no temporary folder can be made: "
            f"{error.strerror}.",
            hint="name a shorter folder: export SANDKUBE_STATE_DIR=/some/folder",
        ) from error
    return made / _NAME


def _short_folder(parent: str) -> Path:
    check_parent_folder(Path(parent))
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))


def remove_old(folder: ClusterFolder) -> None:
    """Remove the short folder of the server before, which ``server.json`` names, if it surely is ours."""
    try:
        document = read_json(folder.server_config, remedy="") or {}
        parent = Path(document["datastore"]["socket"]).parent
        found = parent.lstat()
    except (SandkubeError, KeyError, TypeError, OSError):
        return  # whatever is wrong with the file of a server that is gone: it will be written anew
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and parent.name.startswith(_PREFIX)
    if ours and folder.path not in parent.parents:
        with contextlib.suppress(OSError):
            shutil.rmtree(parent)
