"""What can go wrong with a host's file. It is as it was then.

::

    SandkubeError
    └── EditFailed          a file of a host's could not be changed                     exit 2
"""

# ruff: noqa: N818 -- an error's name says what is the matter; that it is an error, its base class says

from __future__ import annotations

from sandkube.errors import SandkubeError

__all__ = ["EditFailed"]


class EditFailed(SandkubeError):
    """A file could not be changed: its syntax is broken, it holds something unexpected, it cannot be written.

    The message names the file, with line and column where there are any. The file is as it was.
    """

    def in_file(self, path: object) -> EditFailed:
        """The same, for the file ``path``; ``{file}`` in message and hint stands for it."""
        message = self.message.replace("{file}", str(path))
        return EditFailed(message, hint=self.hint and self.hint.replace("{file}", str(path)))


def place(text: str, position: int) -> str:
    """Say where ``position`` is in ``text``, as editors count: ``{file}:LINE:COLUMN``."""
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"{{file}}:{line}:{column}"
