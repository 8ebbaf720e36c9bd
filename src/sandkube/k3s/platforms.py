"""What the files of a k3s release are called for this machine.

The names are those that k3s' own install script (github.com/k3s-io/k3s, install.sh) makes up.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

from sandkube.errors import K3sNotFound

__all__ = ["Platform", "current"]


@dataclass(frozen=True, slots=True)
class Platform:
    """The files of a release for one kind of machine: the binary, and the SHA-256 of all files for it."""

    binary: str
    checksums: str


_AMD64 = Platform("k3s", "sha256sum-amd64.txt")
_ARM64 = Platform("k3s-arm64", "sha256sum-arm64.txt")
_ARM = Platform("k3s-armhf", "sha256sum-arm.txt")
_MACHINES = {  # as uname calls them; armv8l is a 32-bit system on a 64-bit processor
    "x86_64": _AMD64,
    "amd64": _AMD64,
    "aarch64": _ARM64,
    "arm64": _ARM64,
    "armv7l": _ARM,
    "armv8l": _ARM,
}


def current(system: str | None = None, machine: str | None = None) -> Platform:
    """Give the files for a system and machine, as uname names them; without any, for this one.

    Raises K3sNotFound where k3s has no release for it.
    """
    system = system or platform.system()
    machine = machine or platform.machine()
    if system != "Linux":
        raise K3sNotFound(f"There is no k3s for {system}: k3s exists for Linux only.")
    found = _MACHINES.get(machine.lower())
    if found is None:
        raise K3sNotFound(
            f"There is no k3s for this machine: k3s is released for x86_64, aarch64 and armv7l, "
            f"and this is {machine}."
        )
    return found
