"""Containers as the runtime knows them: made, started, ended; and known again after a restart."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from sandkube.errors import SandkubeError
from sandkube.plane import process
from sandkube.plane.files import read_json, write_json
from sandkube.runtime import wire
from sandkube.runtime.errors import CallError, Code
from sandkube.runtime.feed import Feed, Happened
from sandkube.runtime.places import BUNDLE, CONTROL, EXIT, FILES, RECORD, holder_of
from sandkube.runtime.watcher import Watcher
from sandkube.runtime.wire import Wire

_START_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 10.0
_KILL_SECONDS: Final = 10.0
_KILLED: Final = 128 + signal.SIGKILL

Config = dict[str, Any]


class State(Enum):
    """By the names of the CRI."""

    CREATED = "CONTAINER_CREATED"
    RUNNING = "CONTAINER_RUNNING"
    EXITED = "CONTAINER_EXITED"


@dataclass(frozen=True)
class End:
    """How a container ended. ``finished`` is in nanoseconds since 1970."""

    code: int
    finished: int
    reason: str
    message: str = ""


class Container:
    """One container, and the folder where all of it is kept."""

    def __init__(
        self,
        folder: Path,
        record: dict[str, Any],
        watcher: Watcher,
        tell: Callable[[Container, Happened], None],
    ) -> None:
        self.folder, self._record, self._watcher, self._tell = folder, record, watcher, tell
        self.id: str = folder.name
        self.sandbox: str = record["sandbox"]
        self.config: Config = record["config"]
        self.image: str = record["image"]
        self.created: int = record["created"]
        self.end: End | None = None
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._recover()

    @property
    def started(self) -> int:
        """When it was started, in nanoseconds since 1970; 0 before."""
        return int(self._record.get("started", 0))

    @property
    def state(self) -> State:
        """What it is now."""
        if self.end is not None:
            return State.EXITED
        return State.RUNNING if self.started else State.CREATED

    @property
    def stop_signal(self) -> int:
        """What it is asked to end with."""
        name = self.config.get("stop_signal") or self._record.get("stop_signal") or "SIGTERM"
        return int(getattr(signal, name.removeprefix("SIGNAL_"), signal.SIGTERM))

    def _recover(self) -> None:
        """Know it again: it runs, it has ended meanwhile, or its holder was killed."""
        if failed := self._record.get("failed"):
            self._finish(End(**failed))
            return
        holder = holder_of(self.folder)
        if holder is None:
            return
        self._record.setdefault("started", time.time_ns())
        if not process.is_alive(holder) or not self._watch():
            self._over()

    def start(self, bundle: dict[str, Any], zygote: Wire, life: int | None) -> None:
        """Start it. CallError where it cannot be: it has ended then, so the kubelet waits for a while."""
        with self._lock:
            if self.state is not State.CREATED:
                raise CallError(
                    Code.FAILED_PRECONDITION, f"the container is {self.state.name.lower()} already"
                )
            (self.folder / FILES).mkdir(exist_ok=True)
            write_json(self.folder / BUNDLE, bundle, sync=False)
            answer = self._reported(zygote, life)
            if "error" in answer:
                self._fail(End(answer["code"], time.time_ns(), "StartError", answer["error"]))
                raise CallError(Code.UNKNOWN, answer["error"])
            self._record["started"] = answer["started"]
            self._save()
            self._tell(self, Happened.STARTED)
            if not self._watch():
                self._over()

    def fail(self, message: str) -> None:
        """It cannot be started, and this is why."""
        with self._lock:
            self._fail(End(128, time.time_ns(), "StartError", message))

    def _reported(self, zygote: Wire, life: int | None) -> dict[str, Any]:
        reading, report = os.pipe()
        try:
            pipes = [report, *([life] if life is not None else [])]
            zygote.send({"folder": str(self.folder), "files": len(pipes)}, pipes)
        finally:
            os.close(report)
        with os.fdopen(reading, "rb") as file:
            ready, _, _ = select.select([file], [], [], _START_SECONDS)
            line = file.readline() if ready else b""
        found: dict[str, Any] = {"error": "the process that holds it ended at once", "code": 128}
        return json.loads(line) if line else found

    def _fail(self, end: End) -> None:
        self._record |= {
            "started": end.finished,
            "failed": {
                "code": end.code,
                "finished": end.finished,
                "reason": end.reason,
                "message": end.message,
            },
        }
        self._save()
        self._finish(end)

    def _watch(self) -> bool:
        try:
            watched = wire.connect(str(self.folder / CONTROL))
            watched.send({"do": "watch"})
        except OSError:
            return False
        self._watcher.watch(watched, self._over)
        return True

    def _over(self) -> None:
        """Its holder is gone: it has written down how the command ended, unless it was killed."""
        document = None
        with contextlib.suppress(SandkubeError):
            document = read_json(self.folder / EXIT, remedy="")
        if document is None:
            message = "the process that holds the container was killed"
            self._fail(End(_KILLED, time.time_ns(), "Error", message))
            return
        code = int(document["code"])
        reason = document.get("reason") or ("Completed" if code == 0 else "Error")
        self._finish(End(code, int(document["finished"]), reason))

    def _finish(self, end: End) -> None:
        self.end = end
        self.ended.set()
        self._tell(self, Happened.STOPPED)

    def control(self, seconds: float | None = _ANSWER_SECONDS) -> Wire:
        """A connection to its holder. CallError where it does not run."""
        if self.state is State.RUNNING:
            with contextlib.suppress(OSError):
                return wire.connect(str(self.folder / CONTROL), seconds)
        raise CallError(Code.FAILED_PRECONDITION, "the container is not running")

    def ask(self, **message: Any) -> dict[str, Any]:
        """Ask its holder, and give what it answers. CallError where it does not run."""
        connection = self.control()
        try:
            connection.send(message)
            answer = connection.receive()
        except OSError as error:
            raise CallError(Code.INTERNAL, f"the process that holds it does not answer: {error}") from error
        finally:
            connection.close()
        if answer is None or "error" in answer:
            said = "it ended" if answer is None else answer["error"]
            raise CallError(Code.INTERNAL, said)
        return answer

    def stop(self, seconds: float) -> None:
        """End it: by its signal, and by KILL after so many seconds. Fine if it has ended."""
        if self.state is not State.RUNNING:
            return
        with contextlib.suppress(CallError):  # it ends just now
            if seconds > 0:
                self.ask(do="signal", number=self.stop_signal)
                if self.ended.wait(seconds):
                    return
            self.ask(do="kill")
        if self.ended.wait(_KILL_SECONDS):
            return
        holder = holder_of(self.folder)
        if holder is not None:
            process.stop(holder, term_seconds=0)
        self.ended.wait(_KILL_SECONDS)

    def remove(self) -> None:
        """End it, and forget it."""
        self.stop(0)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _save(self) -> None:
        write_json(self.folder / RECORD, self._record, sync=False)


class Containers:
    """All containers of a node. Threads may share it. ``feed`` tells what happens to them."""

    def __init__(self, folder: Path) -> None:
        self.feed: Feed[tuple[Container, Happened]] = Feed()
        self._folder = folder
        self._watcher = Watcher()
        self._lock = threading.Lock()
        self._all: dict[str, Container] = {}
        for path in sorted(folder.iterdir()) if folder.exists() else ():
            try:
                record = read_json(path / RECORD, remedy="")
            except SandkubeError:
                record = None
            if record is None:  # broken off while it was made: nobody was told of it
                shutil.rmtree(path, ignore_errors=True)
            else:
                self._all[path.name] = Container(path, record, self._watcher, self._tell)

    def make(self, sandbox: str, config: Config, image: str, stop_signal: str | None) -> Container:
        """A new one, which is not started."""
        folder = self._folder / secrets.token_hex(32)
        folder.mkdir(parents=True, mode=0o700)
        record = {
            "sandbox": sandbox,
            "config": config,
            "image": image,
            "created": time.time_ns(),
            "stop_signal": stop_signal,
        }
        write_json(folder / RECORD, record, sync=False)
        made = Container(folder, record, self._watcher, self._tell)
        with self._lock:
            self._all[made.id] = made
        self._tell(made, Happened.CREATED)
        return made

    def _tell(self, container: Container, what: Happened) -> None:
        self.feed.tell((container, what))

    def get(self, name: str) -> Container:
        """The container of that id. CallError where there is none."""
        with self._lock:
            found = self._all.get(name)
        if found is None:
            raise CallError(Code.NOT_FOUND, f"there is no container {name}")
        return found

    def of(self, sandbox: str) -> list[Container]:
        """Those of a sandbox."""
        return [one for one in self if one.sandbox == sandbox]

    def remove(self, name: str) -> None:
        """End one, and forget it; fine if there is none."""
        with self._lock:
            found = self._all.get(name)
        if found is not None:
            found.remove()
            with self._lock:
                self._all.pop(name, None)
            self._tell(found, Happened.DELETED)

    def __iter__(self) -> Iterator[Container]:
        with self._lock:
            return iter(list(self._all.values()))
