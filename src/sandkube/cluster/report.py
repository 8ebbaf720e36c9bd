"""How the functions of a cluster's life tell what they do while they do it."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Takes what is told. Nothing is ever told by printing."""

    def step(self, text: str) -> None:
        """What is being done now; the next step replaces it."""

    def say(self, text: str) -> None:
        """A line that stays."""


class Silent:
    """Takes everything and shows nothing."""

    def step(self, text: str) -> None:
        """Forget it."""

    def say(self, text: str) -> None:
        """Forget it."""


SILENT = Silent()
