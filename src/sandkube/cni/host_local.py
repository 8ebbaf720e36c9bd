"""host-local: a CNI plugin that gives addresses to containers and remembers them in files.

It keeps to the CNI specification 1.1.0 (https://www.cni.dev/docs/spec/) and to older ones. The command comes
in CNI_COMMAND, the network as JSON on standard input; the answer, or the error, goes as JSON to standard
output. It makes no interface: it needs no rights, only a folder.

Configuration, files and lock are those of the CNI project's plugin of that name, so that either can go on
with the folder of the other. In DATADIR/NETWORK lie

    10.1.0.7              one file for each address that is given: the container, CR LF, the interface
    last_reserved_ip.0    the address that was last given from the first set of ranges; .1 from the second
    lock                  held with flock(2) while anything here is read or written

Whoever reserves holds the lock. So an empty lease was left by one that was killed: it counts as free.
"""

import contextlib
import fcntl
import ipaddress
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Fields = dict[str, Any]  # a JSON object; its keys are in lower case, as case does not count

VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
SINCE = {"CHECK": (0, 4, 0), "GC": (1, 1, 0), "STATUS": (1, 1, 0)}
ONE = ("CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH")
WITH_NAMESPACE = (*ONE, "CNI_NETNS")
NEEDED = {"ADD": WITH_NAMESPACE, "CHECK": WITH_NAMESPACE, "DEL": ONE, "GC": ONE[2:], "STATUS": ONE[2:]}
TYPES = {dict: "an object", list: "an array", str: "a string", int: "a whole number"}
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")  # of a container and of a network
INTERFACE = re.compile(r"(?!\.{1,2}$)[^/:\s]+")
INTERFACE_BYTES, INTEGER_BITS = 15, 63
UNREADABLE = "?"  # what counts as the content of another user's lease

# The codes of the specification; FAILED is what the CNI project's plugin answers for all the rest.
BAD_VERSION, BAD_ENVIRONMENT, NOT_READ, NOT_DECODED, BAD_NETWORK, BAD_NAMESPACE = 1, 4, 5, 6, 7, 8
NOT_AVAILABLE, FAILED = 50, 999


class CniError(Exception):
    """What is answered instead of a result."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


# What is asked: the network's configuration


class Range(NamedTuple):
    """The addresses from ``start`` to ``end``, both included; ``prefix`` is the network's length."""

    start: Address
    end: Address
    prefix: int
    gateway: Address

    def holds(self, address: Address | None) -> bool:
        """Whether ``address`` is one of them."""
        same_family = address is not None and address.version == self.start.version
        return same_family and int(self.start) <= int(address or 0) <= int(self.end)


class Network(NamedTuple):
    """A network: each container is given one address from each of its sets of ranges."""

    version: str
    folder: Path
    sets: list[list[Range]]
    requested: list[Address]
    routes: list[Fields]
    resolv_conf: str
    valid: list[str] | None  # who has an address by right, as a lease names them; None if that is not said


def get(fields: Fields, key: str, kind: type[T]) -> T:
    """The value under ``key``, which must be of ``kind``; an empty one for null and where there is none."""
    value = fields.get(key)
    if value is None:
        return kind()
    too_long = isinstance(value, int) and value.bit_length() > INTEGER_BITS
    if not isinstance(value, kind) or isinstance(value, bool) or too_long:
        raise CniError(f"`{key}` is not {TYPES[kind]}")
    return value


def items(fields: Fields, key: str, kind: type[T]) -> list[T]:
    """The list under ``key``, whose members must be of ``kind``."""
    return [get({key: item}, key, kind) for item in get(fields, key, list)]


def standard_input() -> Fields:
    """The network's JSON object, whose name is fit to be that of a folder."""
    try:
        with open(0, encoding="utf-8", errors="replace", closefd=False) as file:
            text = file.read()
    except OSError as error:
        raise CniError(f"standard input cannot be read: {error}", NOT_READ) from error
    try:
        document = json.loads(
            text,
            object_pairs_hook=lambda pairs: {key.lower(): value for key, value in pairs},
            parse_constant=int,  # which refuses them: NaN is no JSON
        )
        fields = get({"network": document}, "network", dict)
        name = get(fields, "name", str)
    except (ValueError, RecursionError, CniError) as error:
        raise CniError(f"the network configuration cannot be read: {error}", NOT_DECODED) from error
    if not NAME.fullmatch(name):
        raise CniError(f"{name!r} is not a name for a network", BAD_NETWORK)
    return fields


