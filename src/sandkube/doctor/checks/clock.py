"""Whether the clock can be right: by what was written before, and by servers that have run since."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sandkube
from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Known, Surroundings

# No sandkube is older than the Kubernetes that it serves.
EARLIEST: Final = dt.datetime(2026, 8, 1, tzinfo=dt.timezone.utc)
_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_PAUSE: Final = 30 * _DAY  # for longer hardly anybody keeps a machine paused
_STARTTIME: Final = 21  # proc_pid_stat(5), counted from 0

BEHIND: Final = Kind(
    "clock-behind",
    "problem",
    "The clock is behind",
    "Certificates are valid from the moment they were made: with a clock that is behind, those made before "
    "are not "
    "valid yet, and no client and no controller gets in. Files of builds seem to come from the future.",
    "sudo timedatectl set-ntp true  # or: sudo date -s 'YYYY-MM-DD HH:MM'",
)
JUMPED: Final = Kind(
    "clock-jumped",
    "problem",
    "The clock was changed while a cluster ran",
    "Leases, tokens and certificates of the running cluster count from the old time.",
    "sandkube down {name} && sandkube up {name}  # when the clock is right",
)


PAUSED: Final = Kind(
    "clock-moved-on",
    "note",
    "The clock moved on while a cluster ran",
    "The machine was paused (a sandbox that was resumed, say), or its clock was set. Controllers catch up; "
    "what "
    "was to happen meanwhile did not.",
    "sandkube status {name}",
)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Compare the clock with whatever knows better."""
    now = surroundings.now
    when = dt.datetime.fromtimestamp(now, dt.timezone.utc)
    amiss = False
    if when < EARLIEST:
        amiss = True
        yield BEHIND.found(
            f"The clock says {when:%Y-%m-%d}, which is before this sandkube was made ({EARLIEST:%Y-%m})."
        )
    else:
        newest, path = max(_written(surroundings), default=(0.0, Path()))
        if newest > now + _DAY:
            amiss = True
            yield BEHIND.found(
                f"The clock says {when:%Y-%m-%d}, and {path} was written {_span(newest - now)} later: "
                "it is behind, or was ahead then."
            )
    for known in surroundings.clusters():
        jump = _jump(known, surroundings)
        if jump is not None and abs(jump) > _HOUR:
            amiss = True
            way = "ahead" if jump > 0 else "back"
            yield (PAUSED if 0 < jump < _PAUSE else JUMPED).found(
                f"The clock was set {way} by {_span(abs(jump))} since cluster `{known.name}` was started.",
                name=known.name,
            )
    if not amiss:
        yield ok(f"{when:%Y-%m-%d %H:%M} UTC")


def _written(surroundings: Surroundings) -> Iterator[tuple[float, Path]]:
    """When files of ours were written: the program's own, the server's, and those of clusters."""
    files = [Path(sandkube.__file__ or __file__)]
    if server := surroundings.server():
        files.append(server.binary)
    for known in surroundings.clusters():
        files += [known.folder.spec, known.folder.events, known.folder.log]
    for path in files:
        try:
            yield path.stat().st_mtime, path
        except OSError:
            continue


def _jump(known: Known, surroundings: Surroundings) -> float | None:
    """By how many seconds the clock was set ahead (back: below 0) since the server of ``known`` started.

    Its first event has the clock's time of then; the kernel knows the age of its process by a clock that
    nobody sets. None where nothing runs, or the kernel does not say.
    """
    process = known.found.process
    told = next((event.time for event in known.found.events if event.event == "starting"), "")
    if process is None or not told:
        return None
    try:
        fields = (
            (surroundings.proc / str(process.pid) / "stat")
            .read_text(errors="replace")
            .rpartition(")")[2]
            .split()
        )
        started = int(fields[_STARTTIME - 2]) / os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - started
        then = dt.datetime.fromisoformat(told.replace("Z", "+00:00")).timestamp()
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return (surroundings.now - then) - age


def _span(seconds: float) -> str:
    """Such as `365 days`, or `3 hours`."""
    days = seconds / _DAY
    return f"{days:.0f} days" if days >= 2 else f"{seconds / _HOUR:.0f} hours"  # noqa: PLR2004 -- below: hours say more


CHECK: Final = Check("clock", "The clock", (BEHIND, JUMPED, PAUSED), look)
