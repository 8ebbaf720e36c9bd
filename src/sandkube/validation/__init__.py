"""Validation: what a real API server and its controllers say of manifests, charts and kustomizations.

:func:`validate` is the whole. Modules, lower ones first: ``rules`` (every code), ``placing`` (from a field to
a place in a file), ``refusals`` (what the server's answers say), ``types`` and ``hints`` (along the kind's
schema), ``judging`` (one object), ``references`` (names that lead nowhere), ``order``, ``preparing``,
``settling`` and ``templates`` (a set), ``folding`` (one cause, one finding), ``running`` (a set in a control
plane), ``planes`` (which one), ``settings`` (options and configuration files), ``gathering`` (from paths to
objects), ``cases`` (of values for charts), ``validating``. ``spelling`` is for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandkube.validation.settings import Settings
    from sandkube.validation.validating import validate

__all__ = ["Settings", "validate"]


def __getattr__(name: str) -> Any:
    # What judges brings an HTTP client along; the command line reads its settings before.
    if name in __all__:
        from importlib import import_module

        return getattr(
            import_module(f"sandkube.validation.{'settings' if name == 'Settings' else 'validating'}"), name
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
