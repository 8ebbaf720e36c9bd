"""Whether this is a gVisor sandbox, and what follows from that.

gVisor tells in the kernel's log, and answers /proc/version with a constant. Which platform it runs on
(systrap, ptrace, KVM) it does not show inside; what matters of it, the price of a system call, is measured.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings

GVISOR: Final = Kind(
    "gvisor",
    "note",
    "This is a gVisor sandbox",
    "sandkube is made for it. A start takes about twice as long as outside; what needs cgroups, mounts or "
    "containers in containers (kind, k3d, minikube) does not run, and processes of other sandboxes are not "
    "seen.",
    "sandkube up --wait 180  # where starts are slow",
)

# What gVisor answers whatever is below it (pkg/sentry/syscalls/linux/linux64.go, as of 2024).
_VERSION: Final = "4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016"
_READ_ALL: Final = 3  # syslog(2)
_ROUNDS, _CALLS = 8, 25


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Tell what kind of kernel this is."""
    text = _read(surroundings.proc / "version")
    if _VERSION in text or "gVisor" in text or "Starting gVisor" in _kernel_log():
        yield GVISOR.found(
            f"This is a gVisor sandbox. A system call takes {_microseconds():.1f} µs; which platform it runs "
            "on cannot be seen from inside."
        )
    else:
        yield ok(f"no gVisor: {' '.join(text.split()[:3]) or os.uname().sysname}")


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _kernel_log() -> str:
    """What `dmesg` prints; "" where that is not for this user, or there is none."""
    buffer = ctypes.create_string_buffer(1 << 14)
    try:
        length = int(ctypes.CDLL(None).klogctl(_READ_ALL, buffer, len(buffer)))
    except (OSError, AttributeError):
        return ""
    return buffer.raw[: max(length, 0)].decode(errors="replace")


def _microseconds() -> float:
    """What a system call takes: the least of some rounds, since other checks run meanwhile."""
    rounds = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        for _ in range(_CALLS):
            os.getppid()
        rounds.append(time.perf_counter() - begun)
    return min(rounds) / _CALLS * 1e6


CHECK: Final = Check("sandbox", "The sandbox", (GVISOR,), look)
