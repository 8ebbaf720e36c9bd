"""The listening socket that the server inherits, and the address that the API server tells the cluster.

The socket is bound here, before anything is rendered: the port is known, and there is no moment in which it
could be lost.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import random
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from sandkube.errors import PortTaken, SandkubeError
from sandkube.plane import process

LOOPBACK = "127.0.0.1"

# RFC 5737 keeps this network for documents. Connecting a UDP socket sends nothing; it only picks a route.
_SOMEWHERE = ("203.0.113.1", 9)
# Ports in a row are looked for so often.
_TRIES = 50
# Ports that a cluster gets lie below those of NodePort services, and above those that most programs have.
_OURS = range(10500, 30000)
# Linux, ip(7): connections to elsewhere come from these ports.
OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LAST = 65535
_SIOCGIFADDR = 0x8915  # Linux, netdevice(7)


def bind(asked: int | None, last: int | None = None) -> socket.socket:
    """A socket that listens on 127.0.0.1.

    On port ``asked``, where one is asked for: PortTaken if somebody else has it; 0 is any free one. Otherwise
    on ``last`` if that is free, and if not on one that no connection to elsewhere can take for its own end
    while the cluster is down: it could not have it again then.
    """
    (listener,) = bind_row(asked, last, behind=0)
    return listener


def bind_row(asked: int | None, last: int | None, *, behind: int) -> list[socket.socket]:
    """Like :func:`bind`, and the sockets of the ``behind`` ports that follow it."""
    if asked is not None:
        return _listen_row(asked, behind)
    for port in (*([] if last is None else [last]), *lasting(), *[0] * _TRIES):
        with contextlib.suppress(PortTaken):
            return _listen_row(port, behind)
    raise PortTaken(f"No {behind + 1} free ports in a row were found on {LOOPBACK}.")


def lasting(outgoing: Path = OUTGOING) -> list[int]:
    """Some ports, by chance, that the system gives to no connection; none if it says nothing of them."""
    try:
        first, last = map(int, outgoing.read_text().split())
    except (OSError, ValueError):
        return []
    ours = [port for port in _OURS if not first <= port <= last]
    return random.sample(ours, min(len(ours), _TRIES))


def _listen_row(port: int, behind: int) -> list[socket.socket]:
    """Listen on ``port``, any free one for 0, and on those that follow it."""
    with contextlib.ExitStack() as made:
        row = [made.enter_context(_listen(port))]
        first = row[0].getsockname()[1]
        if first + behind > _LAST:
            raise PortTaken(
                f"Port {first} cannot be used: {behind} more behind it are needed, and {_LAST} is the last.",
                hint="ask for a lower one with --port",
            )
        try:
            row += [made.enter_context(_listen(next_)) for next_ in range(first + 1, first + behind + 1)]
        except PortTaken as error:
            raise PortTaken(f"{error.message} It is needed, too, behind {first}.", hint=error.hint) from error
        made.pop_all()
    return row


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of the server before may linger in TIME_WAIT; two listeners are refused all the same.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} on {LOOPBACK} is taken{_by(port)}.",
                hint="ask for another with --port, or for any free one with --port 0",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise PortTaken(
                f"Port {port} on {LOOPBACK} may not be used by this user.", hint="ask for a port above 1023"
            ) from error
        raise SandkubeError(
            f"No socket could be opened on {LOOPBACK}, port {port}: {error.strerror}."
        ) from error
    return listener


def _by(port: int) -> str:
    holder = holder_of(port)
    return f" by {holder}" if holder else ""


def holder_of(port: int, proc: Path = Path("/proc")) -> str | None:
    """The process that listens on ``port``, as ``name (pid N)``; /proc hides those of other users."""
    inodes = _listening_inodes(port, proc)
    if not inodes:
        return None
    return process.holder_of({f"socket:[{inode}]" for inode in inodes}, proc)


def _listening_inodes(port: int, proc: Path) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            # proc_net_tcp: sl local_address rem_address st … uid timeout inode; state 0A is LISTEN
            _, local, _, state, _, _, _, _, _, inode, *_ = row.split()
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                inodes.add(inode)
    return inodes


def advertise_address() -> str | None:
    """An IPv4 address of this machine that endpoints may have; None where it only has loopback.

    Nothing listens there: the API server writes it into the endpoints of the service ``kubernetes``, whose
    validation refuses loopback and link-local addresses.
    """
    return first_usable([_address_of_route(), *_addresses_of_interfaces()])


def first_usable(addresses: Iterable[str | None]) -> str | None:
    """The first of ``addresses`` that the validation of endpoints lets pass."""
    for text in addresses:
        if text is None:
            continue
        address = ipaddress.IPv4Address(text)
        if not (
            address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
        ):
            return text
    return None


def _address_of_route() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _addresses_of_interfaces() -> Iterable[str]:
    """The first IPv4 address of each interface; nothing where the system is not asked this way."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            names = [name for _, name in socket.if_nameindex()]
        except OSError:
            return
        for name in names:
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:
                continue
            yield socket.inet_ntoa(answer[20:24])
