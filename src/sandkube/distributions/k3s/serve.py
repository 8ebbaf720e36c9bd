"""The process that serves a k3s cluster: it runs k3s, and keeps our contract for it.

``python -m sandkube.distributions.k3s.serve --config=server.json``. k3s knows nothing of ``events.jsonl``, of
a parent that it must not outlive, or of a log that is turned; this process does these for it, and is what
`up` starts and `down` ends. k3s ends with it, even if it is killed: the kernel sees to that
(PR_SET_PDEATHSIG, sound here because k3s is started from the main thread, which lives as long as the
process). The locks are inherited by k3s, so that they are free only when k3s is gone as well.

Ready means: the API server says so, and the service account that every pod needs is there. (k3s says that it
is up and running before its controllers have begun.)
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from sandkube.distributions.k3s import lines, probe
from sandkube.distributions.k3s.log import TurnedLog
from sandkube.errors import SandkubeError

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_BLOCK: Final = 64 * 1024
_LONGEST_REASON: Final = 500  # characters
_LEFT_BEHIND_SECONDS: Final = 5.0  # less than what `down` waits before it kills


@dataclass(frozen=True, slots=True)
class Configuration:
    """What server.json tells: all paths are absolute."""

    command: list[str]
    environment: dict[str, str]
    name: str
    folder: Path
    locks: list[Path]
    kubeconfig: Path
    written: Path  # the kubeconfig that k3s writes
    events: Path
    log: Path
    log_bytes: int
    log_backups: int
    listener_fd: int | None
    parent_fd: int | None

    @classmethod
    def read(cls, path: Path) -> Configuration:
        """From ``path``, as ``sandkube.distributions.k3s.configuration`` renders it."""
        document = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            command=document["command"],
            environment=document["environment"],
            name=document["name"],
            folder=path.parent,
            locks=[Path(lock) for lock in document["locks"]],
            kubeconfig=Path(document["kubeconfig"]),
            written=Path(document["k3s_kubeconfig"]),
            events=Path(document["events"]),
            log=Path(document["log"]["path"]),
            log_bytes=document["log"]["max_megabytes"] << 20,
            log_backups=document["log"]["backups"],
            listener_fd=document["listener"].get("fd"),
            parent_fd=document.get("parent_fd"),
        )


class Events:
    """Appends to events.jsonl, a line each; seconds count from the start of this process' work."""

    def __init__(self, path: Path) -> None:
        self._begun = time.monotonic()
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def tell(self, event: str, *, timed: bool = True, **more: object) -> None:
        """Append one event."""
        now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        seconds = {"seconds": round(time.monotonic() - self._begun, 6)} if timed else {}
        line = json.dumps({"time": now, "event": event, **more, **seconds})
        with contextlib.suppress(OSError):  # a full disk: serving goes on
            os.write(self._fd, f"{line}\n".encode())


