"""Whether 127.0.0.1 can be listened on and reached: the API server is there, for its own parts as well."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Surroundings
from sandkube.plane.listener import LOOPBACK

DOWN: Final = Kind(
    "loopback-down",
    "problem",
    "There is no loopback",
    "The API server listens on 127.0.0.1, and the controllers reach it there. Without the interface `lo` it "
    "starts, "
    "and never is Ready.",
    "ip link set lo up  # as root of this network namespace",
)

_IFF_UP: Final = 0x1
_SIOCGIFFLAGS: Final = 0x8913
_SECONDS: Final = 2.0


def look(_: Surroundings) -> Iterator[Finding]:
    """Listen, connect, and be connected to."""
    up = _is_up()
    try:
        with socket.socket() as listener, socket.socket() as client:
            listener.settimeout(_SECONDS)
            client.settimeout(_SECONDS)
            listener.bind((LOOPBACK, 0))
            listener.listen(1)
            client.connect(listener.getsockname())
            listener.accept()[0].close()
    except OSError as error:
        interface = ": the interface `lo` is down" if up is False else ""
        yield DOWN.found(f"{LOOPBACK} cannot be reached ({error.strerror or error}){interface}.")
        return
    yield ok(f"{LOOPBACK} can be listened on and reached")


def _is_up() -> bool | None:
    """Whether `lo` is up, None where that cannot be asked (netdevice(7))."""
    import fcntl
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), _SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        except OSError:
            return None
    return bool(struct.unpack("16sH14x", answer)[1] & _IFF_UP)


CHECK: Final = Check("loopback", "Loopback", (DOWN,), look)