def ip(written: str) -> Address:
    """The address that is written so; ::ffff:10.1.0.7 is an IPv4 address."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError as error:
        raise CniError(str(error)) from error
    if "%" in written:
        raise CniError(f"{written!r} is an address of one link only")
    return getattr(address, "ipv4_mapped", None) or address


def cidr(written: str) -> tuple[Address, int]:
    """The address and the prefix length of something like 10.1.0.0/16."""
    head, _, length = written.partition("/")
    address = ip(head)
    shifted = ":" in head and isinstance(address, ipaddress.IPv4Address)
    if shifted or not re.fullmatch("[0-9]{1,3}", length) or int(length) > address.max_prefixlen:
        raise CniError(f"{written!r} is not an address with a prefix length")
    return address, int(length)


def address_range(fields: Fields) -> Range:
    """A range; what it does not say is filled in: the gateway is the network's first address."""
    address, prefix = cidr(get(fields, "subnet", str))
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    if address != network.network_address or prefix > network.max_prefixlen - 2:
        raise CniError(f"{address}/{prefix} is not the address of a network of 4 addresses or more")
    first, last = network[1], network[-2 if isinstance(address, ipaddress.IPv4Address) else -1]
    named = [get(fields, key, str) for key in ("rangestart", "rangeend", "gateway")]
    start, end, gateway = (ip(a) if a else b for a, b in zip(named, (first, last, first), strict=True))
    turned = int(start) > int(end) and "" not in named[:2]  # no more than empty if one of them is not said
    if start not in network or end not in network or turned:
        raise CniError(f"{start}-{end} is not a range of addresses of the network {network}")
    return Range(start, end, prefix, gateway)


def sets_of_ranges(ipam: Fields, runtime: Fields) -> list[list[Range]]:
    """The sets of ranges: the runtime's, then the one of the old form, then those of `ranges`."""
    old_form = [[ipam]] if "subnet" in ipam else []
    found = [*items(runtime, "ipranges", list), *old_form, *items(ipam, "ranges", list)]
    sets = [[address_range(one) for one in items({"range": one}, "range", dict)] for one in found]
    if any(len({one.start.version for one in ranges}) != 1 for ranges in sets):
        raise CniError("a set of ranges is empty or holds both IPv4 and IPv6")
    every = [one for ranges in sets for one in ranges]
    for number, one in enumerate(every):
        for other in every[:number]:
            if one.holds(other.start) or other.holds(one.start):
                raise CniError(f"the ranges {other.start}-{other.end} and {one.start}-{one.end} overlap")
    return sets


def route(fields: Fields) -> Fields:
    """A route in the form of a result. Without `dst` it is none, which only ADD minds."""
    address, prefix = cidr(get(fields, "dst", str)) if "dst" in fields else ("", "")
    gateway = get(fields, "gw", str)
    numbers = {key: get(fields, key, int) for key in ("mtu", "advmss", "priority", "table", "scope")}
    said = {key: n for key, n in numbers.items() if n or (key in ("table", "scope") and fields.get(key) == 0)}
    return {"dst": f"{address}/{prefix}", **({"gw": str(ip(gateway))} if gateway else {}), **said}


def requested_by_environment(written: str) -> list[str]:
    """The IP of CNI_ARGS (KEY=VALUE;KEY=VALUE). Other keys are errors, unless IgnoreUnknown is true."""
    pairs = written.split(";") if written else []
    if any(pair.count("=") != 1 for pair in pairs):
        raise CniError(f"CNI_ARGS is not KEY=VALUE;KEY=VALUE: {written!r}")
    found = {pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs}
    ignore, address = found.pop("IgnoreUnknown", "0").lower(), found.pop("IP", "")
    if ignore not in ("0", "1", "false", "true") or (found and ignore in ("0", "false")):
        raise CniError(f"CNI_ARGS holds what is not known: {written!r}")
    return [address] if address else []


