"""The process that holds a container: the first one in its namespaces, forked from the zygote.

It makes the container's files, runs its command, writes down what that prints and how it ends, and runs
further commands beside it. It needs nobody: a runtime that is killed and comes again finds it by its socket
(``control.sock`` in the container's folder), or finds the end that it wrote (``exit.json``). When it ends,
everything in the container does.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gc
import json
import os
import resource
import selectors
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from sandkube.runtime import files, host, kernel, wire
from sandkube.runtime.crilog import CriLog
from sandkube.runtime.files import Mount
from sandkube.runtime.found import Mode
from sandkube.runtime.places import BUNDLE, CONTROL, EXIT, FILES, HOLDER
from sandkube.runtime.tree import descendants, stat
from sandkube.runtime.wire import Wire

# Exit statuses that shells and container runtimes have for a command that cannot be run.
NOT_FOUND, NOT_EXECUTABLE = 127, 126
_BLOCK: Final = 1 << 16
_DRAIN_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 1.0  # between two looks at a container's memory
_PENDING: Final = 1 << 20  # bytes that an attached client may be behind


@dataclass(frozen=True)
class Bundle:
    """What bundle.json tells.

    ``maps`` are the lines of uid_map and gid_map where the container has a user namespace, None where it has
    none. ``image`` is the root file system, None for the host's own. ``log`` is the path of the CRI log.
    ``limits`` are of setrlimit(2), for each process; ``memory`` is in bytes, for all of them together.
    """

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    hostname: str
    files: Mode
    image: str | None
    mounts: list[Mount]
    hidden: list[str]
    read_only: bool
    maps: tuple[str, str] | None
    own_pids: bool
    log: str | None
    tty: bool
    stdin: bool
    stdin_once: bool
    user: int | None
    group: int | None
    groups: list[int]
    capabilities: list[str]
    no_new_privileges: bool
    limits: dict[str, int]
    memory: int | None

    @classmethod
    def read(cls, text: str) -> Bundle:
        """From bundle.json."""
        value = json.loads(text)
        mounts = [Mount.of(one) for one in value.pop("mounts")]
        maps = value.pop("maps")
        return cls(**value, mounts=mounts, maps=None if maps is None else tuple(maps))


def hold(folder: Path, report: int, life: int | None) -> NoReturn:
    """Hold the container of ``folder``; for a process that was forked for it and does nothing else after.

    ``report`` is a pipe that gets one line, ``{"started": NANOSECONDS}`` or ``{"error": …, "code": …}``.
    ``life`` is a pipe whose end ends the container.
    """
    status = 1
    try:
        gc.disable()  # what is shared with the zygote stays shared
        bundle = Bundle.read((folder / BUNDLE).read_text(encoding="utf-8"))
        os.setsid()
        _enter_namespaces(bundle)
        ready, go = os.pipe()
        first = os.fork()
        if first:
            _write_down(folder, first)
            os.close(ready)
            os.write(go, b"!")
            os._exit(0)
        os.close(go)
        os.read(ready, 1)
        os.close(ready)
        _Holder(folder, bundle, report, life).run()
        status = 0
    except _NotStartedError as error:
        _tell(report, {"error": str(error), "code": error.code})
    except OSError as error:
        _tell(report, {"error": str(error), "code": 128})
    except Exception as error:  # noqa: BLE001 -- nobody else would hear of it
        _tell(report, {"error": f"{type(error).__name__}: {error}", "code": 128})
    finally:
        os._exit(status)


class _NotStartedError(Exception):
    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def _tell(report: int, message: object) -> None:
    with contextlib.suppress(OSError):
        os.write(report, json.dumps(message).encode() + b"\n")


def _enter_namespaces(bundle: Bundle) -> None:
    flags = kernel.NEW_MOUNTS | kernel.NEW_HOSTNAME | kernel.NEW_IPC
    if bundle.own_pids:
        flags |= kernel.NEW_PIDS
    if bundle.maps is None:
        kernel.unshare(flags)
        return
    kernel.unshare(flags | kernel.NEW_USERS)
    host.enter_users(*bundle.maps)


def _write_down(folder: Path, pid: int) -> None:
    from sandkube.plane import process
    from sandkube.plane.files import write_json

    found = process.identity(pid)
    write_json(folder / HOLDER, {"pid": pid, "started": found.started if found else ""}, sync=False)


@dataclass
class _Stream:
    """What a command prints: where it is read, and what the log calls it."""

    file: int
    name: str


@dataclass(eq=False)
class _Sink:
    """A file of a client's that is written to without waiting; one that falls behind is given up."""

    file: int
    pending: bytearray = field(default_factory=bytearray)


