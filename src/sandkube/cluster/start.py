"""Starting clusters: `up`, `up --foreground` and `up --dry-run`.

What holds at any moment, so that a crash at any moment can be repaired:

1. The folder's lock is held from before the first look until Ready (or failure), so two commands never start
   two servers.
2. `run.json` is written before anything else once a process exists; Ctrl-C is held back in between.
3. A server that is found running or starting is taken over, whoever started it; it is never started a second
   time, and never ended by an `up` that only waited for it.
4. A failed or interrupted `up` puts back what it found: no process, the old `cluster.json`, and no folder if
   there was none.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import signal
import socket as socketlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sandkube.cluster import nodes, state
from sandkube.cluster.report import SILENT, Report
from sandkube.cluster.state import Run, Status
from sandkube.cluster.stop import TERM_SECONDS, stop_server, sweep
from sandkube.config import DEFAULT_WAIT, NOTHING_ASKED, ClusterSpec, Request
from sandkube.distributions import Address, Plan, Programs, distribution
from sandkube.errors import SandkubeError, StartFailed, UsageError
from sandkube.plane import datastore_socket, events, listener, pki, process
from sandkube.plane.events import Event, EventReader, Outcome
from sandkube.plane.files import size, usable, write_json, write_private
from sandkube.plane.folder import ClusterFolder
from sandkube.plane.lock import locked
from sandkube.plane.process import Child, Identity

# A start that another command is busy with, and its clean-up, may take this much longer than the wait for
# Ready.
_LOCK_MARGIN = 20.0
# With less space than this the datastore can hardly write.
_SPACE_BYTES = 1 << 20

# Answered by the server itself, or without leaving the machine: never asked of a proxy.
_INTERNAL_HOSTS = ("localhost", "127.0.0.1", "::1", ".svc", ".cluster.local")


@dataclass(frozen=True, slots=True)
class Up:
    """What `up` did. ``started`` is False if the cluster ran already; ``seconds`` are those it took."""

    status: Status
    started: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent that a server must not outlive: the read end of a pipe whose other end the parent holds."""

    identity: Identity
    read_fd: int


def up(
    name: str,
    request: Request = NOTHING_ASKED,
    *,
    wait: float = DEFAULT_WAIT,
    report: Report = SILENT,
    parent: Parent | None = None,
) -> Up:
    """Have the cluster ``name`` running as ``request`` asks; wait up to ``wait`` seconds until it is Ready.

    Fine if it runs already; UsageError if it runs otherwise than asked. With ``wait`` 0 it gives back as soon
    as the server was started. Raises ServerNotFound, PortTaken, StartFailed (with the log's tail),
    StateCorrupt, StateUnusable, Locked.
    """
    begun = time.monotonic()
    folder = state.folder_of(name)
    sweep()
    if already := _running_as_asked(folder, request):
        _tell_what_ends(folder, report)
        return Up(already, False, time.monotonic() - begun)
    programs, begun = _programs(folder, request, report, begun)
    with locked(folder, wait + _LOCK_MARGIN, report.step):
        started = _up(folder, request, programs, wait, report, parent)
        found = state.status(name)
    return Up(found, started is not None, time.monotonic() - begun)


def serve(
    name: str,
    request: Request = NOTHING_ASKED,
    *,
    wait: float = DEFAULT_WAIT,
    report: Report = SILENT,
    on_ready: Callable[[Up], None] = lambda _: None,
) -> None:
    """Serve the cluster ``name`` in the foreground until it is stopped, and never longer than this process.

    UsageError if it runs already; SandkubeError, with the log's tail, if the server ends by itself.
    """
    begun = time.monotonic()
    folder = state.folder_of(name)
    sweep()
    programs, begun = _programs(folder, request, report, begun)
    with _pipe() as parent:
        with locked(folder, wait + _LOCK_MARGIN, report.step):
            child = _up(folder, request, programs, wait, report, parent)
        if child is None:
            raise UsageError(f"Cluster `{name}` is running already.", hint=f"sandkube down {name}")
        try:
            on_ready(Up(state.status(name), True, time.monotonic() - begun))
            exit_status = child.popen.wait()
        except BaseException:
            report.step(f"Stopping cluster `{name}`")
            nodes.stop(folder)
            process.stop(child.identity, term_seconds=TERM_SECONDS)
            _forget(folder, child.identity)
            raise
        nodes.stop(folder)
        if exit_status != 0:
            raise SandkubeError(
                f"The server of cluster `{name}` {_exit_words(exit_status)}.",
                hint=f"sandkube logs {name}",
                tail="\n".join(state.last_words(folder, state.read_run(folder))),
            )
        _forget(folder, child.identity)


