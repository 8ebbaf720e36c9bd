"""What dead clusters, broken-off commands and lost servers have left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Final

from sandkube.cluster import down, sweep
from sandkube.cluster.state import describe
from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Known, Surroundings
from sandkube.errors import SandkubeError, StateUnusable
from sandkube.plane import process
from sandkube.plane.lock import datastore_is_held, locked_at_once

CRASHED: Final = Kind(
    "cluster-crashed",
    "problem",
    "A cluster has crashed",
    "Its server ended without being asked to: killed (memory?), or by a fault of its own. What is in it is "
    "kept.",
    "sandkube logs {name}; sandkube up {name}  # or let it be: sandkube down {name}",
    fixable=True,
)
UNREADABLE: Final = Kind(
    "cluster-unreadable",
    "problem",
    "A cluster cannot be read",
    "A file of it was edited, or the disk was full when it was written.",
    "sandkube delete {name}  # with all its objects; or mend the file that is named",
)
UNSEEN: Final = Kind(
    "server-unseen",
    "problem",
    "A server runs where it cannot be seen from",
    "It holds the cluster's datastore, and is no process of this process table: it runs in another "
    "container, or "
    "on a machine that shares the state folder. Nothing else may serve the cluster meanwhile.",
    "sandkube down {name}  # there, where it runs",
)
NOT_WRITTEN_DOWN: Final = Kind(
    "server-not-written-down",
    "note",
    "A server runs that was not written down",
    "The `up` that started it was killed at once. The server works; `up` takes it over, `down` ends it.",
    "sandkube up {name}",
)
FOLDER_GONE: Final = Kind(
    "server-without-folder",
    "problem",
    "A server runs whose folder is gone",
    "The folder was removed while it ran. No command finds it any more, and it goes on taking memory.",
    "kill {pid}  # ends it with all that is in it",
)
THROW_AWAY: Final = Kind(
    "throw-away-left",
    "note",
    "A throw-away cluster was left behind",
    "The Python process that wanted it is gone. The next `sandkube up`, `down`, `list` or `delete` removes "
    "it.",
    "sandkube doctor --fix",
    fixable=True,
)
REMOVING: Final = Kind(
    "removal-broken-off",
    "note",
    "A removal was broken off",
    "It takes space. The next `sandkube up`, `down`, `list` or `delete` goes on with it.",
    "sandkube doctor --fix",
    fixable=True,
)
BUSY: Final = Kind(
    "lock-held",
    "note",
    "Another command works on a cluster",
    "One command at a time changes a cluster; others wait for it.",
    "kill {pid}  # if it hangs; else wait for it",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Go through the clusters, the folder they are in, and the processes of this user."""
    clusters = surroundings.clusters()
    found = [finding for known in clusters for finding in _of(known)]
    found += _removals(surroundings)
    found += _busy(surroundings, clusters)
    found += _without_folder(surroundings)
    yield from found
    if not found:
        yield ok("nothing dead is left behind" if clusters else "there are no clusters")


def _of(known: Known) -> Iterator[Finding]:
    name = known.name
    if isinstance(known.fault, StateUnusable):
        return  # the check of the state folder tells
    if known.fault is not None:
        yield UNREADABLE.found(f"Cluster `{name}`: {known.fault.message}", name=name)
    elif known.unwanted:
        yield THROW_AWAY.found(f"`{name}`, whose Python process is gone, is still there.", fix=_sweep)
    elif known.running and known.found.run is None:
        process_ = known.found.process
        yield NOT_WRITTEN_DOWN.found(
            f"Cluster `{name}` is served by process {process_.pid if process_ else '?'}, which run.json "
            "does not name.",
            name=name,
        )
    elif not known.running and _is_held(known):
        yield UNSEEN.found(
            f"Cluster `{name}` is served by a process that cannot be seen from here.", name=name
        )
    elif known.found.state == "crashed":
        reason = describe(known.folder, known.spec, known.found).reason
        yield CRASHED.found(f"Cluster `{name}` crashed: {reason}.", fix=partial(_down, name), name=name)


def _is_held(known: Known) -> bool:
    """Whether a server holds the datastore. Asked only if no command holds the cluster."""
    if not known.folder.database.exists():
        return False
    try:
        with locked_at_once(known.folder) as held:
            return held and datastore_is_held(known.folder)
    except SandkubeError:  # a folder that cannot be written to
        return False


def _down(name: str) -> str:
    down(name)
    return f"cluster `{name}`: what said that it runs is removed; it is stopped"


def _sweep() -> str:
    sweep()
    return "what throw-away clusters and broken-off removals left is removed"


def _removals(surroundings: Surroundings) -> Iterator[Finding]:
    try:
        found = sorted((surroundings.state_dir() / "clusters").glob("*.removing-*"))
    except (SandkubeError, OSError):
        return
    for path in found:
        yield REMOVING.found(f"{path} was to be removed.", fix=_sweep)


def _busy(surroundings: Surroundings, clusters: list[Known]) -> Iterator[Finding]:
    """The clusters whose lock is held, from /proc/locks (proc_locks(5)), which needs no lock to be tried."""
    try:
        rows = (surroundings.proc / "locks").read_text().splitlines()
    except OSError:
        return
    holders = {fields[5].rpartition(":")[2]: fields[4] for row in rows if len(fields := row.split()) > 5}  # noqa: PLR2004
    for known in clusters:
        try:
            pid = holders.get(str(known.folder.lock.stat().st_ino))
        except OSError:
            continue
        if pid and pid not in ("0", str(os.getpid())) and "sandkube" in process.command_line(int(pid)):
            yield BUSY.found(
                f"Process {pid} works on cluster `{known.name}`: {process.command_line(int(pid))}", pid=pid
            )


def _without_folder(surroundings: Surroundings) -> Iterator[Finding]:
    """Servers of this state folder whose working folder, the cluster's, was removed."""
    try:
        ours = os.fsencode(f"--config={surroundings.state_dir()}/clusters/")
    except StateUnusable:
        return
    for entry in surroundings.proc.glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if not any(word.startswith(ours) for word in words) or entry.stat().st_uid != os.getuid():
                continue
            cwd = os.readlink(entry / "cwd")  # noqa: PTH115 -- Path would lose what the kernel appends
        except OSError:
            continue
        if cwd.endswith(" (deleted)"):
            where = cwd.removesuffix(" (deleted)")
            yield FOLDER_GONE.found(f"Process {entry.name} serves {where}, which is gone.", pid=entry.name)


CHECK: Final = Check(
    "leftovers",
    "Leftovers",
    (CRASHED, UNREADABLE, FOLDER_GONE, UNSEEN, NOT_WRITTEN_DOWN, THROW_AWAY, REMOVING, BUSY),
    look,
)
