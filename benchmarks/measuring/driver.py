"""Running the driver (benchmarks/peers/driver), which asks an API server as many clients at once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from measuring import api, peers
from measuring.report import CannotMeasureError


def command(access: api.Access, name: str, **options: float | str | Path) -> list[str]:
    """The command line of the driver."""
    words = [str(peers.ensure()["driver"]), "-server", f"https://127.0.0.1:{access.port}"]
    words += ["-ca", str(access.ca), "-cert", str(access.certificate), "-key", str(access.key), name]
    for option, value in options.items():
        words += [f"-{option}", str(value)]
    return words


def run(access: api.Access, name: str, **options: float | str | Path) -> dict[str, Any]:
    """What it reports in the end. CannotMeasureError where it fails."""
    done = subprocess.run(command(access, name, **options), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMeasureError(f"the driver failed ({name}): {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