def prepare(name: str, request: Request = NOTHING_ASKED, *, report: Report = SILENT) -> str:
    """Make the cluster's folder, certificates and kubeconfig, and give the script that would serve it.

    UsageError if the cluster runs.
    """
    folder = state.folder_of(name)
    programs, _ = _programs(folder, request, report, 0.0)
    with locked(folder, _LOCK_MARGIN, report.step):
        spec = _asked(folder, request)
        if spec.node:
            raise UsageError(
                "A node is kept by Python, so no shell script can start one.",
                hint="ask for the script of the server alone: --dry-run --no-node",
            )
        if state.find_server(folder).process is not None:
            raise UsageError(f"Cluster `{name}` is running already.", hint=f"sandkube down {name}")
        with _undone_on_failure(folder), _ports(spec) as (socket, spare):
            folder.create()
            # A place in the folder or, in the script, a folder that the script makes.
            place = datastore_socket.in_folder(folder) or folder.path / "db" / "kine.sock"
            plan = _plan(folder, spec, programs, [socket.getsockname()[1], *spare], place)
            _write_files(plan, report)
            return distribution(spec.distribution).script(plan)


def _programs(
    folder: ClusterFolder, request: Request, report: Report, begun: float
) -> tuple[Programs, float]:
    """What to serve with, and from when on a start counts: a build that came first took its minutes once."""
    before = time.monotonic()
    spec = _asked(folder, request)
    programs = distribution(spec.distribution).programs(spec, report.say)
    return programs, begun + time.monotonic() - before


def _running_as_asked(folder: ClusterFolder, request: Request) -> Status | None:
    """The status of a cluster that runs as asked: nothing is to be done, and no lock is needed to say so."""
    if not folder.exists():
        return None
    folder.check()
    found = state.observe(folder)
    spec = state.read_spec(folder)
    if found.state != "running" or found.run is None or spec is None:
        return None
    _refuse_changes(spec, request)
    return state.describe(folder, spec, found)


def _tell_what_ends(folder: ClusterFolder, report: Report) -> None:
    """Say so where certificates of a server that runs end soon: only a start makes new ones."""
    ends = None
    with contextlib.suppress(SandkubeError):  # what is wrong with them matters at the next start
        ends = pki.ends(folder.pki)
    if ends is not None and ends - dt.datetime.now(dt.timezone.utc) < pki.RENEW_BEFORE:
        report.say(
            f"Its certificates end on {ends:%Y-%m-%d}. A start makes new ones: "
            f"sandkube down {folder.name} && sandkube up {folder.name}"
        )


def _refuse_changes(spec: ClusterSpec, request: Request) -> None:
    changes = spec.differences(spec.asked(request))
    if changes:
        raise UsageError(
            f"Cluster `{spec.name}` is running, and cannot be changed meanwhile: {', '.join(changes)}.",
            hint=f"sandkube down {spec.name}, and then this command again",
        )


def _up(
    folder: ClusterFolder,
    request: Request,
    programs: Programs,
    wait: float,
    report: Report,
    parent: Parent | None,
) -> Child | None:
    """`up` with the lock held; the server that was started, or None where one was running."""
    spec = _asked(folder, request)
    found = state.find_server(folder)
    if found.process is not None and found.state == "stopping":
        report.step(f"Waiting for cluster `{folder.name}` to stop")
        stop_server(folder)
    elif found.process is not None:
        _refuse_changes(state.read_spec(folder) or spec, request)
        _take_over(folder, found, wait, report)
        return None
    before = state.read_spec(folder)
    with _undone_on_failure(folder):
        folder.create()
        if parent:
            state.write_owner(folder, parent.identity)
        child, run = _launch(folder, spec, programs, report, parent)
        begun = time.monotonic()
        if spec.node and programs.server is not None:
            nodes.start(folder, spec, run.port, programs.server, parent.read_fd if parent else None)
        else:
            nodes.stop(folder)  # one that was taken back
        if wait > 0:
            _await_ready(folder, run, wait, report, child.exit_status)
            if spec.node:
                nodes.await_ready(folder, run.port, wait - (time.monotonic() - begun), report)
    if wait > 0 and before is not None and before.encrypt_secrets != spec.encrypt_secrets:
        from sandkube.cluster.rewriting import rewrite_secrets  # slow to load, and seldom needed

        rewrite_secrets(folder, report)
    return child