@dataclass(eq=False)
class _Client:
    """A connection, and what it asked for that is still going on."""

    wire: Wire
    pid: int | None = None
    master: int | None = None
    sinks: dict[str, _Sink] = field(default_factory=dict)
    source: int | None = None


class _Holder:
    def __init__(self, folder: Path, bundle: Bundle, report: int, life: int | None) -> None:
        self._bundle, self._report, self._life = bundle, report, life
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._scratch = str(folder / FILES)
        self._selector = selectors.DefaultSelector()
        self._clients: set[_Client] = set()
        self._streams: dict[int, _Stream] = {}
        self._stdin: _Sink | None = None
        self._master: int | None = None
        self._main = 0
        self._reason: str | None = None
        self._looked = time.monotonic()
        self._log = self._open_log()

    def _open_log(self) -> CriLog | None:
        if self._bundle.log is None:
            return None
        path = Path(self._bundle.log)
        path.parent.mkdir(parents=True, exist_ok=True)
        return CriLog(os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), path.name)

    def run(self) -> None:
        """Hold it until its command has ended."""
        wake, woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        if not self._bundle.own_pids:
            kernel.adopt_orphans()
        listener = wire.listen(self._folder, CONTROL)
        b = self._bundle
        files.enter(
            scratch=self._scratch,
            mode=b.files,
            image=b.image,
            mounts=b.mounts,
            hidden=b.hidden,
            read_only=b.read_only,
            own_pids=b.own_pids,
        )
        kernel.sethostname(b.hostname)
        self._start()
        _tell(self._report, {"started": time.time_ns()})
        os.close(self._report)
        self._on(listener, lambda: self._accepted(listener))
        self._on(wake, lambda: _emptied(wake))
        if self._life is not None:
            self._on(self._life, self._kill_all)
        code = self._served()
        self._ended(code)

    def _on(self, file: Any, ready: Callable[[], object], events: int = selectors.EVENT_READ) -> None:
        self._selector.register(file, events, ready)

    # -- the command

    def _start(self) -> None:
        b = self._bundle
        if b.tty:
            master, slave = os.openpty()
            ends = (slave, slave, slave)
            self._master = master
            self._streams[master] = _Stream(master, "stdout")
            if b.stdin:
                self._stdin = _Sink(os.dup(master))
            ours: Sequence[int] = ()
        else:
            reading, stdin = os.pipe() if b.stdin else (os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), None)
            out, stdout = os.pipe()
            err, stderr = os.pipe()
            ends = (reading, stdout, stderr)
            self._streams = {out: _Stream(out, "stdout"), err: _Stream(err, "stderr")}
            self._stdin = None if stdin is None else _Sink(stdin)
            ours = ()
        self._main = self._run(b.arguments, ends, tty=b.tty)
        for file in {*ends, *ours}:
            os.close(file)
        if self._stdin is not None:
            os.set_blocking(self._stdin.file, False)
        for stream in self._streams.values():
            os.set_blocking(stream.file, False)
            self._on(stream.file, partial(self._printed, stream))

    def _run(self, arguments: Sequence[str], ends: tuple[int, int, int], *, tty: bool) -> int:
        """Start a command in the container; its process. _NotStartedError where it cannot be executed."""
        reading, failed = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(arguments, ends, tty=tty)
            except OSError as error:
                os.write(failed, f"{error.errno or 0} {error.strerror or error}".encode())
            except BaseException as error:  # noqa: BLE001 -- this process is no Python program
                os.write(failed, f"0 {error}".encode())
            finally:
                os._exit(NOT_FOUND)
        os.close(failed)
        with os.fdopen(reading, "rb") as file:
            said = file.read().decode(errors="replace")
        if not said:
            return pid
        os.waitpid(pid, 0)
        number, _, text = said.partition(" ")
        if int(number) == errno.ENOENT:
            raise _NotStartedError(f'exec "{arguments[0]}": executable file not found in $PATH', NOT_FOUND)
        raise _NotStartedError(f'exec "{arguments[0]}": {text}', NOT_EXECUTABLE)

    def _become(self, arguments: Sequence[str], ends: tuple[int, int, int], *, tty: bool) -> None:
        """Be the command: for the process that was forked for it."""
        b = self._bundle
        os.setsid()
        for target, source in enumerate(ends):
            os.dup2(source, target)
        if tty:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.umask(0o022)
        for name, most in b.limits.items():
            kind = getattr(resource, f"RLIMIT_{name}")
            resource.setrlimit(kind, (most, most))
        with contextlib.suppress(FileExistsError):
            os.makedirs(b.folder)
        self._change_user()
        if b.no_new_privileges:
            kernel.forbid_new_privileges()
        if not b.own_pids:  # else nothing outlives the first process of a namespace
            kernel.end_with_parent(signal.SIGKILL)
        os.chdir(b.folder)
        os.execve(_program(arguments[0], b.environment), list(arguments), b.environment)  # noqa: S606

    def _change_user(self) -> None:
        b = self._bundle
        kernel.keep_capabilities(b.capabilities)
        with contextlib.suppress(PermissionError):  # in a user namespace of one user there are no others
            os.setgroups(b.groups)
        if b.group is not None and b.group != os.getgid():
            os.setresgid(b.group, b.group, b.group)
        if b.user is not None and b.user != os.getuid():
            os.setresuid(b.user, b.user, b.user)

    def _printed(self, stream: _Stream) -> bool:
        """Take what a command printed; whether there may be more."""
        try:
            data = os.read(stream.file, _BLOCK)
        except BlockingIOError:
            return True
        except OSError:  # of a terminal that nobody has open any more
            data = b""
        if not data:
            self._selector.unregister(stream.file)
            del self._streams[stream.file]
            if stream.file != self._master:
                os.close(stream.file)
            if self._log is not None:
                self._log.end(stream.name)
            return False
        if self._log is not None:
            self._log.write(stream.name, data)
        for client in list(self._clients):
            sink = client.sinks.get(stream.name)
            if sink is not None and not self._give(sink, data):
                self._gone(client)
        return True

    # -- serving

    def _served(self) -> int:
        """Serve until the command has ended; its exit status, negative for the signal that ended it."""
        pause = None if self._bundle.memory is None else _LOOK_SECONDS
        while True:
            arrived = self._selector.select(pause)
            if self._bundle.memory is not None and self._is_over(self._bundle.memory):
                self._reason = "OOMKilled"
                self._kill_all()
            for key, _ in arrived:
                # what one of them did may have closed the next
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    break
                if pid == 0:
                    break
                code = os.waitstatus_to_exitcode(status)
                if pid == self._main:
                    return code
                self._finished(pid, code)

    def _is_over(self, memory: int) -> bool:
        """Whether the container has more in memory than it may; looked at once in a while."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return False
        self._looked = now
        return _held_memory(os.getpid()) > memory

    def _finished(self, pid: int, code: int) -> None:
        for client in list(self._clients):
            if client.pid == pid:
                client.pid = None
                with contextlib.suppress(OSError):
                    client.wire.send({"exit": _status(code)})
                self._gone(client)

    def _accepted(self, listener: Any) -> None:
        connection, _ = listener.accept()
        client = _Client(Wire(connection))
        self._clients.add(client)
        self._on(connection, lambda: self._heard(client))

    def _heard(self, client: _Client) -> None:
        try:
            messages = client.wire.arrived()
            for message in messages or ():
                self._asked(client, message)
        except (OSError, ValueError, KeyError, _NotStartedError) as error:
            code = error.code if isinstance(error, _NotStartedError) else 128
            with contextlib.suppress(OSError):
                client.wire.send({"error": str(error), "code": code})
            messages = None
        if messages is None:
            self._gone(client)

    def _asked(self, client: _Client, message: Mapping[str, Any]) -> None:
        """Do what a client asks for.

        ``exec`` runs ``arguments``: with ``tty`` it answers with the terminal, else three files come with it
        that are its standard streams. It answers ``{"started": PID}`` and later ``{"exit": STATUS}``; a
        connection that is closed before ends the command. ``signal`` sends ``number`` to the container's
        command, ``kill`` ends all of the container, ``reopen`` goes on in a new log, ``resize`` says how
        large a terminal is, ``attach`` brings the files that ``stdin``, ``stdout`` and ``stderr`` go to,
        ``usage`` tells what the container has used, ``watch`` answers nothing: its connection ends with the
        container.
        """
        what = message["do"]
        found: Callable[[_Client, Mapping[str, Any]], object] | None = {
            "exec": self._execute,
            "signal": self._signal,
            "kill": self._kill,
            "reopen": self._reopen,
            "resize": self._resize,
            "attach": self._attach,
            "usage": lambda client, _: client.wire.send(_usage(os.getpid())),
            "watch": lambda _, __: None,
        }.get(what)
        if found is None:
            raise ValueError(f"a container is not asked to `{what}`")
        found(client, message)

    def _signal(self, client: _Client, message: Mapping[str, Any]) -> None:
        os.kill(self._main, message["number"])
        client.wire.send({})

    def _kill(self, client: _Client, _: Mapping[str, Any]) -> None:
        client.wire.send({})
        self._kill_all()

    def _reopen(self, client: _Client, _: Mapping[str, Any]) -> None:
        if self._log is not None:
            self._log.reopen()
        client.wire.send({})

    def _resize(self, client: _Client, message: Mapping[str, Any]) -> None:
        master = client.master if client.master is not None else self._master
        if master is not None:
            size = struct.pack("HHHH", message["rows"], message["columns"], 0, 0)
            fcntl.ioctl(master, termios.TIOCSWINSZ, size)

    def _execute(self, client: _Client, message: Mapping[str, Any]) -> None:
        tty = bool(message.get("tty"))
        if tty:
            client.master, slave = os.openpty()
            ends = [slave, slave, slave]
        else:
            ends = client.wire.take(3)
        try:
            client.pid = self._run(message["arguments"], (ends[0], ends[1], ends[2]), tty=tty)
        finally:
            for file in set(ends):
                os.close(file)
        client.wire.send({"started": client.pid}, [client.master] if client.master is not None else [])

    def _attach(self, client: _Client, message: Mapping[str, Any]) -> None:
        wanted = message["streams"]
        for name, file in zip(wanted, client.wire.take(len(wanted)), strict=True):
            os.set_blocking(file, False)
            if name != "stdin":
                client.sinks[name] = _Sink(file)
            elif self._stdin is not None:
                client.source = file
                self._on(file, lambda: self._typed(client))
            else:
                os.close(file)
        client.wire.send({"tty": self._bundle.tty})

    def _typed(self, client: _Client) -> None:
        assert client.source is not None
        try:
            data = os.read(client.source, _BLOCK)
        except BlockingIOError:
            return
        if data and self._stdin is not None:
            self._give(self._stdin, data)
            return
        self._selector.unregister(client.source)
        os.close(client.source)
        client.source = None
        if self._bundle.stdin_once and self._stdin is not None:
            self._drop(self._stdin)
            self._stdin = None

    def _give(self, sink: _Sink, data: bytes) -> bool:
        """Write without waiting; what does not go yet goes later. False for one that is too far behind."""
        if not sink.pending:
            try:
                data = data[os.write(sink.file, data) :]
            except BlockingIOError:
                pass
            except OSError:
                return False
            if not data:
                return True
            self._on(sink.file, lambda: self._flush(sink), selectors.EVENT_WRITE)
        sink.pending += data
        return len(sink.pending) <= _PENDING

    def _flush(self, sink: _Sink) -> None:
        try:
            del sink.pending[: os.write(sink.file, sink.pending)]
        except BlockingIOError:
            return
        except OSError:
            sink.pending.clear()
        if not sink.pending:
            self._selector.unregister(sink.file)

    def _drop(self, sink: _Sink) -> None:
        if sink.pending:
            self._selector.unregister(sink.file)
        os.close(sink.file)

    def _gone(self, client: _Client) -> None:
        if client not in self._clients:
            return
        self._clients.discard(client)
        if client.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(client.pid, signal.SIGKILL)
        if client.source is not None:
            self._selector.unregister(client.source)
            os.close(client.source)
        for sink in client.sinks.values():
            self._drop(sink)
        if client.master is not None:
            os.close(client.master)
        self._selector.unregister(client.wire)
        client.wire.close()

    # -- the end

    def _kill_all(self) -> None:
        if self._bundle.own_pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            return
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _ended(self, code: int) -> None:
        """Clear up, and write down how it ended."""
        ended = time.time_ns()
        self._reap_all()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._streams and time.monotonic() < deadline:
            for stream in list(self._streams.values()):
                while self._printed(stream):
                    if not _has_more(stream.file):
                        break
            if self._streams and not any(_has_more(file, 0.02) for file in self._streams):
                break
        for stream in self._streams.values():
            if self._log is not None:
                self._log.end(stream.name)
        document = {"code": _status(code), "signal": max(0, -code), "finished": ended, "reason": self._reason}
        with contextlib.suppress(OSError):  # the folder is gone: nobody asks any more
            _replace(self._folder, EXIT, json.dumps(document).encode())

    def _reap_all(self) -> None:
        self._kill_all()
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, 0)
                self._finished(pid, os.waitstatus_to_exitcode(status))


def _program(name: str, environment: Mapping[str, str]) -> str:
    """The program of that name on PATH; folders of it that may not be looked into have none."""
    if "/" in name:
        return name
    for folder in environment.get("PATH", "").split(":"):
        path = f"{folder or '.'}/{name}"
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def _emptied(file: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(file, _BLOCK)


def _has_more(file: int, seconds: float = 0.0) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(file, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def _status(code: int) -> int:
    return code if code >= 0 else 128 - code


def _replace(folder: int, name: str, data: bytes) -> None:
    """Write a file in an open folder, so that it is there as a whole or not at all."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(f".{name}", flags, 0o600, dir_fd=folder)
    try:
        os.write(file, data)
    finally:
        os.close(file)
    os.rename(f".{name}", name, src_dir_fd=folder, dst_dir_fd=folder)


def _held_memory(pid: int) -> int:
    """Bytes that all processes below ``pid`` have in memory and that are in no file (proc_pid_statm(5))."""
    pages = 0
    for one in descendants(pid):
        with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{one}/statm", "rb") as file:
            fields = file.read().split()
            pages += int(fields[1]) - int(fields[2])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _usage(pid: int) -> dict[str, int]:
    """Nanoseconds of processor time and bytes of memory of all processes below ``pid``, and their number."""
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, pages, count = ended.ru_utime + ended.ru_stime, 0, 0
    for one in descendants(pid):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat(one)
            seconds += sum(int(fields[at]) for at in (11, 12, 13, 14)) / ticks
            pages += int(fields[21])
            count += 1
    return {"cpu": int(seconds * 1e9), "memory": pages * page, "processes": count}