def network_of(fields: Fields, environ: Mapping[str, str]) -> Network:
    """The configuration from the JSON object that came in, and from CNI_ARGS."""
    ipam, runtime = get(fields, "ipam", dict), get(fields, "runtimeconfig", dict)
    if fields.get("ipam") is None:
        raise CniError("the network configuration has no `ipam`")
    asked = requested_by_environment(environ.get("CNI_ARGS", ""))
    asked += items(get(get(fields, "args", dict), "cni", dict), "ips", str) + items(runtime, "ips", str)
    sets = sets_of_ranges(ipam, runtime)
    version = get(fields, "cniversion", str) or VERSIONS[0]
    families = [ranges[0].start.version for ranges in sets]
    if version in ("0.1.0", "0.2.0") and len(families) > len(set(families)):
        raise CniError(f"CNI {version} knows one address of a family, and here are sets for more")
    # The second is what the specification called the first for a while.
    keys = [
        key for key in ("cni.dev/valid-attachments", "cni.dev/attachments") if fields.get(key) is not None
    ]
    valid = [(get(one, "containerid", str), one) for key in keys for one in items(fields, key, dict)]
    valid_holders = [name for name, _ in valid] + [
        f"{name}\r\n{get(one, 'ifname', str)}" for name, one in valid
    ]
    return Network(
        version=version,
        folder=Path(get(ipam, "datadir", str) or "/var/lib/cni/networks", fields["name"]),
        sets=sets,
        requested=list(dict.fromkeys(cidr(one)[0] if "/" in one else ip(one) for one in asked)),
        routes=[route(one) for one in items(ipam, "routes", dict)],
        resolv_conf=get(ipam, "resolvconf", str),
        valid=valid_holders if keys else None,
    )


# What is remembered: the network's folder


class Leases(NamedTuple):
    """A network's folder. A holder is what a lease says: the container, CR LF, the interface."""

    folder: Path

    @classmethod
    @contextlib.contextmanager
    def locked(cls, folder: Path) -> Iterator["Leases"]:
        """The folder, made if it is not there, and locked. The lock ends with the process at the latest."""
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_CREAT | os.O_RDONLY, 0o750)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield cls(folder)
        finally:
            os.close(handle)

    def all(self) -> dict[Address, str]:
        """The holder of each address that is given; an empty one where a reservation was cut off."""
        found = {}
        for path in self.folder.iterdir():
            with contextlib.suppress(CniError):
                found[ip(path.name)] = self.read(path.name)
        return found

    def of(self, holder: str) -> list[Address]:
        """The holder's addresses. Old leases name no interface: they count if there is no other."""
        found, container = self.all(), holder.partition("\r\n")[0]
        exact = [address for address, one in found.items() if one == holder]
        return exact or [address for address, one in found.items() if one == container]

    def reserve(self, address: Address, holder: str, number: int) -> None:
        """Give ``address``, of set ``number``, to the holder."""
        self.write(str(address), holder)
        self.write(f"last_reserved_ip.{number}", str(address))

    def release(self, addresses: list[Address]) -> None:
        """Take the addresses back."""
        for address in addresses:
            (self.folder / str(address)).unlink(missing_ok=True)

    def last(self, number: int) -> Address | None:
        """The address that was last given from set ``number``, if that is known."""
        with contextlib.suppress(CniError):
            return ip(self.read(f"last_reserved_ip.{number}"))
        return None

    def read(self, name: str) -> str:
        """What is in a file, without space around it; nothing where there is no file."""
        try:
            return os.fsdecode((self.folder / name).read_bytes()).strip()
        except FileNotFoundError:
            return ""
        except OSError:
            return UNREADABLE

    def write(self, name: str, content: str) -> None:
        """Write a file so that it is there as a whole or not at all, whenever this process is killed."""
        new = self.folder / ".new"  # one name is enough: the folder is locked
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(os.fsencode(content))
        new.replace(self.folder / name)


# What is answered


def candidates(ranges: list[Range], last: Address | None) -> Iterator[tuple[Address, Range]]:
    """Every address of the ranges once, but for gateways, beginning behind the last one given.

    So an address that was given back is not given again before all others have been.
    """
    spans = [(one, int(one.start), int(one.end)) for one in ranges]
    for number, (one, start, end) in enumerate(spans):
        if last is not None and one.holds(last):
            behind, before = (one, int(last) + 1, end), (one, start, int(last))
            spans = [behind, *spans[number + 1 :], *spans[:number], before]
            break
    for one, start, end in spans:
        for value in range(start, end + 1):
            address = type(one.start)(value)
            if address != one.gateway:
                yield address, one


