"""A child that is meant to outlive its parent. Apart, since `subprocess` takes long to load."""

from __future__ import annotations

import subprocess


class Detached(subprocess.Popen[bytes]):
    """A process that runs on when this one ends, or loses sight of it: that is no reason for a warning."""

    def __del__(self) -> None:
        """Leave it alone."""
