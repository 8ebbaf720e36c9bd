"""Starting and stopping one cluster by the command line, and reading what it took."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import processes

NAME = "bench"
SANDKUBE = (sys.executable, "-m", "sandkube")


@dataclass(frozen=True)
class Bench:
    """A state folder of its own, and two folders with the binary: one with its template, one without."""

    state: Path
    warm: Path
    cold: Path

    @classmethod
    def make(cls, folder: Path) -> Bench:
        """Lay out ``folder``; the server is the one that `sandkube` finds, or builds."""
        from sandkube.server import ensure

        server = ensure(lambda line: print(line, file=sys.stderr))
        if server.template is None:
            raise SystemExit("This server has no template: build it anew (sandkube server build --force).")
        warm, cold = folder / "warm", folder / "cold"
        for place in (warm, cold):
            place.mkdir(parents=True)
            _link(server.binary, place / server.binary.name)
        (warm / "template.db").symlink_to(server.template)
        return cls(folder / "state", warm, cold)

    def measure(self, kind: str) -> dict[str, Any]:
        """One start and stop of that kind (`template`, `restart`, `cold`)."""
        place = self.cold if kind == "cold" else self.warm
        if kind == "restart":
            self._run(place, "up", NAME)
            self._run(place, "down", NAME)
        up = self._run(place, "up", NAME)
        events = self._events()
        down = self._run(place, "down", NAME)
        self._run(place, "delete", NAME)
        ready = next(
            event["seconds"] for event in events if event["event"] == "ready" and "component" not in event
        )
        return {"up": up, "down": down, "ready": ready, "phases": _phases(events)}

    def idle(self, seconds: float) -> dict[str, float | None]:
        """Memory after ``seconds`` of idleness, and CPU over the ten seconds that follow."""
        self._run(self.warm, "up", NAME)
        pid = next(event["pid"] for event in self._events() if event["event"] == "starting")
        time.sleep(seconds)
        before = processes.cpu_seconds([pid])
        time.sleep(10)
        spent = processes.cpu_seconds([pid]) - before
        memory = processes.memory([pid])
        (database,) = self.state.rglob(f"{NAME}/db")
        data = sum(path.stat().st_size for path in database.iterdir() if path.is_file())
        self._run(self.warm, "delete", NAME)
        return {
            "seconds": seconds,
            "anonymous_mb": memory.anonymous,
            "rss_mb": memory.rss,
            "cpu_percent": spent * 10,
            "data_mb": data / 2**20,
        }

    def server_version(self) -> str:
        """What was measured."""
        said = subprocess.run(
            [self.warm / "sandkube-server", "version", "-o", "json"],
            capture_output=True,
            text=True,
            check=True,
        )
        version = json.loads(said.stdout)
        return f"sandkube-server {version['version']} ({version['go']})"

    def _run(self, place: Path, *arguments: str) -> float:
        environ = {
            **os.environ,
            "SANDKUBE_STATE_DIR": str(self.state),
            "SANDKUBE_SERVER": str(place / "sandkube-server"),
        }
        begun = time.perf_counter()
        done = subprocess.run(
            [*SANDKUBE, *arguments], env=environ, capture_output=True, text=True, check=False
        )
        took = time.perf_counter() - begun
        if done.returncode != 0:
            raise SystemExit(f"`sandkube {' '.join(arguments)}` failed:\n{done.stderr}")
        return took

    def _events(self) -> list[dict[str, Any]]:
        """The events of the newest start."""
        (file,) = self.state.rglob(f"{NAME}/events.jsonl")
        events = [json.loads(line) for line in file.read_text().splitlines()]
        begun = max(index for index, event in enumerate(events) if event["event"] == "starting")
        return events[begun:]


def _link(binary: Path, place: Path) -> None:
    """Have the binary in another folder too: a template beside it is found through symbolic links."""
    try:
        os.link(binary.resolve(), place)
    except OSError:  # another file system
        shutil.copy2(binary, place)


def _phases(events: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds by the name of what was reached."""
    found = {}
    for event in events:
        if event["event"] in ("phase", "listening", "ready") and "seconds" in event:
            name = event.get("name") or event.get("component") or event["event"]
            found[f"{name} ready" if event["event"] == "ready" and "component" in event else name] = event[
                "seconds"
            ]
    return found
