"""Running another program to hear what it is: in a bounded time, with nothing to read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program wrote; or ``fault``, as part of a sentence; ``errno`` where it could not be started."""

    text: str = ""
    fault: str | None = None
    errno: int | None = None


def _told(errors: str) -> str:
    """The line that says why: the last one, but of a Go program that gave up the first."""
    lines = errors.strip().splitlines() or [""]
    gave_up = lines[0].startswith(("runtime:", "fatal error:", "panic:"))
    return lines[0 if gave_up else -1].strip()


def ask(command: Sequence[str | os.PathLike[str]], environ: Mapping[str, str]) -> Answer:
    """Run ``command`` and give what it wrote to its standard output."""
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(fault=f"does not answer within {SECONDS:.0f} s")
    except OSError as error:
        return Answer(fault=f"cannot be run: {error.strerror}", errno=error.errno)
    if done.returncode != 0:
        said = _told(done.stderr.decode(errors="replace"))
        return Answer(fault=f"ends with status {done.returncode}{f': {said}' if said else ''}")
    return Answer(done.stdout.decode(errors="replace"))
