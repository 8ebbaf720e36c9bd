"""Control planes that are measured, each started as processes of ours and stopped again.

All sides get the flags, certificates and kubeconfigs that `sandkube up --dry-run` makes for one cluster: what
ours is told, the others are told in the same words. So client limits, admission, authorisation and leader
election are the same by construction. What differs is printed by :func:`Side.commands`.

* ``ours``: `sandkube-server run`, with its datastore in the process;
* ``four processes``: etcd, kube-apiserver, kube-controller-manager and kube-scheduler, started one after
  the other without waiting, as kwokctl's binary runtime does; etcd speaks plain HTTP on loopback;
* ``etcd + apiserver``: the first two alone, with ServiceAccount admission off, as envtest runs them. It has
  no controllers, so it never is Ready; its /readyz is what can be compared.

The fsync class goes by the cluster's durability: with ``fast`` SQLite has synchronous=OFF and etcd
--unsafe-no-fsync; with ``full`` both write as carefully as they can. ``normal`` has no counterpart in etcd,
which then writes as with ``full``; the report says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import api, peers
from measuring.report import CannotMeasureError, Document, say

OURS, FOUR, ENVTEST = "ours", "four processes", "etcd + apiserver"
SIDES = (OURS, FOUR, ENVTEST)
STARTED = "what was started:"
PATIENCE = 30.0
TAIL_LINES = 15


@dataclass(slots=True)
class Running:
    """A control plane that serves, and what it took to get there."""

    access: api.Access
    processes: dict[str, subprocess.Popen[bytes]]
    reached: api.Reached
    side: Side

    @property
    def pids(self) -> list[int]:
        """The processes of it all."""
        return [process.pid for process in self.processes.values()]

    @property
    def api_server(self) -> int:
        """The process that answers requests."""
        return self.processes.get("kube-apiserver", next(iter(self.processes.values()))).pid

    def check(self) -> None:
        """CannotMeasureError where one of them has ended."""
        self.side.check(self.processes)

    def stop(self) -> float:
        """End it in order, the datastore last; give the seconds that took."""
        begun = time.perf_counter()
        for process in reversed(self.processes.values()):
            _end(process)
        return time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class Side:
    """One way to serve one cluster. ``document`` is the server.json that ours would get."""

    name: str
    folder: Path
    document: dict[str, Any]
    server: Path
    binaries: peers.Binaries | None
    durability: str

    @property
    def data(self) -> Path:
        """The folder of the datastore; removing it makes the next start a fresh one."""
        return Path(self.document["datastore"]["path"]).parent if self.name == OURS else self.folder / "etcd"

    def clear(self) -> None:
        """Forget what was stored."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)

    def seed(self, source: Path) -> None:
        """Have a copy of a data folder that was served before as the datastore."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(source, self.data)

    def commands(self, *, template: bool = True) -> dict[str, list[str]]:
        """The command lines by the name of the process, in the order of starting."""
        if self.name == OURS:
            return {"sandkube-server": self._ours(template=template)}
        assert self.binaries is not None
        client, peer = _free_port(), _free_port()
        found = {
            "etcd": [
                str(self.binaries["etcd"]),
                f"--data-dir={self.data}",
                f"--listen-client-urls=http://127.0.0.1:{client}",
                f"--advertise-client-urls=http://127.0.0.1:{client}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=default=http://127.0.0.1:{peer}",
                *(["--unsafe-no-fsync"] if self.durability == "fast" else []),
            ],
            "kube-apiserver": [
                str(self.binaries["kube-apiserver"]),
                f"--etcd-servers=http://127.0.0.1:{client}",
                *self.document["api_server"],
            ],
        }
        if self.name == ENVTEST:
            found["kube-apiserver"].append("--disable-admission-plugins=ServiceAccount")
            return found
        for name, key in (("kube-controller-manager", "controller_manager"), ("kube-scheduler", "scheduler")):
            found[name] = [str(self.binaries[name]), *self.document[key]]
        return found

    def start(self, *, template: bool = True) -> Running:
        """Start it and wait until it is Ready (without controllers: until /readyz holds)."""
        access = api.Access(int(self.document["listener"]["address"].rpartition(":")[2]), self.folder / "pki")
        processes: dict[str, subprocess.Popen[bytes]] = {}
        begun = 0.0
        commands = self.commands(template=template)
        try:
            for name, command in commands.items():
                begun = begun or time.perf_counter()
                with self._log(name).open("wb") as log:
                    processes[name] = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        cwd=self.folder,
                        # Ctrl-C is for us, who end them in order: a process group of its own. No session:
                        # the kernel shares the processor by session, and four would get four shares.
                        preexec_fn=os.setpgrp,  # noqa: PLW1509 -- no thread is running here
                    )
            reached = api.wait_ready(
                access, begun, lambda: self.check(processes), controllers=self.name != ENVTEST
            )
        except BaseException:
            for process in reversed(processes.values()):
                _end(process)
            raise
        return Running(access, processes, reached, self)

    @contextlib.contextmanager
    def running(self) -> Iterator[Running]:
        """It, started fresh, within a block."""
        self.clear()
        running = self.start()
        try:
            yield running
        finally:
            running.stop()

    def _ours(self, *, template: bool) -> list[str]:
        document = json.loads(json.dumps(self.document))
        if not template:
            document["datastore"].pop("template", None)
        config = self.folder / "server.json"
        config.write_text(json.dumps(document, indent=1), encoding="utf-8")
        (self.folder / "events.jsonl").unlink(missing_ok=True)
        return [str(self.server), "run", f"--config={config}"]

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.out"

    def check(self, processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
        """CannotMeasureError where one of its processes has ended, with the last lines that it said."""
        for name, process in processes.items():
            if process.poll() is not None:
                tail = self._log(name).read_text(errors="replace").splitlines()[-TAIL_LINES:]
                raise CannotMeasureError("\n".join([f"{name} ended with {process.returncode}:", *tail]))


def prepare(name: str, root: Path, *, durability: str = "fast", cluster: str = "bench") -> Side:
    """Lay out a side in the folder ``root``: certificates, kubeconfigs and flags by `up --dry-run`.

    Nothing of it is measured: certificates are made beforehand for every side.
    """
    from sandkube.server import ensure

    server = ensure(say)
    if name == OURS and server.template is None:
        raise CannotMeasureError(
            "This server has no template: build it anew (sandkube server build --force)."
        )
    state = root / name.replace(" ", "").replace("+", "-")
    environ = {**os.environ, "SANDKUBE_STATE_DIR": str(state), "SANDKUBE_SERVER": str(server.binary)}
    line = [sys.executable, "-m", "sandkube", "up", cluster, "--durability", durability, "--dry-run"]
    done = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMeasureError(f"`sandkube up --dry-run` failed:\n{done.stderr}")
    folder = state / "clusters" / cluster
    if name != OURS:
        _without_provider(folder / "pki" / "scheduler.kubeconfig")
    return Side(
        name=name,
        folder=folder,
        document=parse_script(done.stdout, folder),
        server=server.binary,
        binaries=None if name == OURS else peers.ensure(),
        durability=durability,
    )


def parse_script(script: str, folder: Path) -> dict[str, Any]:
    """The server.json in what `up --dry-run` printed; its socket lies in ``folder``."""
    text = script.partition("<<END\n")[2].partition("\nEND\n")[0]
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise CannotMeasureError(f"`sandkube up --dry-run` printed no server.json: {error}") from error
    document["datastore"]["socket"] = str(folder / "db" / "kine.sock")
    return document


def _without_provider(path: Path) -> None:
    """Take out what names a component that shares its process: a command of its own does not know it."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "auth-provider:" not in line), encoding="utf-8")


