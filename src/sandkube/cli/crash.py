"""The report of a fault of ours: what one who mends it asks first. No environment: it may hold secrets."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from sandkube import __version__
from sandkube.config import state_dir
from sandkube.errors import SandkubeError


def write_report(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write the report to a file that only its owner can read; where it is."""
    text = render(error, arguments)
    try:
        from sandkube.plane.files import make_private_folder

        folder = state_dir() / "crashes"
        make_private_folder(folder)
    except (SandkubeError, OSError):
        folder = Path(tempfile.mkdtemp(prefix="sandkube-crash-"))
    now = dt.datetime.now(dt.timezone.utc)
    handle, name = tempfile.mkstemp(prefix=f"{now:%Y%m%dT%H%M%SZ}-", suffix=".txt", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return Path(name)


def render(error: BaseException, arguments: Sequence[str]) -> str:
    """The report as text."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return (
        f"command:  sandkube {shlex.join(arguments)}\n"
        f"sandkube: {__version__}\n"
        f"python:   {sys.version.split()[0]} ({sys.implementation.name})\n"
        f"system:   {platform.platform()}\n\n{trace}"
    )
