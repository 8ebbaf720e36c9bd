"""The note's tests share the integration tests' control plane, namespaces and kubectl."""

from __future__ import annotations

from integration.conftest import (
    _own_folders,
    api,
    apply_globally,
    cluster,
    core,
    folder,
    kubectl,
    namespace,
    nodes,
)

__all__ = [
    "_own_folders",
    "api",
    "apply_globally",
    "cluster",
    "core",
    "folder",
    "kubectl",
    "namespace",
    "nodes",
]
