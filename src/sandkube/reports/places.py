"""What a file is called: by a person, and by a forge that knows a checkout and no working folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from sandkube.reports.characters import visible
from sandkube.reports.finding import Place

STDIN: Final = "-"
STDIN_NAME: Final = "standard input"


def file_name(file: str) -> str:
    """What a person calls ``file``; harmless to show."""
    return STDIN_NAME if file == STDIN else visible(file)


def place_name(place: Place) -> str:
    """``FILE:LINE:COLUMN``, harmless to show."""
    return f"{file_name(place.file)}:{place.line}:{place.column}"


def root(environ: Mapping[str, str], here: Path) -> Path:
    """The folder that a forge names files from: the checkout of GitHub's job, if ``here`` lies in it.

    Otherwise ``here``, which is the working folder.
    """
    workspace = environ.get("GITHUB_WORKSPACE")
    return Path(workspace) if workspace and here.is_relative_to(workspace) else here


def absolute(file: str, here: Path) -> PurePath:
    """``file``, as it was given in the folder ``here``, without `.` and `..`; links are not followed."""
    return PurePath(os.path.normpath(here / file))


def relative(file: str, here: Path, root: Path) -> str | None:
    """``file``, as it was given in ``here``, told from ``root`` with `/`; None where it lies elsewhere."""
    path = absolute(file, here)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None
