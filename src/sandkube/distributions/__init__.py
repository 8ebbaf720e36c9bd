"""How a control plane is served: each distribution answers the same questions, with plain functions.

``embedded`` is ours: the server binary of this project. Others follow the same interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandkube.config import ClusterSpec
from sandkube.errors import UsageError
from sandkube.plane.folder import ClusterFolder
from sandkube.server import Server

NAMES = ("embedded",)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a control plane is: its port on 127.0.0.1, and the address it advertises, if there is one."""

    port: int
    advertise: str | None

    @property
    def url(self) -> str:
        """Where the API server answers."""
        return f"https://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a distribution renders from."""

    spec: ClusterSpec
    folder: ClusterFolder
    address: Address
    server: Server
    socket: Path


class Distribution(Protocol):
    """What a distribution answers. A module with these functions is one."""

    def check(self, spec: ClusterSpec) -> None:
        """UsageError for arguments that would break what sandkube relies on."""

    def service_range(self, spec: ClusterSpec) -> str:
        """The network that services get their addresses from, as CIDR."""

    def certificate_names(self, spec: ClusterSpec, advertise: str | None) -> tuple[str, ...]:
        """The names and addresses that the API server's certificate must hold for."""

    def files(self, plan: Plan) -> Mapping[Path, str]:
        """The files to write before a start, beside the certificates. They hold secrets."""

    def configuration(
        self, plan: Plan, listener: Mapping[str, Any], parent_fd: int | None = None
    ) -> dict[str, Any]:
        """What the server is started with: the content of server.json."""

    def command(self, plan: Plan) -> Sequence[str]:
        """The command line that serves; no secret is in it."""

    def script(self, plan: Plan) -> str:
        """A POSIX shell script that serves the same in the foreground."""


def distribution(name: str) -> Distribution:
    """The distribution of that name; UsageError where there is none."""
    if name == "embedded":
        from sandkube.distributions import embedded

        return embedded
    raise UsageError(f"There is no distribution `{name}`.", hint=f"known are: {', '.join(NAMES)}")
