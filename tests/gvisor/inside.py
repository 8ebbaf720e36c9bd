"""sandkube in a sandbox: the command line of the tests, with each command run by `runsc exec`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from command_line import Done, Sandkube, python_of_all, reachable
from gvisor.sandbox import CannotRunError, Network, Platform, Sandbox, running
from sandkube.server import locate

# gVisor's own system has been built on that day since it has a version at all (proc(5), /proc/version).
VERSION = "Sun Jan 10 15:06:54 PST 2016"
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """A way to run in gVisor: as whom, and on which file system the state is kept.

    ``state`` in `home` means that nothing is said of it: it is in the user's home folder, which is on the
    host's files.
    """

    user: int
    state: Literal["tmpfs", "files", "home"]
    platform: Platform = "systrap"
    network: Network = "host"

    def __str__(self) -> str:
        user = {0: "root", 65534: "nobody"}.get(self.user, f"user {self.user}")
        network = "" if self.network == "host" else ", loopback alone"
        return f"{user}, state on {self.state}, {self.platform}{network}"


@dataclass
class Inside(Sandkube):
    """A sandkube whose commands run in ``box``."""

    box: Sandbox = field(kw_only=True)

    def run(
        self,
        command: Sequence[str],
        *,
        status: int | None = 0,
        environ: Mapping[str, str | None] | None = None,
        stdin: str = "",
        seconds: float = 90,
    ) -> Done:
        """Run any command in the sandbox, in this environment. Never may it show a traceback."""
        variables = self._environ(environ)
        done = self.box(*command, status=status, environ=variables, stdin=stdin, seconds=seconds)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def is_gvisor(self) -> bool:
        """Whether the system inside says that it is gVisor's."""
        return VERSION in self.run(["cat", "/proc/version"]).stdout


@contextlib.contextmanager
def entered(runsc: Path, place: Place) -> Iterator[Inside]:
    """A sandbox with a sandkube in it. Raises CannotRunError where this place cannot be had."""
    user = place.user
    if os.getuid() != 0:
        if user != 0:
            raise CannotRunError("needs root, for other users in the sandbox")
        python, path = [sys.executable], os.pathsep.join(entry for entry in sys.path if entry)
    else:
        python, path = python_of_all()
    with running(runsc, user=user, platform=place.platform, network=place.network) as box:
        server = reachable(locate(os.environ).binary, box.files)
        made = Inside(box.files, server, python, user=user or None, environ={"PYTHONPATH": path}, box=box)
        made.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        if place.state == "home":
            del made.environ["SANDKUBE_STATE_DIR"]
            made.state = made.home / ".local" / "state" / "sandkube"
        elif place.state == "tmpfs":
            made.with_state(box.tmpfs / "state")
        yield made
