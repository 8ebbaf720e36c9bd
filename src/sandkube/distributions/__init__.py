"""How a control plane is served: each distribution answers the same questions, with plain functions.

``embedded`` is ours: the server binary of this project. ``k3s`` serves with a k3s binary that the user has.
What is served tells of itself in the same way (``events.jsonl``, ``server.log``, the datastore's lock, an
orderly stop at TERM or at the parent's end), so nothing above this package asks which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandkube.config import DISTRIBUTIONS, ClusterSpec
from sandkube.errors import UsageError
from sandkube.plane.folder import ClusterFolder
from sandkube.server import Server

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Programs:
    """What a cluster is served with, and the clients that go into its ``bin`` folder.

    ``serves`` is the binary that serves; ``server`` is our own binary, where it has a part in it.
    """

    serves: Path
    server: Server | None
    kubectl: Path | None
    helm: Path | None

    @classmethod
    def of(cls, server: Server) -> Programs:
        """Our own binary for everything."""
        return cls(server.binary, server, server.binary, server.binary)


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
    """Everything that a distribution renders from.

    ``socket`` is the datastore's. ``ports`` are those that it asked for besides that of the address.
    ``internal_hosts`` are never asked for by a proxy.
    """

    spec: ClusterSpec
    folder: ClusterFolder
    address: Address
    programs: Programs
    socket: Path
    ports: Sequence[int] = ()
    internal_hosts: Sequence[str] = ()


class Distribution(Protocol):
    """What a distribution answers. A module with these functions is one."""

    PORTS_BEHIND: int  # how many ports on 127.0.0.1 right behind the first one have to be free
    PORTS_BESIDE: int  # and how many more it needs, wherever they are
    MAY_BE_KILLED: bool  # whether KILL ends all of it, with nothing left anywhere but in the cluster's folder

    def settle(self, spec: ClusterSpec, before: ClusterSpec | None, folder: ClusterFolder) -> ClusterSpec:
        """The spec of a cluster that is about to be started, with what the environment decides for a new one.

        ``before`` is how it was served last, None for a new one. UsageError for settings that would break
        what sandkube relies on.
        """

    def service_range(self, spec: ClusterSpec) -> str:
        """The network that services get their addresses from, as CIDR."""

    def programs(self, spec: ClusterSpec, say: Say) -> Programs:
        """What it is served with on this machine; ServerNotFound where that is missing."""

    def prepare(self, plan: Plan, step: Say, say: Say) -> None:
        """Make everything in the folder that a start needs, but for server.json. It holds secrets."""

    def configuration(
        self, plan: Plan, listener: Mapping[str, Any], parent_fd: int | None = None
    ) -> dict[str, Any]:
        """What the server is started with: the content of server.json."""

    def command(self, plan: Plan) -> Sequence[str]:
        """The command line that serves; no secret is in it."""

    def script(self, plan: Plan) -> str:
        """A POSIX shell script that serves the same."""

    def details(self, spec: ClusterSpec) -> Mapping[str, str]:
        """What `status` says of this distribution alone, by label."""


def distribution(name: str) -> Distribution:
    """The distribution of that name; UsageError where there is none."""
    if name == "embedded":
        from sandkube.distributions import embedded

        return embedded
    if name == "k3s":
        from sandkube.distributions import k3s

        return k3s
    raise UsageError(f"There is no distribution `{name}`.", hint=f"known are: {', '.join(DISTRIBUTIONS)}")
