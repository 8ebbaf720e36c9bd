"""The machine that a figure belongs to, in a line."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe() -> str:
    """Give the processor, cores, memory and system; and gVisor, where it is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.release()}{' in gVisor' if _gvisor() else ''}"
    return f"{_processor()}, {cores} cores, {_memory()}, {system}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _gvisor() -> bool:
    # gVisor's kernel says that it was built in 2016, on a Sunday in January.
    return "Sun Jan 10 15:06:54 PST 2016" in platform.version()


def stolen_seconds() -> float:
    """Give the CPU-seconds that the host gave to others since boot, as far as it says so."""
    try:
        fields = Path("/proc/stat").read_text().partition("\n")[0].split()
        return int(fields[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0
