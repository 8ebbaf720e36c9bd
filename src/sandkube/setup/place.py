"""Where something is in a file, for messages."""

from __future__ import annotations


def place(text: str, position: int) -> str:
    """Say where ``position`` is in ``text``, as editors count: ``{file}:LINE:COLUMN``."""
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"{{file}}:{line}:{column}"
