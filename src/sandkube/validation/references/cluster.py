"""What is asked of the cluster beside a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Cluster(Protocol):
    """What is there beside the set.

    ``group`` is "" for the core group, ``namespace`` None for what lies in none. A kind that the cluster does
    not know has no objects. The same question may come several times: whoever asks a server remembers the
    answers.
    """

    def has(self, group: str, kind: str, namespace: str | None, name: str) -> bool:
        """Whether there is an object of this name."""

    def get(self, group: str, kind: str, namespace: str | None, name: str) -> Mapping[str, Any] | None:
        """The object, or None where it is not there."""

    def list(self, group: str, kind: str, namespace: str | None) -> Sequence[Mapping[str, Any]]:
        """All objects of a kind, in one namespace or, for what lies in none, in the cluster."""