def choose(
    leases: Leases, number: int, ranges: list[Range], asked: Address | None, holder: str
) -> tuple[Address, Range]:
    """An address of set ``number`` that is free, or the one that is asked for, and its range."""
    if asked is not None:
        one = next(one for one in ranges if one.holds(asked))
        if asked == one.gateway or leases.read(str(asked)):
            raise CniError(f"the requested address {asked} is not available: it is the gateway's, or taken")
        return asked, one
    container = holder.partition("\r\n")[0]
    for address in leases.of(holder) + leases.of(container):
        if any(one.holds(address) for one in ranges):
            raise CniError(f"{address} is allocated to this container already, and it may have no second")
    for address, one in candidates(ranges, leases.last(number)):
        if not leases.read(str(address)):
            return address, one
    shown = ",".join(f"{one.start}-{one.end}" for one in ranges)
    raise CniError(f"no addresses are available in set {number} of ranges: {shown}")


def reserve(leases: Leases, network: Network, holder: str) -> list[tuple[Address, Range]]:
    """Reserve an address of each set. Where one cannot be had, those that were reserved are given back."""
    wanted, given = list(network.requested), []
    with contextlib.ExitStack() as on_failure:
        for number, ranges in enumerate(network.sets):
            asked = next((one for one in wanted if any(part.holds(one) for part in ranges)), None)
            address, part = choose(leases, number, ranges, asked, holder)
            on_failure.callback(leases.release, [address])
            leases.reserve(address, holder, number)
            given.append((address, part))
            wanted = [one for one in wanted if one != asked]
        if wanted:
            raise CniError(f"requested, but not given: {', '.join(map(str, wanted))}")
        on_failure.pop_all()
    return given


def resolver(path: str) -> Fields:
    """What a file like /etc/resolv.conf says, in the form of a result."""
    dns: Fields = {}
    for line in Path(path).read_text("utf-8", "replace").split("\n") if path else ():
        word, *values = line.split() or [""]
        if word == "nameserver" and values:
            dns.setdefault("nameservers", []).append(values[0])
        elif word == "domain" and values:
            dns["domain"] = values[0]
        elif word in ("search", "options") and values:
            dns.setdefault(word, []).extend(values)
    return dns


def result(network: Network, given: list[tuple[Address, Range]], dns: Fields) -> Fields:
    """The answer to ADD, in the form that belongs to the network's version."""
    made: Fields = {"cniVersion": network.version}
    if network.version in ("0.1.0", "0.2.0"):
        for address, one in given:
            routes = [
                {key: route[key] for key in ("dst", "gw") if key in route}
                for route in network.routes
                if (":" in route["dst"]) == (":" in str(address))
            ]
            made[f"ip{address.version}"] = {"ip": f"{address}/{one.prefix}", "gateway": str(one.gateway)}
            made[f"ip{address.version}"].update({"routes": routes} if routes else {})
        return {**made, "dns": dns}
    made["ips"] = [{"address": f"{one}/{part.prefix}", "gateway": str(part.gateway)} for one, part in given]
    if network.routes:
        made["routes"] = network.routes
    if dns:
        made["dns"] = dns
    if network.version.startswith("0."):
        made["dns"] = dns
        for entry, (address, _) in zip(made["ips"], given, strict=True):
            entry["version"] = str(address.version)
    return made


# The call


def check_environment(command: str, environ: Mapping[str, str]) -> None:
    """CniError unless the variables that ``command`` needs are there, with values that can be used."""
    needed = NEEDED.get(command, ())
    missing = [name for name in needed if not environ.get(name)]
    if missing:
        raise CniError(f"variables are missing: {', '.join(missing)}", BAD_ENVIRONMENT)
    if "CNI_CONTAINERID" in needed and not NAME.fullmatch(environ["CNI_CONTAINERID"]):
        raise CniError(f"{environ['CNI_CONTAINERID']!r} is not a name for a container", BAD_ENVIRONMENT)
    interface = environ.get("CNI_IFNAME", "")
    fits = INTERFACE.fullmatch(interface) and len(os.fsencode(interface)) <= INTERFACE_BYTES
    if "CNI_IFNAME" in needed and not fits:
        raise CniError(f"{interface!r} is not a name for an interface", BAD_ENVIRONMENT)


