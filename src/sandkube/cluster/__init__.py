"""The life of a cluster: up, down, status, list, delete; and :class:`Cluster` for Python.

One function per thing that a person asks for. Each can be called at any time, in any state that a crash may
have left; those that change a cluster hold its lock. Modules, lower ones first: ``state`` (what is there),
``nodes`` and ``images``, ``stop``, ``start``, ``control``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandkube.cluster.report import Report
from sandkube.cluster.state import Status, folder_of, list_clusters, status

if TYPE_CHECKING:
    from sandkube.cluster.control import Cluster
    from sandkube.cluster.start import Up, prepare, serve, up
    from sandkube.cluster.stop import Deleted, Down, delete, down, sweep

__all__ = [
    "Cluster",
    "Deleted",
    "Down",
    "Report",
    "Status",
    "Up",
    "delete",
    "down",
    "folder_of",
    "list_clusters",
    "prepare",
    "serve",
    "status",
    "sweep",
    "up",
]

# Most commands need one of these modules, and none needs all.
_LAZY = {
    "Cluster": "control",
    "Up": "start",
    "prepare": "start",
    "serve": "start",
    "up": "start",
    "Deleted": "stop",
    "Down": "stop",
    "delete": "stop",
    "down": "stop",
    "sweep": "stop",
}


def __getattr__(name: str) -> Any:
    if module := _LAZY.get(name):
        from importlib import import_module

        return getattr(import_module(f"sandkube.cluster.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
