"""How the person calls sandkube: by which words, and from which folder. For commands that can be pasted."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from sandkube.config import DEFAULT_NAME, ENV_CLUSTER


def words(environ: Mapping[str, str] = os.environ, argv0: str | None = None) -> str:
    """What calls this sandkube from the person's shell: ``sandkube``, ``uv run sandkube``, or a path."""
    called = sys.argv[0] if argv0 is None else argv0
    script = script_folder(called) / "sandkube"
    if _found_in_shell(script, environ):
        return "sandkube"
    if _under_uv_run(environ):
        return "uv run sandkube"
    if called.endswith("__main__.py") or not script.exists():
        return f"{shlex.quote(sys.executable)} -m sandkube"
    return shlex.quote(str(script))


def with_name(command: str, name: str, environ: Mapping[str, str] = os.environ) -> str:
    """``command`` for the cluster ``name``, which need not be said where the person's shell chooses it."""
    chosen = environ.get(ENV_CLUSTER) or DEFAULT_NAME
    return command if name == chosen else f"{command} {name}"


def script_folder(argv0: str | None = None) -> Path:
    """The folder that sandkube's own script lies in: that of the call, or that of this Python's scripts."""
    called = Path(sys.argv[0] if argv0 is None else argv0)
    if called.name == "sandkube" and called.is_file():
        return called.absolute().parent
    return Path(sysconfig.get_path("scripts"))


def path_of_shell(environ: Mapping[str, str], scripts: Path | None = None) -> list[str]:
    """The folders on the PATH of the person's shell, which `uv run` put ``scripts`` before for us alone."""
    path = environ.get("PATH", "").split(os.pathsep)
    if _under_uv_run(environ) and Path(path[0]) == (scripts or script_folder()):
        return path[1:]
    return path


def _found_in_shell(script: Path, environ: Mapping[str, str]) -> bool:
    """Whether the person's shell finds this very script as `sandkube`."""
    found = shutil.which("sandkube", path=os.pathsep.join(path_of_shell(environ, script.parent)))
    return found is not None and os.path.realpath(found) == os.path.realpath(script)


def _under_uv_run(environ: Mapping[str, str]) -> bool:
    return (
        "UV_RUN_RECURSION_DEPTH" in environ
    )  # uv run sets it; `uv tool run` puts nothing on a shell's PATH either