def _asked(folder: ClusterFolder, request: Request) -> ClusterSpec:
    """What is to be served: what was stored, if anything, with what is asked for now."""
    if folder.exists():
        folder.check()
    stored = state.read_spec(folder)
    spec = (stored or ClusterSpec(folder.name)).asked(request)
    if stored is not None and stored.distribution != spec.distribution:
        raise UsageError(
            f"Cluster `{folder.name}` is of the distribution {stored.distribution}, and what is in it cannot "
            f"be served by {spec.distribution}.",
            hint=f"take another name, or remove it with all its objects: sandkube delete {folder.name}",
        )
    nodes.refuse_where_none_can_be(folder, spec)
    return distribution(spec.distribution).settle(spec, stored, folder)


@contextlib.contextmanager
def _undone_on_failure(folder: ClusterFolder) -> Iterator[None]:
    """Ends what was started and puts back what was there, if the block raises; Ctrl-C included."""
    created = not folder.exists()
    with usable(folder.spec):
        before = folder.spec.read_bytes() if folder.spec.exists() else None
    try:
        yield
    except BaseException:
        with process.interrupts_deferred():
            nodes.stop(folder, at_once=True)
            living = state.observe_anyhow(folder).process
            if living is not None:
                process.stop(living, term_seconds=TERM_SECONDS)
                folder.run.unlink(missing_ok=True)  # it was asked to stop, and has not crashed
            datastore_socket.remove_old(folder)
            if created:
                folder.remove()
            elif before is not None and folder.spec.read_bytes() != before:
                write_private(folder.spec, before)
        raise


def _launch(
    folder: ClusterFolder, spec: ClusterSpec, programs: Programs, report: Report, parent: Parent | None
) -> tuple[Child, Run]:
    """Start the server, from the free port to the written run.json."""
    folder.run.unlink(missing_ok=True)
    datastore_socket.remove_old(folder)
    events.trim(folder.events)
    with _ports(spec) as (socket, spare):
        port = socket.getsockname()[1]
        if spec.last_port not in (None, port) and spec.port is None:
            report.say(f"Port {spec.last_port} is taken: cluster `{spec.name}` is on port {port} now.")
        plan = _plan(folder, spec, programs, [port, *spare], datastore_socket.place(folder))
        _write_files(plan, report)
        served_by = distribution(spec.distribution)
        parent_fd = parent.read_fd if parent else None
        write_json(
            folder.server_config,
            served_by.configuration(plan, {"fd": socket.fileno()}, parent_fd),
            sync=False,
        )
        report.step("Starting the server")
        offsets = size(folder.events), size(folder.log)
        environ = process.environment(os.environ, plan.internal_hosts)
        with process.interrupts_deferred():
            child = process.spawn(
                served_by.command(plan),
                folder=folder.path,
                stderr=folder.stderr,
                environ=environ,
                keep_fds=[socket.fileno(), *([parent_fd] if parent_fd is not None else [])],
            )
            run = Run(child.identity, port, *offsets)
            try:
                state.write_run(folder, run)
            except BaseException:
                process.stop(child.identity, term_seconds=TERM_SECONDS)
                raise
    return child, run


@contextlib.contextmanager
def _ports(spec: ClusterSpec) -> Iterator[tuple[socketlib.socket, list[int]]]:
    """The socket that the API server listens on, and the other ports that the distribution needs.

    These are free, and not held: whoever serves opens them by number.
    """
    served_by = distribution(spec.distribution)
    with contextlib.ExitStack() as held:
        socket, *behind = listener.bind_row(spec.port, spec.last_port, behind=served_by.PORTS_BEHIND)
        held.enter_context(socket)
        others = [*behind, *(listener.bind(None) for _ in range(served_by.PORTS_BESIDE))]
        ports = [one.getsockname()[1] for one in others]
        for one in others:  # when all are there, so that no two are the same
            one.close()
        yield socket, ports


def _plan(
    folder: ClusterFolder, spec: ClusterSpec, programs: Programs, ports: Sequence[int], socket: Path
) -> Plan:
    address = Address(ports[0], listener.advertise_address())
    internal = (*_INTERNAL_HOSTS, distribution(spec.distribution).service_range(spec))
    spec = replace(spec, last_port=ports[0])
    return Plan(spec, folder, address, programs, socket, tuple(ports[1:]), internal)