def shown(commands: dict[str, list[str]], folder: Path) -> list[str]:
    """The command lines for a report, without the folders of cluster and binaries."""
    return [
        " ".join([name, *(word.replace(f"{folder}/", "") for word in line[1:])])
        for name, line in commands.items()
    ]


def started(there: Mapping[str, Side]) -> Document:
    """What a report says of how these were started."""
    durability = next(iter(there.values())).durability
    return {
        "durability": classes(durability, there),
        "commands": {
            name: [*shown(side.commands(), side.folder), *(_told(side) if name == OURS else [])]
            for name, side in there.items()
        },
    }


def _told(side: Side) -> list[str]:
    """What ours is told in its server.json: the others are told it on their command lines."""
    components = {
        component: ["", *side.document[key]]
        for component, key in (
            ("  kube-apiserver", "api_server"),
            ("  kube-controller-manager", "controller_manager"),
            ("  kube-scheduler", "scheduler"),
        )
    }
    return shown(components, side.folder)


def flags(document: Document) -> str:
    """The command lines in a report, for its end."""
    parts = [STARTED]
    for name, lines in document["commands"].items():
        parts += [f"{name}:", *(f"  {line}" for line in lines)]
    return "\n".join(parts)


def classes(durability: str, there: Container[str] = SIDES) -> str:
    """The fsync class of the datastores, in words."""
    etcd = "--unsafe-no-fsync" if durability == "fast" else "fsync, its default"
    unlike = "; not the same class" if durability == "normal" else ""
    sqlite = {"fast": "OFF", "normal": "NORMAL", "full": "FULL"}[durability]
    ours, theirs = f"SQLite synchronous={sqlite}", f"etcd {etcd}"
    if OURS not in there:
        return f"durability {durability}: {theirs}"
    return f"durability {durability}: {f'{ours}, {theirs}{unlike}' if FOUR in there else ours}"


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
