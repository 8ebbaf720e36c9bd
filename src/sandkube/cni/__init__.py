"""The CNI plugin `host-local`: one program in one file, and putting it where a k3s finds it.

``host_local`` is that program. It imports nothing of sandkube, since it is written out as it stands: into a
folder, and into the script that `up --dry-run` prints.
"""

from __future__ import annotations

import contextlib
import os
import pkgutil
import shlex
import sys
import tempfile
from pathlib import Path

from sandkube.errors import StateUnusable, UsageError

__all__ = ["NAME", "plugin_text", "write_plugin"]

NAME = "host-local"

# The first line of a script has room for 127 bytes on Linux before 5.1, and for no space in a path.
_LONGEST_FIRST_LINE = 127
# Alone, from its own folder, with the standard library only: what else is installed cannot break it.
_OPTIONS = "-IS"


def plugin_text(python: str) -> str:
    """The plugin as a program for the interpreter at ``python``; UsageError for a path it cannot name."""
    program = pkgutil.get_data(__name__, "host_local.py")
    assert program is not None
    return _head(python) + program.decode()


def _head(python: str) -> str:
    """The lines that have the interpreter run what follows.

    Where the system's own way has no room for the path, sh runs it: to sh the second line is a command, and
    to Python five strings in a row.
    """
    if not Path(python).is_absolute() or set(python) & set("'\\\n\r\0"):
        raise UsageError(
            f"The CNI plugin cannot name the Python at {python!r}.",
            hint="name one by an absolute path without quotes, backslashes and line breaks",
        )
    line = f"#!{python} {_OPTIONS}"
    if shlex.quote(python) == python and len(os.fsencode(line)) <= _LONGEST_FIRST_LINE:
        return f"{line}\n"
    return f"""#!/bin/sh\n"exec" '{python}' "{_OPTIONS}" "$0" "$@"\n"""


def write_plugin(folder: Path, python: str = sys.executable) -> Path:
    """Write the plugin to ``folder``, made with mode 0700 if it is not there; the path of the plugin.

    A plugin that is there is replaced at once. UsageError as in :func:`plugin_text`, StateUnusable where the
    folder cannot be made or written to.
    """
    content = plugin_text(python).encode()
    path = folder / NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # whatever the umask took away
        _replace(path, content)
    except OSError as error:
        raise StateUnusable(
            f"The CNI plugin cannot be written to {folder}: {error.strerror}.",
            hint="look at the folder's owner and mode, and at the space that is left",
        ) from error
    return path


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o755)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
