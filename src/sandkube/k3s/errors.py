"""What can go wrong with getting k3s.

::

    SandkubeError
    ├── K3sNotFound         there is no k3s for this machine, or none of that version   exit 2
    └── K3sInstallFailed    k3s could not be had, or is not what it should be           exit 2
"""

# ruff: noqa: N818 -- an error's name says what is the matter; that it is an error, its base class says

from __future__ import annotations

from sandkube.errors import SandkubeError

__all__ = ["K3sInstallFailed", "K3sNotFound"]


class K3sNotFound(SandkubeError):
    """No k3s for this machine, or none of that version; the message says where it was looked for."""


class K3sInstallFailed(SandkubeError):
    """k3s could not be fetched or verified, or does not run here. The cache is as it was."""
