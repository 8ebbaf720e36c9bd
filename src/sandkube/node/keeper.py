"""The process that keeps a node: the runtime and the kubelet, and forks the holders of containers.

``python -m sandkube.node.keeper --config node.json``. It starts both anew when they end, a little later each
time; at TERM, or when its parent is gone, it ends the kubelet, then the containers, then itself. If it is
killed, so are both, and the containers run on until the node is started again or the cluster ends.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import fcntl
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from sandkube.node.configuration import labels_of
from sandkube.node.folder import NodeFolder
from sandkube.plane import process
from sandkube.plane.files import write_json
from sandkube.plane.folder import EGRESS
from sandkube.runtime import host, kernel, zygote
from sandkube.runtime.found import Host
from sandkube.runtime.wire import Wire, listen

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_SOUND_SECONDS: Final = 30.0  # of life, after which a part begins its pauses anew
_CALLS: Final = 256  # that may wait while nobody serves them
_KUBELET_SECONDS, _RUNTIME_SECONDS = 4.0, 6.0


@dataclass
class Part:
    """A process that is kept running."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    child: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    pause: float = _FIRST_PAUSE
    due: float | None = field(default=0.0)


class Keeper:
    """Keeps the node of ``config``."""

    def __init__(self, config: dict[str, Any], host_: Host) -> None:
        self._config, self._host = config, host_
        self._folder = NodeFolder(Path(config["folder"]))
        self._parent: int | None = config.get("parent_fd")
        self._selector = selectors.DefaultSelector()
        self._events = self._folder.events.open("a", encoding="utf-8")
        self._zygote, self._runtime_end = socket.socketpair()
        self._wire = Wire(self._zygote)
        # Who calls while nobody serves these waits.
        self._calls = _listening(self._folder.runtime_socket)
        self._ways = _listening(self._folder.cluster / EGRESS)
        # Most clusters' API servers never ask anything of their node.
        self._egress = Part("egress", self._start_egress, due=None)
        self._parts = [
            Part("runtime", self._start_runtime),
            Part("kubelet", self._start_kubelet),
            self._egress,
        ]
        self._stopping = False

    def run(self) -> None:
        """Keep it until it is to end."""
        wake, woken = os.pipe()
        for end in (wake, woken):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, self._signalled)
        kernel.adopt_orphans()
        self._selector.register(wake, selectors.EVENT_READ, lambda: os.read(wake, 64))
        self._selector.register(self._wire, selectors.EVENT_READ, self._fork)
        self._selector.register(self._ways, selectors.EVENT_READ, self._first_asked)
        if self._parent is not None:
            self._selector.register(self._parent, selectors.EVENT_READ, self._end)
        self._tell("starting", pid=os.getpid(), host=self._host.document())
        gc.collect()
        gc.freeze()
        while not self._stopping:
            self._start_due()
            for key, _ in self._selector.select(self._seconds()):
                key.data()
            self._reap()
        self._stop()

    def _signalled(self, number: int, _: object) -> None:
        if number != signal.SIGCHLD:
            self._end()

    def _end(self) -> None:
        self._stopping = True

    def _first_asked(self) -> None:
        self._selector.unregister(self._ways)
        self._egress.due = 0.0

    def _seconds(self) -> float | None:
        due = [part.due for part in self._parts if part.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _start_due(self) -> None:
        now = time.monotonic()
        for part in self._parts:
            if part.due is not None and part.due <= now:
                part.child, part.began, part.due = part.start(), now, None
                self._tell("started", part=part.name, pid=part.child.pid)

    def _reap(self) -> None:
        """Wait for whoever has ended: parts, and what holders left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for part in self._parts:
                if part.child is not None and part.child.pid == pid:
                    part.child.returncode = code = os.waitstatus_to_exitcode(status)
                    self._ended(part, code)

    def _ended(self, part: Part, code: int) -> None:
        now = time.monotonic()
        if now - part.began > _SOUND_SECONDS:
            part.pause = _FIRST_PAUSE
        part.child, part.due = None, now + part.pause
        self._tell("ended", part=part.name, status=code, again_in=part.pause)
        part.pause = min(part.pause * 2, _LONGEST_PAUSE)

    def _tell(self, event: str, **said: Any) -> None:
        now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with contextlib.suppress(OSError):  # a full disk
            self._events.write(json.dumps({"time": now, "event": event, **said}) + "\n")
            self._events.flush()

    # -- the parts

    def _start_runtime(self) -> subprocess.Popen[bytes]:
        zygote, listener = self._runtime_end.fileno(), self._calls.fileno()
        passed = [zygote, listener, *([self._parent] if self._parent is not None else [])]
        document = _read(self._folder.runtime_config)
        document |= {"zygote_fd": zygote, "listener_fd": listener, "life_fd": self._parent}
        told = self._told("runtime", document | {"host": self._host.document()})
        command = [*process.python_module("sandkube.runtime"), f"--config={told}"]
        return self._spawn(command, self._folder.runtime_log, passed, users=False)

    def _start_kubelet(self) -> subprocess.Popen[bytes]:
        document = _read(self._folder.kubelet_config)
        labels = ",".join(f"{name}={value}" for name, value in labels_of(self._host).items())
        document["kubelet"].append(f"--node-labels={labels}")
        command = [self._config["server"], "kubelet", f"--config={self._told('kubelet', document)}"]
        return self._spawn(command, self._folder.path / "kubelet.err", [], users=True)

    def _start_egress(self) -> subprocess.Popen[bytes]:
        document = _read(self._folder.egress_config)
        told = self._told("egress", document | {"listener_fd": self._ways.fileno()})
        command = [*process.python_module("sandkube.node.egress"), f"--config={told}"]
        return self._spawn(command, self._folder.egress_log, [self._ways.fileno()], users=False)

    def _told(self, part: str, document: dict[str, Any]) -> Path:
        """Write what a part is told this time; where."""
        path = self._folder.path / f"{part}-run.json"
        write_json(path, document, sync=False)
        return path

    def _spawn(
        self, command: list[str], log: Path, passed: list[int], *, users: bool
    ) -> subprocess.Popen[bytes]:
        uid, gid = os.geteuid(), os.getegid()

        def before() -> None:  # one thread: what runs between fork and exec here is safe
            if users:
                kernel.unshare(kernel.NEW_USERS)
                host.enter_users(f"0 {uid} 1", f"0 {gid} 1")
            kernel.end_with_parent(signal.SIGKILL)

        with log.open("ab") as printed:
            return subprocess.Popen(
                command, cwd=self._folder.path, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed,
                pass_fds=passed, preexec_fn=before, start_new_session=True,  # noqa: PLW1509
            )  # fmt: skip

    def _fork(self) -> None:
        """Fork the holders that the runtime asks for."""
        for message in self._wire.arrived() or ():
            pipes = self._wire.take(message["files"])
            if os.fork() == 0:
                zygote.become_holder(Path(message["folder"]), pipes)
            for pipe in pipes:
                os.close(pipe)

    # -- the end

    def _stop(self) -> None:
        self._tell("stopping")
        runtime, kubelet, egress = self._parts
        order = ((kubelet, _KUBELET_SECONDS), (runtime, _RUNTIME_SECONDS), (egress, 0.0))
        for part, seconds in order:
            if part.child is None:
                continue
            part.child.terminate()
            if not self._ends_within(part, seconds):
                part.child.kill()
                part.child.wait()
        self._tell("stopped")

    def _ends_within(self, part: Part, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for key, _ in self._selector.select(0.05):
                if key.data != self._end:
                    key.data()
            self._reap()
            if part.child is None:
                return True
        return False


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _listening(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return listen(folder, path.name, waiting=_CALLS)
    finally:
        os.close(folder)


def main() -> None:
    """Keep the node, if no other keeper does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    config = _read(parser.parse_args().config)
    os.umask(0o077)
    folder = NodeFolder(Path(config["folder"]))
    lock = _held(folder.lock)
    if lock is None:
        sys.exit("another process keeps this node")
    found = host.probe()
    if found.refused is not None:
        sys.exit(f"no pod can run on this host: {found.refused}")
    write_json(folder.host, found.document(), sync=False)
    Keeper(config, found).run()


def _held(path: Path) -> IO[bytes] | None:
    lock = path.open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


if __name__ == "__main__":
    main()
