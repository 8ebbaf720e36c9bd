"""Finding, building and installing the server binary.

A server is looked for at four places, in this order: the path in `SANDKUBE_SERVER`, the installed
distribution `sandkube-server`, the cache, and, in a checkout of sandkube, a build of its own Go source.
Nothing is ever looked up by name in an index, but for Go itself (`gobin`), which is announced.

Modules, lower ones first: `version` (what a binary says it is), `checkout` (the Go source, if we run from
it), `cache` (entries on disk), `locate`; then `lock`, `gobin`, `build` and `install`, which fill the cache,
and `listing`.
"""

from __future__ import annotations

from collections.abc import Callable

from sandkube.server.locate import Server, locate
from sandkube.server.version import CONTRACT, ServerVersion, version

__all__ = ["CONTRACT", "Server", "ServerVersion", "ensure", "locate", "version"]


def ensure(report: Callable[[str], None]) -> Server:
    """Give the server binary; in a checkout without one, build it first.

    ``report`` takes the lines of a build (what it needs, how far it is); if standard error is a terminal, the
    progress is shown there, in one line that is written over. A build takes minutes at first, seconds later.
    Raises ServerNotFound where there is none and nothing to build it from, BuildFailed where building failed.
    """
    from sandkube.errors import ServerNotFound

    try:
        return locate()
    except ServerNotFound:
        from sandkube.server.build import build_missing

        return build_missing(report)
