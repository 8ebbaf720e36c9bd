"""Calling a CNI plugin as a runtime does, and reading the folder that it keeps."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Done = subprocess.CompletedProcess[str]
PATIENCE = 60.0


def network(folder: Path, *ranges: Mapping[str, str], version: str = "1.1.0", **ipam: Any) -> dict[str, Any]:
    """A network named `net` with a set for each of ``ranges``, whose leases are in ``folder``."""
    sets = {"ranges": [[one] for one in ranges]} if ranges else {}
    return {
        "cniVersion": version,
        "name": "net",
        "type": "host-local",
        "ipam": {"type": "host-local", "dataDir": str(folder), **sets, **ipam},
    }


def environment(command: str, container: str = "c1", interface: str = "eth0") -> dict[str, str]:
    """What a runtime sets for ``command``, and nothing else."""
    return {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": container,
        "CNI_NETNS": f"/nowhere/{container}",
        "CNI_IFNAME": interface,
        "CNI_PATH": "/nowhere",
    }


@dataclass(frozen=True)
class Plugin:
    """A plugin, called as in ``plugin("ADD", network, "c1")``: the JSON that it answers, None for none.

    ``status`` is the exit status that must come; ``environ`` changes the environment.
    """

    path: Path
    user: int | None = None  # who runs it, where that is not the one who runs the tests

    def __call__(
        self,
        command: str,
        asked: Mapping[str, Any] | str,
        container: str = "c1",
        interface: str = "eth0",
        *,
        status: int = 0,
        environ: Mapping[str, str] | None = None,
    ) -> Any:
        done = self.run(asked, {**environment(command, container, interface), **(environ or {})})
        assert (done.returncode, done.stderr) == (status, ""), done
        return json.loads(done.stdout) if done.stdout else None

    def run(self, asked: Mapping[str, Any] | str, environ: Mapping[str, str]) -> Done:
        """One call, whatever comes of it."""
        as_user: dict[str, Any] = {"user": self.user, "group": self.user, "extra_groups": []}
        return subprocess.run(
            [self.path],
            input=asked if isinstance(asked, str) else json.dumps(asked),
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **(as_user if self.user is not None else {}),
        )

    def start(self, container: str) -> subprocess.Popen[str]:
        """An ADD that is not waited for, nor even told what to add."""
        return subprocess.Popen(
            [self.path],
            env=environment("ADD", container),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def code(
        self, command: str, asked: Mapping[str, Any] | str, environ: Mapping[str, str] | None = None
    ) -> int:
        """The code of the error that comes; its message is not empty."""
        said = self(command, asked, status=1, environ=environ)
        assert said["msg"].startswith("host-local: ")
        assert len(said["msg"]) > len("host-local: ")
        return int(said["code"])


def at_once(plugins: Sequence[Plugin], asked: Mapping[str, Any], containers: int) -> list[dict[str, Any]]:
    """What each of many ADDs answers. All are running before the first is told what to add."""
    running = [plugins[n % len(plugins)].start(f"c{n}") for n in range(containers)]
    for popen in running:
        assert popen.stdin is not None
        popen.stdin.write(json.dumps(asked))
        popen.stdin.flush()
    for popen in running:
        assert popen.stdin is not None
        popen.stdin.close()
        popen.stdin = None
    return [json.loads(popen.communicate(timeout=PATIENCE)[0]) for popen in running]


def addresses(answer: Mapping[str, Any]) -> list[str]:
    """The addresses of a result, with their prefix lengths."""
    return [one["address"] for one in answer["ips"]]


def leases(folder: Path) -> dict[str, str]:
    """The leases of `net`: what lies under each address."""
    found = {}
    for path in (folder / "net").iterdir():
        try:
            ipaddress.ip_address(path.name)
        except ValueError:
            continue
        found[path.name] = path.read_bytes().decode()
    return found
