"""Proxies: whether clients would ask one for what is on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.plane.listener import LOOPBACK

CAUGHT: Final = Kind(
    "proxy-catches-loopback",
    "problem",
    "A proxy is set, and NO_PROXY lacks 127.0.0.1",
    "curl, Python's clients and others would ask the proxy for a cluster on this machine, and fail. kubectl "
    "and helm "
    "never do, and sandkube tells its own server by itself.",
    'export NO_PROXY="127.0.0.1,localhost${{NO_PROXY:+,$NO_PROXY}}"; export no_proxy="$NO_PROXY"',
)

# A cluster's address is https://127.0.0.1:PORT, so a proxy for http alone is never asked for it.
_PROXIES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Compare the variables; a lower-case one goes before its upper-case twin, as curl and Python have it."""
    environ = surroundings.environ
    proxies = [name for name in _PROXIES if environ.get(name)]
    if not proxies:
        yield ok("none for https")
    elif exempt(environ):
        yield ok(f"{', '.join(proxies)}, and not for {LOOPBACK}")
    else:
        names = " and ".join(proxies)
        yield CAUGHT.found(
            f"{names} {'is' if len(proxies) == 1 else 'are'} set, and NO_PROXY "
            f"{'lacks' if environ.get('no_proxy') or environ.get('NO_PROXY') else 'is not set: it lacks'} "
            f"{LOOPBACK}."
        )


def exempt(environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY keeps 127.0.0.1 from the proxy: by its address, a network, or `*`."""
    return any(_covers(entry.strip()) for entry in _text(environ).split(","))


def _text(environ: Mapping[str, str]) -> str:
    return environ.get("no_proxy") or environ.get("NO_PROXY") or ""


def _covers(entry: str) -> bool:
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(LOOPBACK) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


CHECK: Final = Check("proxies", "Proxies", (CAUGHT,), look)
