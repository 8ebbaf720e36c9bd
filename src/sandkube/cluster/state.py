"""What is there of a cluster, as its folder and the process table say. Nothing is changed by asking."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from sandkube import kubeconfig
from sandkube.config import ClusterSpec, from_json, state_dir, to_json
from sandkube.distributions import distribution
from sandkube.errors import ClusterNotFound, Locked, SandkubeError, StateCorrupt
from sandkube.plane import events, logs, process
from sandkube.plane.events import Event
from sandkube.plane.files import read_json, write_json
from sandkube.plane.folder import ClusterFolder, all_folders
from sandkube.plane.lock import datastore_is_held
from sandkube.plane.process import Identity

if TYPE_CHECKING:
    from sandkube.node.control import Found as NodeFound

State = Literal["running", "starting", "stopping", "stopped", "crashed", "unreadable"]

_RUN_VERSION: Final = 1
_TAIL_LINES: Final = 12
# How long a server that holds the datastore may take to say which process it is.
_ORPHAN_SECONDS: Final = 5.0
THROW_AWAY: Final = "throwaway-"


@dataclass(frozen=True, slots=True)
class Run:
    """A server that was started: its process and port; where its events and its log begin, in bytes."""

    process: Identity
    port: int
    events_offset: int = 0
    log_offset: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder shows: the living process, if any; what was written down; the newest start's events."""

    process: Identity | None
    run: Run | None
    events: Sequence[Event]

    @property
    def state(self) -> State:
        """The word for it."""
        phase = events.phase(self.events)
        if self.process is not None:
            if phase in ("starting", "ready"):
                return "running" if phase == "ready" else "starting"
            return "stopping"
        if self.run is None:  # whoever stopped it has tidied up
            return "stopped"
        return "stopped" if phase == "stopped" else "crashed"


