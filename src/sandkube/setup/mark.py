"""How what is ours is known again in a host's file: by a comment at the end of the shell command.

The comment also says what had to be made around the command, so that it goes again with it: a file that had
no `hooks` has none afterwards, and one that had an empty `hooks` has that.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MARK", "is_ours", "made_with", "marked"]

MARK: Final = "# sandkube setup"
_MARKED: Final = re.compile(rf"{MARK}(?:, made: (?P<made>[\w ]+))?\s*$")


def marked(command: str, made: str | None = None) -> str:
    """``command`` as ours, which came with ``made``."""
    return f"{command} {MARK}" + (f", made: {made}" if made else "")


def is_ours(command: object) -> bool:
    """Whether this value is a command that `sandkube setup` wrote."""
    return isinstance(command, str) and _MARKED.search(command) is not None


def made_with(command: str) -> str | None:
    """What came with a command that is ours; None if nothing did."""
    match = _MARKED.search(command)
    return match["made"] if match else None
