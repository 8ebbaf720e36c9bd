"""Pod sandboxes: what the containers of a pod share. Here that is an address, a name and a resolv.conf."""

from __future__ import annotations

import ipaddress
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sandkube.errors import SandkubeError
from sandkube.plane.files import read_json, write_json, write_private
from sandkube.runtime.errors import CallError, Code

_RECORD: Final = "sandbox.json"
READY, NOT_READY = "SANDBOX_READY", "SANDBOX_NOTREADY"


class Sandbox:
    """One pod's."""

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder, self._record = folder, record
        self.id = folder.name
        self.config: dict[str, Any] = record["config"]
        self.created: int = record["created"]
        self.address: str = record["address"]

    @property
    def state(self) -> str:
        """By the names of the CRI."""
        return str(self._record["state"])

    @property
    def resolv_conf(self) -> Path:
        """What its containers have as /etc/resolv.conf."""
        return self.folder / "resolv.conf"

    @property
    def namespaces(self) -> dict[str, Any]:
        """The namespaces that were asked for. They are given back as they were: else it is made anew."""
        linux = self.config.get("linux") or {}
        options: dict[str, Any] = (linux.get("security_context") or {}).get("namespace_options") or {}
        return options

    def end(self) -> None:
        """Its containers are to be gone; its address stays its own until it is removed."""
        self._record["state"] = NOT_READY
        write_json(self.folder / _RECORD, self._record, sync=False)


class Sandboxes:
    """All sandboxes of a node. Threads may share it.

    ``range_of_pods`` gives the addresses, if one of it can be bound here, and ``loopback`` otherwise.
    """

    def __init__(self, folder: Path, range_of_pods: str | None, loopback: str, host_address: str) -> None:
        self._folder = folder
        self._host_address = host_address
        self._addresses = ipaddress.IPv4Network(loopback)
        wanted = ipaddress.ip_network(range_of_pods) if range_of_pods is not None else None
        if isinstance(wanted, ipaddress.IPv4Network) and can_be_bound(str(wanted[2])):
            self._addresses = wanted
        self._lock = threading.Lock()
        self._all: dict[str, Sandbox] = {}
        for path in sorted(folder.iterdir()) if folder.exists() else ():
            try:
                record = read_json(path / _RECORD, remedy="")
            except SandkubeError:
                record = None
            if record is None:
                shutil.rmtree(path, ignore_errors=True)
            else:
                self._all[path.name] = Sandbox(path, record)

    def make(self, config: dict[str, Any]) -> Sandbox:
        """A new one. CallError where all addresses are taken."""
        folder = self._folder / secrets.token_hex(32)
        folder.mkdir(parents=True, mode=0o700)
        with self._lock:
            record = {
                "config": config,
                "created": time.time_ns(),
                "state": READY,
                "address": self._address(config),
            }
            made = Sandbox(folder, record)
            self._all[made.id] = made
        write_private(made.resolv_conf, _resolv_conf(config.get("dns_config") or {}), mode=0o644, sync=False)
        write_json(folder / _RECORD, record, sync=False)
        return made

    def _address(self, config: dict[str, Any]) -> str:
        options = ((config.get("linux") or {}).get("security_context") or {}).get("namespace_options") or {}
        if options.get("network") == "NODE":
            return self._host_address
        taken = {one.address for one in self._all.values()}
        for number in range(2, self._addresses.num_addresses - 1):
            address = str(self._addresses[number])
            if address not in taken:
                return address
        raise CallError(Code.INTERNAL, f"all addresses of {self._addresses} are taken by pods")

    def get(self, name: str) -> Sandbox:
        """The sandbox of that id. CallError where there is none."""
        with self._lock:
            found = self._all.get(name)
        if found is None:
            raise CallError(Code.NOT_FOUND, f"there is no sandbox {name}")
        return found

    def find(self, name: str) -> Sandbox | None:
        """The sandbox of that id, None where there is none."""
        with self._lock:
            return self._all.get(name)

    def remove(self, name: str) -> None:
        """Forget it."""
        with self._lock:
            found = self._all.pop(name, None)
        if found is not None:
            shutil.rmtree(found.folder, ignore_errors=True)

    def __iter__(self) -> Iterator[Sandbox]:
        with self._lock:
            return iter(list(self._all.values()))


def can_be_bound(address: str) -> bool:
    """Whether a program here may listen at this address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        try:
            attempt.bind((address, 0))
        except OSError:
            return False
    return True


def _resolv_conf(config: dict[str, Any]) -> str:
    lines = [f"nameserver {server}" for server in config.get("servers", ())]
    if searches := config.get("searches"):
        lines.append(f"search {' '.join(searches)}")
    if options := config.get("options"):
        lines.append(f"options {' '.join(options)}")
    return "".join(f"{line}\n" for line in lines)
