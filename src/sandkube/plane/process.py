"""The server's process: starting it, knowing it again, ending it.

A process is known by its number and the time it started, so that another process that got the number later is
never taken for it, and never signalled.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sandkube.errors import StartFailed
from sandkube.plane.files import usable

if TYPE_CHECKING:
    import subprocess

_HAS_PROC = sys.platform == "linux"
_STATE, _STARTTIME = 3, 22  # fields of proc_pid_stat(5)
_POLL_SECONDS = 0.01
# What a control plane may have open at most: connections, watches and files of the datastore. Some systems'
# hard limit is a thousand million, which makes whoever walks over all numbers slow.
_MAX_OPEN_FILES = 65536
# Below this the server starts, and then nothing answers: connections to itself wait for a file to be closed.
_MIN_OPEN_FILES = 256

# What of the environment the server gets: what finds programs, modules, files, time, language, certificates
# and the way out. Nothing else, so that no secret of the user's shell lies in a process that lives on.
KEPT = (
    "PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LANGUAGE",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "GODEBUG", "GOMAXPROCS", "GOTRACEBACK",
)  # fmt: skip
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Identity:
    """A process: its number, and when it started, in a form that holds for this boot of this machine."""

    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started by this one."""

    identity: Identity
    popen: subprocess.Popen[bytes]

    def exit_status(self) -> int | None:
        """The exit status, None while it runs; negative for the signal that ended it."""
        return self.popen.poll()


@dataclass(frozen=True, slots=True)
class Stop:
    """How a process was ended, and after how many seconds."""

    how: Literal["stopped", "killed", "gone"]
    seconds: float


# Children that may outlive the call that started them. Kept so that they are waited for (a child that nobody
# waits for stays a zombie), whoever asks first.
_children: dict[int, Child] = {}
# Held while the limits of this process are others for a moment.
_limits_lock = threading.Lock()


def spawn(
    command: Sequence[str], *, folder: Path, stderr: Path, environ: Mapping[str, str], keep_fds: Sequence[int]
) -> Child:
    """Start ``command`` in a session of its own, in ``folder``, with no open file of ours but ``keep_fds``.

    Its standard input and output are /dev/null; its fd 2 is the file ``stderr``, which begins anew.
    """
    import subprocess

    from sandkube.plane.detached import Detached

    with usable(stderr):
        errors = os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with _limits_lock, _limits():
            popen = Detached(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=tuple(keep_fds),
                start_new_session=True,
                umask=0o077,
            )
    except OSError as error:
        raise StartFailed(f"`{command[0]}` cannot be run: {error.strerror}.") from error
    finally:
        os.close(errors)
    # A child stays visible until it is waited for, so this is never None where the system can be asked at
    # all.
    child = Child(identity(popen.pid) or Identity(popen.pid, ""), popen)
    _children[popen.pid] = child
    return child


def python_module(name: str) -> list[str]:
    """The command line that runs one of our modules, which looks for modules where this process does."""
    search = [str(Path(entry).absolute()) for entry in sys.path]
    begin = f"import runpy, sys; sys.path[:] = {search!r}; runpy.run_module({name!r}, None, '__main__')"
    return [sys.executable, "-c", begin]


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """The limits a child inherits: no core file, which would hold keys; and open files up to the hard limit.

    Set here and put back, and not between fork and exec: code that runs there is not safe in a process with
    threads.
    """
    import resource

    before = {kind: resource.getrlimit(kind) for kind in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)}
    core, files = before[resource.RLIMIT_CORE], before[resource.RLIMIT_NOFILE]
    ceiling = _MAX_OPEN_FILES if files[1] == resource.RLIM_INFINITY else min(files[1], _MAX_OPEN_FILES)
    if ceiling < _MIN_OPEN_FILES:
        raise StartFailed(
            f"The server needs {_MIN_OPEN_FILES} open files, and this shell allows {ceiling}.",
            hint=f"ulimit -n {_MAX_OPEN_FILES}, in a shell where that is allowed",
        )
    resource.setrlimit(resource.RLIMIT_CORE, (0, core[1]))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(files[0], ceiling), files[1]))
    try:
        yield
    finally:
        for kind, limits in before.items():
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, limits)


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done: a child that was started must be written down first.

    The signal is caught, not blocked: a child would inherit a blocked one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # KeyboardInterrupt only ever reaches the main thread
        return
    pending: list[int] = []
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    caught = {kind: handler for kind, handler in before.items() if callable(handler)}
    for kind in caught:
        signal.signal(kind, lambda number, _frame: pending.append(number))
    try:
        yield
    finally:
        for kind, handler in caught.items():
            signal.signal(kind, handler)
        for number in pending:
            signal.raise_signal(number)


