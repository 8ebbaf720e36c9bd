"""Two revisions of this repository, each with its own server built from its own source."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from measuring.report import CannotMeasureError, say

from sandkube import config

ROOT = Path(__file__).resolve().parents[2]
WORK_TREE = "work tree"
# Variables that would put another server or another cluster in place of the revision's own.
_LEFT_OUT = ("SANDKUBE_SERVER", "SANDKUBE_CLUSTER", "SANDKUBE_STATE_DIR", "PYTHONPATH")


@dataclass(frozen=True, slots=True)
class Revision:
    """A checkout and the name that it has in a report; ``state`` is its state folder while it is measured."""

    name: str
    root: Path
    state: Path

    def environ(self) -> dict[str, str]:
        """Where its own `sandkube` runs, with the server of its own source."""
        kept = {key: value for key, value in os.environ.items() if key not in _LEFT_OUT}
        return {**kept, "PYTHONPATH": str(self.root / "src"), "SANDKUBE_STATE_DIR": str(self.state)}

    def command(self, *arguments: str) -> list[str]:
        """Its `sandkube`; the folder one stands in is no place for modules."""
        return [sys.executable, "-m", "sandkube", *arguments]

    def build(self) -> None:
        """Have its server in the cache. CannotMeasureError where it cannot be built."""
        done = subprocess.run(
            ["nice", "-n", "10", *self.command("server", "build")],
            env=self.environ(),
            cwd=self.root,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            raise CannotMeasureError(f"the server of {self.name} could not be built")


def resolve(name: str) -> str:
    """The commit that ``name`` means. CannotMeasureError where there is none."""
    line = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMeasureError(f"`{name}` is no revision of this repository.")
    return done.stdout.strip()


def check_out(commit: str) -> Path:
    """The files of a commit in the cache, as a checkout that the server is built from.

    `git archive` and not `git worktree`: the files are all that is needed, and nothing is written into .git
    that somebody would have to prune.
    """
    target = config.cache_dir() / "benchmarks" / "revisions" / commit
    if target.is_dir():
        return target
    say(f"putting {commit[:12]} into {target}")
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise CannotMeasureError(f"`git archive {commit}` failed: {done.stderr.decode(errors='replace')}")
    stage = target.with_name(f"stage-{os.getpid()}")
    shutil.rmtree(stage, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(stage, filter="data")
    stage.rename(target)
    return target