class Serving:
    """One k3s, from its start to its end."""

    def __init__(self, configuration: Configuration) -> None:
        self._its = configuration
        self._events = Events(configuration.events)
        self._log = TurnedLog(configuration.log, configuration.log_bytes, configuration.log_backups)
        self._reason: str | None = None  # why k3s gave up, as its log says
        self._asked: str | None = None  # why it is to stop
        self._rest = b""

    def run(self) -> int:
        """Serve until k3s ends; the exit status: 0 if it was asked to end."""
        with contextlib.ExitStack() as held:
            lock_fds = [held.enter_context(_locked(path)) for path in self._its.locks]
            if None in lock_fds:
                return self._refuse("another server uses the data folder of this cluster")
            wake_fd = held.enter_context(self._woken())
            self._events.tell("starting", pid=os.getpid(), timed=False)
            try:
                child = self._start([fd for fd in lock_fds if fd is not None])
            except OSError as error:
                return self._refuse(f"`{self._its.command[0]}` cannot be run: {error.strerror}")
            threading.Thread(target=self._await_ready, args=(child,), daemon=True).start()
            try:
                self._attend(child, wake_fd)
                status = child.wait()
            finally:
                self._end_group(child.pid)
        if self._asked is not None:
            self._events.tell("stopped")
            return 0
        how = f"ended with status {status}" if status >= 0 else f"was ended by {_signal_name(-status)}"
        self._events.tell("failed", component="k3s", reason=self._reason or f"it {how}")
        return 1

    def _refuse(self, reason: str) -> int:
        self._events.tell("failed", component="k3s", reason=reason)
        print(reason, file=sys.stderr)
        return 2

    @contextlib.contextmanager
    def _woken(self) -> Iterator[int]:
        """A descriptor that can be read once a signal came that asks for the end."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        yield read
        signal.set_wakeup_fd(-1)

    def _start(self, lock_fds: list[int]) -> subprocess.Popen[bytes]:
        prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork
        me = os.getpid()

        def end_with_us() -> None:
            os.setpgid(0, 0)  # a k3s that is a script may leave a child behind
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != me:
                os._exit(1)

        if self._its.listener_fd is not None:
            # The port was held until now, so that nobody else took it; k3s opens it by itself.
            socket.socket(fileno=self._its.listener_fd).close()
        return subprocess.Popen(
            self._its.command,
            cwd=self._its.folder,
            env=self._its.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=lock_fds,
            preexec_fn=end_with_us,  # noqa: PLW1509 -- there is no other thread yet
        )

    def _attend(self, child: subprocess.Popen[bytes], wake_fd: int) -> None:
        """Read what k3s says, and pass on what asks for its end, until it has ended."""
        assert child.stdout is not None
        os.set_blocking(child.stdout.fileno(), False)
        with selectors.DefaultSelector() as waiting:
            waiting.register(child.stdout, selectors.EVENT_READ, "output")
            waiting.register(wake_fd, selectors.EVENT_READ, "signal")
            if self._its.parent_fd is not None:
                waiting.register(self._its.parent_fd, selectors.EVENT_READ, "parent")
            while child.poll() is None:
                for key, _ in waiting.select():
                    if key.data == "output" and not self._read(child.stdout):
                        waiting.unregister(child.stdout)
                    elif key.data == "signal" and {signal.SIGTERM, signal.SIGINT} & set(os.read(wake_fd, 64)):
                        self._stop(child, "signal terminated")
                    elif key.data == "parent":
                        waiting.unregister(key.fileobj)
                        self._stop(child, "parent ended")
        self._read(child.stdout)

    def _stop(self, child: subprocess.Popen[bytes], reason: str) -> None:
        if self._asked is None:  # k3s takes a second signal as a demand to end in disorder
            self._asked = reason
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            self._events.tell("stopping", timed=False, reason=reason)

    def _end_group(self, group: int) -> None:
        """Wait for what k3s started and left behind, and kill what does not end."""
        deadline = time.monotonic() + _LEFT_BEHIND_SECONDS
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._asked is None:  # otherwise it has had that signal
                os.killpg(group, signal.SIGTERM)
            while time.monotonic() < deadline:
                os.killpg(group, 0)
                time.sleep(0.02)
            os.killpg(group, signal.SIGKILL)

    def _read(self, output: IO[bytes]) -> bool:
        """Take over what k3s wrote; False at its end."""
        while True:
            try:
                data = os.read(output.fileno(), _BLOCK)
            except BlockingIOError:
                return True
            self._log.write(data)
            whole, newline, rest = (self._rest + data).rpartition(b"\n")
            self._rest = rest[-_BLOCK:]
            if newline:
                for line in whole.decode(errors="replace").split("\n"):
                    self._hear(line)
            if not data:
                return False

    def _hear(self, line: str) -> None:
        self._reason = self._reason or (lines.fatal(line) or "")[:_LONGEST_REASON] or None
        found = lines.message(line)
        if found is None:
            return
        if component := lines.MILESTONES.get(found[1]):
            self._events.tell("ready", component=component)

    def _await_ready(self, child: subprocess.Popen[bytes]) -> None:
        """In a thread of its own: say that the whole is Ready, when it is."""
        probe.await_usable(self._its.written, lambda: child.returncode is not None or self._asked is not None)
        if child.returncode is None and self._asked is None:
            try:
                probe.write_kubeconfig(self._its.written, self._its.kubeconfig, self._its.name)
            except (OSError, ValueError, KeyError, SandkubeError) as error:
                self._reason = self._reason or f"{self._its.kubeconfig} cannot be written: {error}"
                child.terminate()
                return
            self._events.tell("ready")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int | None]:
    """Hold the lock of a data folder, as the embedded server does; None if somebody else holds it."""
    fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    assert fd is not None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        fd = None
    yield fd
    if fd is not None:
        os.close(fd)


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(number).name}"
    return f"signal {number}"


def main(arguments: list[str]) -> int:
    """Serve as the file that ``--config=FILE`` names says; the exit status."""
    os.umask(0o077)
    configuration = Configuration.read(Path(arguments[0].removeprefix("--config=")))
    return Serving(configuration).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