def environment(environ: Mapping[str, str], internal: Sequence[str]) -> dict[str, str]:
    """The environment for a server: what it needs of ``environ``, and no proxy for ``internal`` hosts."""
    kept = {key: value for key, value in environ.items() if key in KEPT or key.startswith("LC_")}
    proxies = {key: value for key, value in environ.items() if key.upper() in PROXIES}
    if proxies:
        kept |= proxies
        asked = [environ.get(key, "") for key in ("NO_PROXY", "no_proxy")]
        hosts = [host.strip() for text in asked for host in text.split(",") if host.strip()]
        kept["NO_PROXY"] = kept["no_proxy"] = ",".join(dict.fromkeys([*hosts, *internal]))
    return kept


def identity(pid: int) -> Identity | None:
    """The identity of the process that has the number now; None where there is none, or only its remains."""
    return _identity_from_proc(pid, Path("/proc")) if _HAS_PROC else _identity_from_ps(pid)


def is_alive(process: Identity) -> bool:
    """Whether this very process still runs: not a zombie, and not another one with its number."""
    child = _children.get(process.pid)
    if child is not None and child.exit_status() is not None:
        _children.pop(process.pid, None)  # another thread may have seen it, too
    return identity(process.pid) == process


def holder_of(files: Collection[str], proc: Path = Path("/proc")) -> str | None:
    """A process that has one of ``files`` open, named as /proc/PID/fd names them, as ``name (pid N)``.

    None where none can be seen: /proc hides those of other users.
    """
    for process in proc.glob("[0-9]*"):
        try:
            if any(str(fd.readlink()) in files for fd in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:  # another user's, or gone
            continue
    return None


def is_own(pid: int) -> bool:
    """Whether the process is this user's. Any program can call itself what it likes."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid == os.getuid()
    except OSError:
        return not _HAS_PROC and _ps(pid, "uid=") == str(os.getuid())


def command_line(pid: int) -> str:
    """What the process was called with; "" where that cannot be seen."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "" if _HAS_PROC else _ps(pid, "command=")


def _identity_from_proc(pid: int, proc: Path) -> Identity | None:
    try:
        text = (proc / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name, in parentheses, may hold anything.
    fields = ["pid", "name", *text.rpartition(")")[2].split()]
    if len(fields) < _STARTTIME or fields[_STATE - 1] in ("Z", "X", "x"):
        return None
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return Identity(pid, f"{fields[_STARTTIME - 1]}@{boot}")


def _identity_from_ps(pid: int) -> Identity | None:
    state, _, started = _ps(pid, "stat=,lstart=").partition(" ")
    return Identity(pid, started.strip()) if started and not state.startswith("Z") else None


def _ps(pid: int, columns: str) -> str:
    import subprocess

    environ = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    done = subprocess.run(
        ["ps", "-o", columns, "-p", str(pid)], capture_output=True, text=True, env=environ, check=False
    )
    return done.stdout.strip()


def stop(process: Identity, *, term_seconds: float, kill_seconds: float = 5.0) -> Stop:
    """End the process: TERM, and KILL where it has not ended after ``term_seconds``. Then it is gone.

    With 0 ``term_seconds`` it is killed at once.

    Ctrl-C while it waits goes on to KILL at once, and then is raised. StartFailed where not even KILL ends
    it.
    """
    begun = time.monotonic()
    with _handle(process) as handle:
        if handle is None:
            return Stop("gone", 0.0)
        try:
            if term_seconds > 0:
                handle.send(signal.SIGTERM)
                if handle.wait(term_seconds):
                    return Stop("stopped", time.monotonic() - begun)
        except BaseException:
            handle.send(signal.SIGKILL)
            handle.wait(kill_seconds)
            raise
        handle.send(signal.SIGKILL)
        if handle.wait(kill_seconds):
            return Stop("killed", time.monotonic() - begun)
    raise StartFailed(f"The process {process.pid} did not end within {kill_seconds:.0f} seconds after KILL.")


@contextlib.contextmanager
def _handle(process: Identity) -> Iterator[_Handle | None]:
    """Something to signal and await the process by, None where it is gone already."""
    fd = _pidfd(process.pid)
    try:
        # In this order: the descriptor belongs to whoever has the number now, and stays with it.
        yield _Handle(process, fd) if is_alive(process) else None
    finally:
        if fd is not None:
            os.close(fd)


@dataclass(frozen=True, slots=True)
class _Handle:
    process: Identity
    pidfd: int | None  # where the kernel has them: no signal can reach another process by it

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pidfd is not None:
                signal.pidfd_send_signal(self.pidfd, number)  # type: ignore[attr-defined,unused-ignore]
            elif is_alive(self.process):
                os.kill(self.process.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended; says whether it has."""
        if self.pidfd is not None:
            poll = select.poll()
            poll.register(self.pidfd, select.POLLIN)
            ended = bool(poll.poll(seconds * 1000))
            is_alive(self.process)  # if it was a child, it is waited for
            return ended
        deadline = time.monotonic() + seconds
        while is_alive(self.process):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def _pidfd(pid: int) -> int | None:
    opener = getattr(os, "pidfd_open", None)
    if opener is None:
        return None
    try:
        return int(opener(pid))
    except OSError:  # the process is gone, or the kernel has no such call (gVisor)
        return None
