"""A real Kubernetes control plane that starts in seconds wherever Python runs.

>>> from sandkube import Cluster
>>> with Cluster() as cluster:                          # doctest: +SKIP
...     print(cluster.kubectl("get", "namespaces").stdout)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandkube.errors import SandkubeError

if TYPE_CHECKING:
    from sandkube.cluster import Cluster
    from sandkube.validation import validate

__all__ = ["Cluster", "SandkubeError", "__version__", "validate"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # The command line imports this package for everything it does; only who uses the class pays for it.
    if name == "Cluster":
        from sandkube.cluster import Cluster

        return Cluster
    if name == "validate":
        from sandkube.validation import validate

        return validate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
