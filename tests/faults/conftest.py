"""What the tests of faults share: the command line, which is the thing that must not break."""

from __future__ import annotations

from command_line import as_nobody, sandkube

__all__ = ["as_nobody", "sandkube"]
