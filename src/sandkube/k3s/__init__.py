"""Finding, installing and removing the `k3s` binary, for the distribution of that name.

A k3s is looked for in this order: the path of `--k3s`, `SANDKUBE_K3S`, PATH, the cache. The cache is filled
by `sandkube k3s install` alone: nothing is fetched unasked.

Modules, lower ones first: `platforms` (what a release calls this machine's files), `versions` (what
can be asked for, what a binary says it is), `cache` (entries on disk), `locate`; then, for installing,
`lock`, `storing` (limits, the disk), `faults` (what another try gets over), `transport` (addresses, proxies,
redirects), `downloads` (tries), `releases` (a mirror or a folder) and `install`; and `listing`.
"""

from __future__ import annotations

from sandkube.errors import K3sInstallFailed, K3sNotFound
from sandkube.k3s.locate import K3s, locate

__all__ = ["K3s", "K3sInstallFailed", "K3sNotFound", "locate"]