@dataclass(frozen=True, slots=True)
class Status:
    """A cluster as it is now. ``reason`` and ``log_tail`` are for one that crashed or cannot be read.

    ``details`` is what only its distribution has to say, by label. ``node`` is what its process node is
    called, ``node_pid`` the process that keeps it, None where it does not run.
    """

    name: str
    state: State
    url: str | None
    port: int | None
    pid: int | None
    context: str
    kubeconfig: Path
    folder: Path
    distribution: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    durability: str | None = None
    node: str | None = None
    node_pid: int | None = None
    ready_since: str | None = None
    ready_seconds: float | None = None
    last_event: str | None = None
    reason: str | None = None
    log_tail: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Whether it is Ready."""
        return self.state == "running"


def folder_of(name: str) -> ClusterFolder:
    """The folder of the cluster ``name``, there or not; UsageError for what cannot be a name."""
    return ClusterFolder.of(state_dir(), name)


def existing(name: str) -> ClusterFolder:
    """The folder of the cluster ``name``, checked; ClusterNotFound where there is none."""
    folder = folder_of(name)
    if not folder.exists():
        others = ", ".join(found.name for found in all_folders(state_dir()))
        raise ClusterNotFound(
            f"There is no cluster `{name}`{f'; there are: {others}' if others else ''}.",
            hint=f"sandkube up {name}" if not others else None,
        )
    folder.check()
    return folder


def status(name: str) -> Status:
    """The cluster as it is now. ClusterNotFound, StateCorrupt, StateUnusable."""
    folder = existing(name)
    return describe(folder, read_spec(folder) or ClusterSpec(name), observe(folder))


def list_clusters() -> list[Status]:
    """All clusters of this user, by name; one that cannot be read is listed with the reason."""
    return [_status_or_reason(folder) for folder in all_folders(state_dir())]


def _status_or_reason(folder: ClusterFolder) -> Status:
    try:
        return status(folder.name)
    except SandkubeError as error:
        return Status(
            name=folder.name,
            state="unreadable",
            url=None,
            port=None,
            pid=None,
            context=kubeconfig.context_name(folder.name),
            kubeconfig=folder.kubeconfig,
            folder=folder.path,
            reason=error.message,
        )


def describe(folder: ClusterFolder, spec: ClusterSpec, found: Found) -> Status:
    """The status that follows from what was found."""
    port = found.run.port if found.run else spec.last_port
    ready = next((event for event in found.events if event.whole_ready), None)
    up = found.process is not None
    node = _node(folder) if spec.node else None
    crashed = found.state == "crashed"
    return Status(
        name=spec.name,
        state=found.state,
        url=url(port) if port and up else None,
        port=port,
        pid=found.process.pid if found.process else None,
        context=kubeconfig.context_name(spec.name),
        kubeconfig=folder.kubeconfig,
        folder=folder.path,
        distribution=spec.distribution,
        details=distribution(spec.distribution).details(spec),
        durability=spec.durability,
        node=node.name if node else None,
        node_pid=node.pid if node else None,
        ready_since=ready.time if ready and up else None,
        ready_seconds=ready.seconds if ready and up else None,
        last_event=found.events[-1].event if found.events else None,
        reason=_reason(found.events) if crashed else None,
        log_tail=tuple(last_words(folder, found.run)) if crashed else (),
    )


def _node(folder: ClusterFolder) -> NodeFound | None:
    from sandkube.node import control  # slow to load, and seldom needed

    return control.find(folder)


def url(port: int) -> str:
    """Where the API server answers that has this port."""
    return f"https://127.0.0.1:{port}"


def _reason(found: Sequence[Event]) -> str:
    failed = next((event for event in found if event.event == "failed"), None)
    if failed:
        return failure_words(failed)
    return "it ended without saying why, and its exit status is unknown"


def failure_words(failed: Event) -> str:
    """The reason of a `failed` event as a part of a sentence."""
    who = f"{failed.component}: " if failed.component else ""
    return f"{who}{(failed.reason or 'no reason given').rstrip('.')}"


def last_words(folder: ClusterFolder, run: Run | None) -> list[str]:
    """What the newest server said last: on fd 2, and in its log."""
    return logs.outcry(folder.stderr, _TAIL_LINES) + logs.gravest(
        folder.log, _TAIL_LINES, behind=run.log_offset if run else 0
    )


def observe(folder: ClusterFolder) -> Found:
    """What is there. StateCorrupt where run.json cannot be understood."""
    run = read_run(folder)
    if run is not None and process.is_alive(run.process):
        return Found(run.process, run, events.EventReader(folder.events, run.events_offset).new())
    # There may be a server that is not written down, while run.json still tells of one that crashed.
    found = _observe_events(folder)
    if found.process is not None or run is None:
        return found
    return Found(None, run, events.EventReader(folder.events, run.events_offset).new())


def observe_anyhow(folder: ClusterFolder) -> Found:
    """Like :func:`observe`, without a run.json that cannot be understood: for what ends a cluster."""
    try:
        return observe(folder)
    except StateCorrupt:
        return _observe_events(folder)


def find_server(folder: ClusterFolder, look: Callable[[ClusterFolder], Found] = observe) -> Found:
    """What is there, for a command that holds the cluster's lock.

    A server that holds the datastore and is not written down (its `up` was killed) is waited for until its
    first event names its process. Locked where none does: it runs where this process table does not reach.
    """
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while True:
        found = look(folder)
        if found.process is not None or not datastore_is_held(folder):
            return found
        if time.monotonic() >= deadline:
            raise _held_by_another(folder)
        time.sleep(0.02)


def _held_by_another(folder: ClusterFolder) -> Locked:
    """What to say of a datastore that is held by something else than a server that sandkube started."""
    holder = process.holder_of({str(folder.datastore_lock)})
    if holder is not None:
        return Locked(
            f"Cluster `{folder.name}` is served by {holder}, which sandkube did not start.",
            hint="a script of `up --dry-run` may have: end it there, or end that process",
        )
    return Locked(
        f"Cluster `{folder.name}` is served by a process that cannot be seen from here.",
        hint="stop it where it runs: in another container, or on a machine that shares this folder",
    )


def _observe_events(folder: ClusterFolder) -> Found:
    started = events.EventReader(folder.events, events.newest_start(folder.events)).new()
    return Found(_process_of(folder, started), None, started)


def _process_of(folder: ClusterFolder, started: Sequence[Event]) -> Identity | None:
    """The server that the newest `starting` event tells of, if that process still serves this cluster.

    It is how a server is found that was started by hand, or by an `up` that was killed before it could write
    run.json. Another user's process is not it, whatever it calls itself.
    """
    pid = started[0].pid if started else None
    if pid is None or not process.is_own(pid) or str(folder.server_config) not in process.command_line(pid):
        return None
    return process.identity(pid)


def read_spec(folder: ClusterFolder) -> ClusterSpec | None:
    """What cluster.json holds; None where there is none. StateCorrupt."""
    document = read_json(
        folder.spec,
        remedy=f"mend the file, or remove the cluster with all its objects: sandkube delete {folder.name}",
    )
    return None if document is None else from_json(document, folder.spec)


def write_spec(folder: ClusterFolder, spec: ClusterSpec) -> None:
    """Keep what is asked of the cluster, over a power cut too."""
    write_json(folder.spec, to_json(spec))


def read_run(folder: ClusterFolder) -> Run | None:
    """What run.json holds; None where there is none. StateCorrupt."""
    remedy = f"`sandkube down {folder.name}` finds the server without it, ends it, and removes the file"
    document = read_json(folder.run, remedy)
    if document is None:
        return None
    try:
        return _run_from(document)
    except (KeyError, TypeError, ValueError) as error:
        raise StateCorrupt(
            f"{folder.run} cannot be understood: {type(error).__name__} {error}.", hint=remedy
        ) from error


def _run_from(document: dict[str, Any]) -> Run:
    if document["version"] != _RUN_VERSION:
        raise ValueError(f"version {document['version']!r}")
    return Run(
        process=Identity(int(document["pid"]), str(document["started"])),
        port=int(document["port"]),
        events_offset=int(document["events_offset"]),
        log_offset=int(document["log_offset"]),
    )


def write_run(folder: ClusterFolder, run: Run) -> None:
    """Write down the server that was started."""
    document = {
        "version": _RUN_VERSION,
        "pid": run.process.pid,
        "started": run.process.started,
        "port": run.port,
        "events_offset": run.events_offset,
        "log_offset": run.log_offset,
    }
    write_json(folder.run, document, sync=False)  # it does not matter after a power cut


def read_owner(folder: ClusterFolder) -> Identity | None:
    """The process that wants a throw-away cluster; None where none is written down that can be understood."""
    try:
        document = read_json(folder.owner, remedy="") or {}
        return Identity(int(document["pid"]), str(document["started"]))
    except (StateCorrupt, KeyError, TypeError, ValueError):
        return None


def write_owner(folder: ClusterFolder, owner: Identity) -> None:
    """Write down the process that wants a throw-away cluster."""
    write_json(folder.owner, {"version": 1, "pid": owner.pid, "started": owner.started}, sync=False)
