"""Platforms as Go names them (`linux/amd64`) and as wheels do."""

from __future__ import annotations

import platform

from .errors import BuildError

__all__ = ["here", "wheel_tag"]

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
# A static binary needs no libc, so it may claim both of Linux'; Go 1.26 runs on macOS 12 and newer.
_TAGS = {
    "linux/amd64": "manylinux_2_17_x86_64.musllinux_1_1_x86_64",
    "linux/arm64": "manylinux_2_17_aarch64.musllinux_1_1_aarch64",
    "darwin/amd64": "macosx_12_0_x86_64",
    "darwin/arm64": "macosx_12_0_arm64",
}


def here() -> str:
    """Give this machine's platform, such as `linux/amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}/{_MACHINES.get(machine, machine)}"


def wheel_tag(name: str) -> str:
    """Give the tag of a wheel that holds a binary for the platform; BuildError where there is none."""
    if name not in _TAGS:
        raise BuildError(f"no wheel can be made for {name}", hint=f"platforms: {', '.join(_TAGS)}")
    return f"py3-none-{_TAGS[name]}"
