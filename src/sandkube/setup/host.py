"""What a host's module answers: pure functions between the text of a file before and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Content", "Host"]


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it is or is to be. ``text`` None is no file; ``folder`` whether its folder is there."""

    text: str | None
    folder: bool = True


class Host(Protocol):
    """A host that starts sandkube."""

    @property
    def file(self) -> Path | None:
        """The file that is written where none is named, below the project's folder; None if it must be."""

    def piece(self) -> str:
        """What is put into the file, as one would paste it."""

    def added(self, content: Content) -> Content:
        """The content with the piece; the same where it is in it. EditFailed where it cannot be put there."""

    def removed(self, content: Content) -> Content:
        """The content without what :meth:`added` put there, and nothing else; the same where nothing is."""