def _write_files(plan: Plan, report: Report) -> None:
    """Everything in the folder that a server needs, but for server.json."""
    folder = plan.folder
    distribution(plan.spec.distribution).prepare(plan, report.step, report.say)
    for link, program in ((folder.kubectl, plan.programs.kubectl), (folder.helm, plan.programs.helm)):
        if program is None:
            link.unlink(missing_ok=True)
        else:
            _link(link, program)
    state.write_spec(folder, plan.spec)


def _link(link: Path, target: Path) -> None:
    """Have ``link`` point at ``target``, replacing what is there at once."""
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _take_over(folder: ClusterFolder, found: state.Found, wait: float, report: Report) -> None:
    """Wait for a server that somebody else started, and write it down if they could not.

    It is not ours to end: whoever started it may wait for longer.
    """
    living = found.process
    assert living is not None
    run = found.run
    if run is None:
        spec = state.read_spec(folder)
        port = (spec.last_port if spec else None) or 0
        run = Run(living, port, events.newest_start(folder.events))
        state.write_run(folder, run)
    if found.state == "running" or wait <= 0:
        return
    report.step(f"Cluster `{folder.name}` is starting already: waiting for it")
    _await_ready(folder, run, wait, report, None)


def _await_ready(
    folder: ClusterFolder, run: Run, wait: float, report: Report, exit_status: Callable[[], int | None] | None
) -> None:
    """Wait for Ready; StartFailed, with all that is known of why, where it does not come."""

    def ended() -> tuple[bool, int | None]:
        if exit_status is None:
            return not process.is_alive(run.process), None
        # A child's status may come a moment after the process table shows it as dead: threads end one by one.
        status = exit_status()
        return status is not None, status

    def tell(event: Event) -> None:
        if event.event == "ready" and event.component:
            report.step(f"Starting the server: {event.component} is ready")

    reader = EventReader(folder.events, run.events_offset)
    outcome = events.await_ready(reader, exit_status=ended, timeout=wait, tell=tell)
    if outcome.ready is None:
        raise _start_failed(folder, run, outcome, wait)


def _start_failed(folder: ClusterFolder, run: Run, outcome: Outcome, wait: float) -> StartFailed:
    hint = None
    if outcome.failed is not None:
        reason = state.failure_words(outcome.failed)
        if outcome.failed.component == "datastore":
            hint = f"if its file is damaged, begin anew: sandkube delete {folder.name}"
        elif str(folder.pki) in reason:
            hint = "if the file is damaged, remove it: `up` makes a new one"
    elif outcome.ended:
        reason = f"the server {_exit_words(outcome.exit_status)}"
    else:
        reason = f"it was not Ready within {wait:g} second{'' if wait == 1 else 's'}"
        hint = "give it longer with --wait SECONDS"
    if outcome.failed is not None and outcome.ended:
        reason = f"{reason} (the server {_exit_words(outcome.exit_status)})"
    if shutil.disk_usage(folder.path).free < _SPACE_BYTES:
        hint = f"make space on the disk of {folder.path}"
    return StartFailed(
        f"Cluster `{folder.name}` did not start: {reason}.",
        hint=hint,
        tail="\n".join(state.last_words(folder, run)) or None,
    )


def _exit_words(status: int | None) -> str:
    if status is None:
        return "ended"
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    return f"was ended by signal {name}" + (" (out of memory?)" if -status == signal.SIGKILL else "")


def _forget(folder: ClusterFolder, ended: Identity) -> None:
    """Remove what says that this server runs, unless another command has done so and started a new one."""
    with contextlib.suppress(SandkubeError), locked(folder, _LOCK_MARGIN):
        run = state.read_run(folder) if folder.exists() else None
        if run is not None and run.process == ended:
            folder.run.unlink(missing_ok=True)
            datastore_socket.remove_old(folder)


@contextlib.contextmanager
def _pipe() -> Iterator[Parent]:
    """A pipe whose end tells the server that this process is gone, however it goes."""
    read_fd, write_fd = os.pipe()
    try:
        me = process.identity(os.getpid()) or Identity(os.getpid(), "")
        yield Parent(me, read_fd)
    finally:
        os.close(read_fd)
        os.close(write_fd)
