"""Where a k3s cluster writes, traced with strace: its own folder and the cache, and nowhere else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from command_line import Sandkube

# What changes the file system, and what opens something to be written to.
_CALLS = (
    "openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat"
)
_OPEN = re.compile(r'^\d+ +(?:open|openat|creat)\((?:AT_FDCWD, )?"([^"]*)", ([A-Z_|]+)')
_CHANGE = re.compile(r"^\d+ +(mkdir|rename|link|symlink|unlink)\w*\((.*)\) += 0")
_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")
# Devices, and files of the process itself.
_HARMLESS = ("/dev/", "/proc/")


def written(trace: str, folder: Path) -> set[Path]:
    """The paths that were written to; relative ones are below ``folder`` or a folder opened before."""
    found = set()
    for line in trace.splitlines():
        opened = _OPEN.match(line)
        if opened and any(flag in opened[2] for flag in _WRITING) and "ENOENT" not in line:
            found.add(opened[1])
        elif changed := _CHANGE.match(line):
            paths = re.findall(r'"([^"]*)"', changed[2])
            found |= (
                {*paths[-1:]} if changed[1] == "symlink" else {*paths}
            )  # where a link points to is not written
    return {folder / path for path in found if not path.startswith(_HARMLESS)}


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_is_written_elsewhere(sandkube: Sandkube) -> None:
    trace = sandkube.root / "trace"
    script = "up && sandkube kubectl create namespace x && sandkube down && sandkube up && sandkube delete"
    words = " ".join(sandkube.command)
    command = f'sandkube() {{ {words} "$@"; }}; sandkube {script}'
    sandkube.run(["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={_CALLS}", "sh", "-c", command])
    found = written(trace.read_text(), sandkube.state)
    assert any("state.db" in path.name for path in found), "the trace shows no datastore"
    allowed = (sandkube.state, Path(sandkube.environ["SANDKUBE_CACHE_DIR"]))
    outside = {path for path in found if not any(path.is_relative_to(root) for root in allowed)}
    assert {path for path in outside if "__pycache__" not in path.parts} == set()
