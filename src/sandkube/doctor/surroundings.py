"""What the checks look at: the environment, the folders, the clusters, the clock. Nothing is made or changed.

Everything that a test may want to be otherwise is a field, so that a check is a plain function of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandkube.cluster import state
from sandkube.cluster.state import Found
from sandkube.config import ClusterSpec, cache_dir, state_dir
from sandkube.errors import SandkubeError
from sandkube.plane import process
from sandkube.plane.folder import ClusterFolder, all_folders
from sandkube.server import Server, locate


@dataclass(frozen=True, slots=True)
class Known:
    """A cluster as its folder shows it; ``fault`` says why it cannot be read."""

    folder: ClusterFolder
    spec: ClusterSpec
    found: Found
    fault: SandkubeError | None = None

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.folder.name

    @property
    def running(self) -> bool:
        """Whether a process serves it."""
        return self.found.process is not None

    @property
    def unwanted(self) -> bool:
        """Whether it is a throw-away cluster whose Python process is gone."""
        if not self.name.startswith(state.THROW_AWAY):
            return False
        owner = state.read_owner(self.folder)
        return owner is None or not process.is_alive(owner)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where we are.

    ``name`` is the cluster that is asked about, None for all of them; ``port`` one that is to be used;
    ``now`` is in seconds since 1970.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    name: str | None = None
    port: int | None = None
    now: float = field(default_factory=lambda: time.time())  # noqa: PLW0108 -- looked up when it is called
    proc: Path = Path("/proc")
    cgroup: Path = Path("/sys/fs/cgroup")

    def state_dir(self) -> Path:
        """The state folder; StateUnusable where there is no place for one."""
        return state_dir(self.environ)

    def cache_dir(self) -> Path:
        """The cache folder; StateUnusable where there is no place for one."""
        return cache_dir(self.environ)

    def clusters(self) -> list[Known]:
        """The clusters that are asked about; none where the state folder cannot be read."""
        try:
            return [
                _known(folder) for folder in all_folders(self.state_dir()) if self.name in (None, folder.name)
            ]
        except (SandkubeError, OSError):  # the check of the state folder tells
            return []

    def server(self) -> Server | None:
        """The server binary, None where there is none."""
        try:
            return locate(self.environ)
        except SandkubeError:
            return None


def _known(folder: ClusterFolder) -> Known:
    spec = ClusterSpec(folder.name)
    found = Found(None, None, ())
    try:
        spec = state.read_spec(folder) or spec
        found = state.observe(folder)
    except SandkubeError as error:
        return Known(folder, spec, found, error)
    return Known(folder, spec, found)
