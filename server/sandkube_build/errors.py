"""The one error of a build."""

from __future__ import annotations

__all__ = ["BuildError"]


class BuildError(Exception):
    """The server binary could not be built.

    ``hint`` is a remedy in one line, ``tail`` the last lines of what the failing command said.
    """

    def __init__(self, message: str, *, hint: str | None = None, tail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.tail = tail

    def __str__(self) -> str:
        """The whole of it, as `build.py` and the wheel's hook print it."""
        parts = [self.message]
        if self.tail:
            parts.append("\n".join(f"  {line}" for line in self.tail.splitlines()))
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)