def check_version(command: str, fields: Fields) -> None:
    """CniError unless the network's version is one of VERSIONS, and has this command."""
    try:
        version = get(fields, "cniversion", str) or VERSIONS[0]
        numbers = tuple(map(int, version.split("."))) if command in SINCE else ()
    except (ValueError, CniError) as error:
        raise CniError(f"the network's cniVersion cannot be read: {error}", NOT_DECODED) from error
    if numbers[3:]:
        raise CniError(f"the network's cniVersion has too many parts: {version}", NOT_DECODED)
    if version not in VERSIONS:
        raise CniError(f"CNI {version} is not one of {', '.join(VERSIONS)}", BAD_VERSION)
    if command in SINCE and numbers < SINCE[command]:
        raise CniError(f"CNI {version} knows no {command}", BAD_VERSION)


def check_namespace(environ: Mapping[str, str]) -> None:
    """CniError if the container's network namespace is the one that this process is in."""
    path, override = environ.get("CNI_NETNS", ""), environ.get("CNI_NETNS_OVERRIDE", "").upper()
    with contextlib.suppress(OSError):  # one that is gone is no namespace
        if override not in ("1", "TRUE") and Path(path).samefile("/proc/self/ns/net"):
            raise CniError(f"CNI_NETNS is the plugin's own network namespace: {path}", BAD_NAMESPACE)


def check_folder(folder: Path) -> None:
    """CniError if ``folder`` can be neither used nor made. That nothing is free in it is not asked here."""
    place, lock = folder.absolute(), folder / "lock"
    while not os.access(place, os.F_OK):
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise CniError(f"{folder} cannot be used: {place} cannot be written to", NOT_AVAILABLE)
    if os.access(lock, os.F_OK) and not os.access(lock, os.R_OK):
        raise CniError(f"{folder} cannot be used: its lock cannot be opened", NOT_AVAILABLE)


def answer(environ: Mapping[str, str]) -> Fields | None:
    """Do what is asked; the JSON object to print, if there is one."""
    command = environ["CNI_COMMAND"]
    check_environment(command, environ)
    if command == "VERSION":
        return {"cniVersion": VERSIONS[-1], "supportedVersions": VERSIONS}
    fields = standard_input()
    if command not in NEEDED:
        raise CniError(f"CNI_COMMAND {command!r} is not known", BAD_ENVIRONMENT)
    check_version(command, fields)
    network = network_of(fields, environ)
    if not network.sets and "CNI_CONTAINERID" in NEEDED[command]:  # without one the runtime names no ranges
        raise CniError("no ranges of addresses are configured")
    return carry_out(command, network, environ)


def carry_out(command: str, network: Network, environ: Mapping[str, str]) -> Fields | None:
    """Do ``command``; the result of an ADD."""
    holder = f"{environ.get('CNI_CONTAINERID')}\r\n{environ.get('CNI_IFNAME')}"
    if command == "STATUS":
        check_folder(network.folder)
    elif command == "ADD":
        check_namespace(environ)
        if any(one["dst"] == "/" for one in network.routes):
            raise CniError("a route has no `dst`")
        dns = resolver(network.resolv_conf)
        with Leases.locked(network.folder) as leases:
            return result(network, reserve(leases, network, holder), dns)
    elif command == "CHECK":
        with Leases.locked(network.folder) as leases:
            if not leases.of(holder):
                raise CniError(f"{environ['CNI_CONTAINERID']} has no address for {environ['CNI_IFNAME']}")
    elif command == "DEL":
        with Leases.locked(network.folder) as leases:
            for _ in network.sets:  # so that old leases, which name no interface, go after the others
                leases.release(leases.of(holder))
        check_namespace(environ)
    elif network.valid is not None:  # GC; where nothing is said of who is valid, all may be
        valid = {*network.valid, UNREADABLE}
        with Leases.locked(network.folder) as leases:
            leases.release([address for address, holder in leases.all().items() if holder not in valid])
    return None


def main() -> int:
    """Answer one call; the exit status. Without CNI_COMMAND it says what it is, on standard error."""
    if not os.environ.get("CNI_COMMAND"):
        print(f"CNI host-local plugin of sandkube, for CNI {', '.join(VERSIONS)}", file=sys.stderr)
        return 0
    os.umask(os.umask(0) | 0o022)  # nobody else may write to what is made here
    try:
        document = answer(os.environ)
    except (CniError, OSError, ValueError) as error:
        code = error.code if isinstance(error, CniError) else FAILED
        print(json.dumps({"code": code, "msg": f"host-local: {error}"}, indent=4))
        return 1
    if document is not None:
        print(json.dumps(document, indent=4))
    return 0


if __name__ == "__main__":
    sys.exit(main())
