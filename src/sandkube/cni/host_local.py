"""host-local: a CNI plugin that gives addresses to containers and remembers them in files.

It keeps to the CNI specification 1.1.0 (https://www.cni.dev/docs/spec/) and to the older ones in VERSIONS.
The command comes in CNI_COMMAND, the network as JSON on standard input; the answer, or the error, goes as
JSON to standard output. It is an IPAM plugin: it makes no interface and needs no rights, only a folder.

Configuration, files and lock are those of the plugin `host-local` of the CNI project, so that either may go
on with the folder of the other. In DATADIR/NETWORK lie

    10.1.0.7               one file for each address that is given: the container, CR LF, the interface
    last_reserved_ip.0     the address that was last given from the first set of ranges; .1 from the second
    lock                   held with flock(2) while anything here is read or written

Whoever reserves holds the lock, so a lease that is empty was left by one that was killed: it counts as free.
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
from typing import Any, BinaryIO, NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Fields = dict[str, Any]  # a JSON object; its keys are in lower case, since the CNI project's plugin takes any

VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
ABOUT = f"CNI host-local plugin of sandkube\nCNI protocol versions supported: {', '.join(VERSIONS)}"
SINCE = {"CHECK": (0, 4, 0), "GC": (1, 1, 0), "STATUS": (1, 1, 0)}
NEEDED = {
    "ADD": ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"),
    "CHECK": ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"),
    "DEL": ("CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"),
    "GC": ("CNI_PATH",),
    "STATUS": ("CNI_PATH",),
}
DATA_DIR = "/var/lib/cni/networks"
LAST = "last_reserved_ip."
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")  # of a container and of a network
MAX_INTERFACE_BYTES = 15
MAX_VERSION_PARTS = 3
SMALLEST_HOST_BITS = 2  # a network must have an address besides its own and the last

# The error codes of the specification, and 999, with which the CNI project's plugin answers all the rest.
INCOMPATIBLE_VERSION, BAD_ENVIRONMENT, IO_FAILURE, NOT_DECODED, BAD_NETWORK = 1, 4, 5, 6, 7
BAD_NAMESPACE, NOT_AVAILABLE, FAILED = 8, 50, 999


class CniError(Exception):
    """What is answered instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def failed(message: str) -> CniError:
    """The error for all that has no code of its own."""
    return CniError(FAILED, message)


# What is asked


class Range(NamedTuple):
    """Addresses from ``start`` to ``end``, both included, of a network with so many bits."""

    start: Address
    end: Address
    prefix: int
    gateway: Address

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"

    def holds(self, address: Address | None) -> bool:
        """Whether ``address`` is one of the range."""
        return (
            address is not None
            and address.version == self.start.version
            and int(self.start) <= int(address) <= int(self.end)
        )

    def overlaps(self, other: "Range") -> bool:
        """Whether an address is in both."""
        return self.holds(other.start) or other.holds(self.start)


class Network(NamedTuple):
    """A network's configuration: one address is given from each set of ranges."""

    version: str
    folder: Path
    sets: list[list[Range]]
    routes: list[Fields]
    requested: list[Address]
    resolv_conf: str
    attachments: list[tuple[str, str]] | None


class Container(NamedTuple):
    """Who asks: a container's interface, and the path of its network namespace."""

    name: str
    interface: str
    namespace: str


def lower(pairs: list[tuple[str, Any]]) -> Fields:
    """A JSON object with its keys in lower case; the last of equal ones counts."""
    return {key.lower(): value for key, value in pairs}


def decoded(data: bytes) -> Fields:
    """The network's JSON object, with a name that may be that of a folder."""
    try:
        document = json.loads(data.decode("utf-8", "replace"), object_pairs_hook=lower)
        fields = {} if document is None else document
        name = text(fields, "name") if isinstance(fields, dict) else None
    except (ValueError, RecursionError, CniError) as error:
        raise CniError(NOT_DECODED, f"the network configuration cannot be read: {error}") from error
    if name is None:
        raise CniError(NOT_DECODED, "the network configuration is not a JSON object")
    if not NAME.fullmatch(name):
        raise CniError(BAD_NETWORK, f"the network has no name, or not one that can be used: {name!r}")
    return fields


def text(fields: Fields, key: str) -> str:
    """The string under ``key``, empty where there is none."""
    return str(of_type(fields, key, str, ""))


def objects(fields: Fields, key: str) -> Fields:
    """The object under ``key``, empty where there is none."""
    return dict(of_type(fields, key, dict, {}))


def items(fields: Fields, key: str, kind: type) -> list[Any]:
    """The list under ``key``, empty where there is none; each of its members is of ``kind``."""
    found = list(of_type(fields, key, list, []))
    if not all(isinstance(item, kind) for item in found):
        raise failed(f"`{key}` holds something that is not {kind.__name__}")
    return found


def of_type(fields: Fields, key: str, kind: type, default: object) -> Any:
    """The value under ``key``, which must be of ``kind``; ``default`` for null and where there is none."""
    value = fields.get(key)
    if value is None:
        return default
    if type(value) is not kind:
        raise failed(f"`{key}` is not {kind.__name__}")
    return value


def ip(written: str) -> Address:
    """The address that is written so; ::ffff:10.1.0.7 is an IPv4 address."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError as error:
        raise failed(str(error)) from error
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.scope_id is not None:
        raise failed(f"{written!r} is an address of one link only")
    return address.ipv4_mapped or address


def optional_ip(fields: Fields, key: str) -> Address | None:
    """The address under ``key``, if there is one."""
    written = text(fields, key)
    return ip(written) if written else None


def cidr(written: str) -> tuple[Address, int]:
    """The address and the number of bits of something like 10.1.0.0/16."""
    head, _, tail = written.partition("/")
    address = ip(head)
    if ":" in head and address.version == 4:  # noqa: PLR2004
        raise failed(f"{written!r}: the prefix length of an IPv4 address in IPv6's form is not clear")
    if not re.fullmatch("[0-9]{1,3}", tail) or int(tail) > address.max_prefixlen:
        raise failed(f"{written!r} is not an address with a prefix length")
    return address, int(tail)


def address_range(fields: Fields) -> Range:
    """A range; what it does not say is filled in: the gateway is the network's first address."""
    address, prefix = cidr(text(fields, "subnet"))
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    if prefix > network.max_prefixlen - SMALLEST_HOST_BITS:
        raise failed(f"the network {network} is too small to give addresses from")
    if address != network.network_address:
        raise failed(f"{address}/{prefix} is not the address of a network: that is {network}")
    last = network.broadcast_address - (1 if network.version == 4 else 0)  # noqa: PLR2004
    start = optional_ip(fields, "rangestart") or network.network_address + 1
    end = optional_ip(fields, "rangeend") or last
    gateway = optional_ip(fields, "gateway") or network.network_address + 1
    for bound in (start, end):
        if bound.version != network.version or bound not in network:
            raise failed(f"{bound} is not in the network {network}")
    if int(start) > int(end):
        raise failed(f"the range {start}-{end} is empty")
    return Range(start, end, prefix, gateway)


def sets_of_ranges(ipam: Fields, runtime: Fields) -> list[list[Range]]:
    """The sets of ranges: the runtime's, then the one of the old form, then those of `ranges`."""
    found = [*items(runtime, "ipranges", list), *items(ipam, "ranges", list)]
    if "subnet" in ipam:
        found.insert(len(items(runtime, "ipranges", list)), [ipam])
    if not found:
        raise failed("no ranges of addresses are configured")
    sets = [[address_range(fields) for fields in items({"set": one}, "set", dict)] for one in found]
    for number, ranges in enumerate(sets):
        if len({one.start.version for one in ranges}) != 1:
            raise failed(f"set {number} of ranges is empty, or holds IPv4 and IPv6")
    every = [one for ranges in sets for one in ranges]
    for number, one in enumerate(every):
        for other in every[:number]:
            if one.overlaps(other):
                raise failed(f"the ranges {other} and {one} overlap")
    return sets


def route(fields: Fields) -> Fields:
    """A route in the form of a result."""
    address, prefix = cidr(text(fields, "dst"))
    gateway = optional_ip(fields, "gw")
    made: Fields = {"dst": f"{address}/{prefix}", "gw": str(gateway) if gateway else None}
    made.update({key: of_type(fields, key, int, 0) or None for key in ("mtu", "advmss", "priority")})
    made.update({key: of_type(fields, key, int, None) for key in ("table", "scope")})
    return {key: value for key, value in made.items() if value is not None}


def arguments(written: str) -> str:
    """What CNI_ARGS (KEY=VALUE;KEY=VALUE) says of IP. Other keys are errors, unless IgnoreUnknown is true."""
    found: dict[str, str] = {}
    for pair in written.split(";") if written else ():
        key, equals, value = pair.partition("=")
        if not equals or "=" in value:
            raise failed(f"CNI_ARGS: {pair!r} is not a key and a value")
        found[key] = value
    ignore = found.pop("IgnoreUnknown", "0").lower()
    if ignore not in ("0", "1", "false", "true"):
        raise failed(f"CNI_ARGS: IgnoreUnknown is true or false, and not {ignore!r}")
    address = found.pop("IP", "")
    if found and ignore in ("0", "false"):
        raise failed(f"CNI_ARGS: {', '.join(found)} is not known")
    return address


def network(fields: Fields, environ: Mapping[str, str]) -> Network:
    """The configuration from the JSON object that came in, and from CNI_ARGS."""
    if fields.get("ipam") is None:
        raise failed("the network configuration has no `ipam`")
    ipam, runtime = objects(fields, "ipam"), objects(fields, "runtimeconfig")
    asked = [arguments(environ.get("CNI_ARGS", ""))]
    asked = [*filter(None, asked), *items(objects(objects(fields, "args"), "cni"), "ips", str)]
    asked += items(runtime, "ips", str)
    sets = sets_of_ranges(ipam, runtime)
    version = text(fields, "cniversion") or VERSIONS[0]
    families = [ranges[0].start.version for ranges in sets]
    if version in ("0.1.0", "0.2.0") and len(families) > len(set(families)):
        raise failed(f"CNI {version} has no more than one address of a family")
    # dict, and not set, keeps the order.
    requested = list(dict.fromkeys(cidr(one)[0] if "/" in one else ip(one) for one in asked))
    attachments = fields.get("cni.dev/valid-attachments", fields.get("cni.dev/attachments"))
    return Network(
        version=version,
        folder=Path(text(ipam, "datadir") or DATA_DIR, text(fields, "name")),
        sets=sets,
        routes=[route(one) for one in items(ipam, "routes", dict)],
        requested=requested,
        resolv_conf=text(ipam, "resolvconf"),
        attachments=None
        if attachments is None
        else [
            (text(one, "containerid"), text(one, "ifname"))
            for one in items({"attachments": attachments}, "attachments", dict)
        ],
    )


# The folder


class Leases:
    """The folder of a network. All is done under its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

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

    def all(self) -> Iterator[tuple[Address, str]]:
        """The addresses that are given, each with what its file says."""
        for path in self.folder.iterdir():
            with contextlib.suppress(CniError, OSError):
                yield ip(path.name), self.read(path.name)

    def of(self, container: Container) -> list[Address]:
        """The container's addresses. Old leases name no interface: they count if there is no other."""
        found = list(self.all())
        full = [
            address for address, holder in found if holder == f"{container.name}\r\n{container.interface}"
        ]
        return full or [address for address, holder in found if holder == container.name]

    def is_free(self, address: Address) -> bool:
        """Whether nobody has ``address``."""
        return not self.read(str(address))

    def reserve(self, address: Address, container: Container, number: int) -> None:
        """Give ``address``, of set ``number``, to the container."""
        self.write(str(address), f"{container.name}\r\n{container.interface}")
        self.write(f"{LAST}{number}", str(address))

    def release(self, address: Address) -> None:
        """Take ``address`` back."""
        (self.folder / str(address)).unlink(missing_ok=True)

    def last(self, number: int) -> Address | None:
        """The address that was last given from set ``number``, if that is known."""
        with contextlib.suppress(CniError):
            return ip(self.read(f"{LAST}{number}"))
        return None

    def read(self, name: str) -> str:
        """What is in a file, without space around it; nothing where there is no file."""
        try:
            return (self.folder / name).read_bytes().decode("utf-8", "surrogateescape").strip()
        except FileNotFoundError:
            return ""

    def write(self, name: str, content: str) -> None:
        """Write a file so that it is there as a whole, or not at all, whenever this process is killed."""
        temporary = self.folder / ".new"
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content.encode("utf-8", "surrogateescape"))
        temporary.replace(self.folder / name)


# What is answered


def candidates(ranges: list[Range], last: Address | None) -> Iterator[tuple[Address, Range]]:
    """Every address of the ranges once, beginning behind the last one given; gateways are left out.

    So an address that was given back is not given again before all others have been.
    """
    spans = [(one, int(one.start), int(one.end)) for one in ranges]
    for number, (one, start, end) in enumerate(spans):
        if last is not None and one.holds(last):
            spans = [
                (one, int(last) + 1, end),
                *spans[number + 1 :],
                *spans[:number],
                (one, start, int(last)),
            ]
            break
    for one, start, end in spans:
        for value in range(start, end + 1):
            address = type(one.start)(value)
            if address != one.gateway:
                yield address, one


def choose(
    leases: Leases, number: int, ranges: list[Range], asked: Address | None, container: Container
) -> tuple[Address, Range]:
    """An address of set ``number`` that is free, or the one that is asked for, and its range."""
    shown = ",".join(map(str, ranges))
    if asked is not None:
        one = next(one for one in ranges if one.holds(asked))
        if asked == one.gateway:
            raise failed(f"the requested address {asked} is that of the gateway")
        if not leases.is_free(asked):
            raise failed(f"the requested address {asked} is taken")
        return asked, one
    for address in leases.of(container):
        if any(one.holds(address) for one in ranges):
            raise failed(f"{container.name} has {address} already, and may not be given another of {shown}")
    for address, one in candidates(ranges, leases.last(number)):
        if leases.is_free(address):
            return address, one
    raise failed(f"no address of set {number} is free: {shown}")


def reserve(leases: Leases, asked: Network, container: Container) -> list[tuple[Address, Range]]:
    """Reserve one address of each set; if one cannot be had, those that were reserved are given back."""
    wanted, given = list(asked.requested), []
    try:
        for number, ranges in enumerate(asked.sets):
            one = next((one for one in wanted if any(part.holds(one) for part in ranges)), None)
            address, part = choose(leases, number, ranges, one, container)
            leases.reserve(address, container, number)
            given.append((address, part))
            wanted = [other for other in wanted if other != one]
        if wanted:
            raise failed(f"no set of ranges is left for {', '.join(map(str, wanted))}")  # noqa: TRY301
    except BaseException:
        for address, _ in given:
            leases.release(address)
        raise
    return given


def resolver(path: str) -> Fields:
    """What a file like /etc/resolv.conf says, in the form of a result."""
    found: dict[str, list[str]] = {"nameservers": [], "domain": [], "search": [], "options": []}
    for line in Path(path).read_text("utf-8", "replace").split("\n") if path else ():
        word, *values = line.split() or [""]
        if not values:
            continue
        if word == "nameserver":
            found["nameservers"] += values[:1]
        elif word == "domain":
            found["domain"] = values[:1]
        elif word in ("search", "options"):
            found[word] += values
    return {key: "".join(value) if key == "domain" else value for key, value in found.items() if value}


def result(asked: Network, given: list[tuple[Address, Range]], dns: Fields) -> Fields:
    """The answer to ADD, in the form that belongs to the network's version."""
    ips: list[Fields] = [
        {"address": f"{address}/{one.prefix}", "gateway": str(one.gateway)} for address, one in given
    ]
    made: Fields = {"cniVersion": asked.version}
    if asked.version in ("0.1.0", "0.2.0"):
        for (address, _), entry in zip(given, ips, strict=True):
            routes = [
                {key: one[key] for key in ("dst", "gw") if key in one}
                for one in asked.routes
                if (":" in one["dst"]) == (":" in entry["address"])
            ]
            more = {"routes": routes} if routes else {}
            made[f"ip{address.version}"] = {"ip": entry["address"], "gateway": entry["gateway"], **more}
        return {**made, "dns": dns}
    if asked.version.startswith("0."):
        for (address, _), entry in zip(given, ips, strict=True):
            entry["version"] = str(address.version)
    made["ips"] = ips
    if asked.routes:
        made["routes"] = asked.routes
    if dns or asked.version.startswith("0."):
        made["dns"] = dns
    return made


# The commands


def add(asked: Network, container: Container) -> Fields:
    """ADD: reserve an address of each set."""
    dns = resolver(asked.resolv_conf)
    with Leases.locked(asked.folder) as leases:
        return result(asked, reserve(leases, asked, container), dns)


def delete(asked: Network, container: Container) -> None:
    """DEL: give back what the container has, if it has anything."""
    with Leases.locked(asked.folder) as leases:
        for address in leases.of(container):
            leases.release(address)


def check(asked: Network, container: Container) -> None:
    """CHECK: the container has an address."""
    with Leases.locked(asked.folder) as leases:
        if not leases.of(container):
            raise failed(f"{container.name} has no address for {container.interface}")


def collect(asked: Network) -> None:
    """GC: give back what none of the valid attachments has. Where none are named, nothing is known."""
    if asked.attachments is None:
        return
    valid = {f"{name}\r\n{interface}" for name, interface in asked.attachments}
    valid |= {name for name, _ in asked.attachments}
    with Leases.locked(asked.folder) as leases:
        for address, holder in list(leases.all()):
            if holder not in valid:
                leases.release(address)


def status(asked: Network) -> None:
    """STATUS: the folder can be used, or made. A range without a free address is no fault of the plugin."""
    place = asked.folder.absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise CniError(NOT_AVAILABLE, f"{asked.folder} cannot be used: {place} cannot be written to")


# The call


def check_environment(command: str, environ: Mapping[str, str]) -> None:
    """CniError unless the variables that ``command`` needs are there, with values that can be used."""
    needed = NEEDED.get(command, ())
    missing = [name for name in needed if not environ.get(name)]
    if missing:
        raise CniError(BAD_ENVIRONMENT, f"variables are missing: {', '.join(missing)}")
    if "CNI_CONTAINERID" in needed and not NAME.fullmatch(environ["CNI_CONTAINERID"]):
        raise CniError(BAD_ENVIRONMENT, f"not a container's name: {environ['CNI_CONTAINERID']!r}")
    interface = environ.get("CNI_IFNAME", "")
    unusable = interface in (".", "..") or re.search(r"[/:\s]", interface)
    if "CNI_IFNAME" in needed and (unusable or len(os.fsencode(interface)) > MAX_INTERFACE_BYTES):
        raise CniError(BAD_ENVIRONMENT, f"not an interface's name: {interface!r}")


def check_version(command: str, fields: Fields) -> None:
    """CniError unless the network's version is one of ours, and has this command."""
    try:
        version = text(fields, "cniversion") or VERSIONS[0]
        parts = tuple(int(part) for part in version.split(".")) if command in SINCE else ()
    except (ValueError, CniError) as error:
        raise CniError(NOT_DECODED, f"the network's cniVersion cannot be read: {error}") from error
    if len(parts) > MAX_VERSION_PARTS:
        raise CniError(NOT_DECODED, f"the network's cniVersion has too many parts: {version}")
    if version not in VERSIONS:
        raise CniError(INCOMPATIBLE_VERSION, f"CNI {version!r} is not one of {', '.join(VERSIONS)}")
    if command in SINCE and parts < SINCE[command]:
        raise CniError(INCOMPATIBLE_VERSION, f"CNI {version} has no {command}")


def check_namespace(container: Container, environ: Mapping[str, str]) -> None:
    """CniError if the container's network namespace is the one that this process is in."""
    if environ.get("CNI_NETNS_OVERRIDE", "").upper() in ("1", "TRUE"):
        return
    with contextlib.suppress(OSError, ValueError):  # one that is gone is none
        if Path(container.namespace).samefile("/proc/self/ns/net"):
            raise CniError(BAD_NAMESPACE, f"CNI_NETNS is the plugin's own namespace: {container.namespace}")


def answer(environ: Mapping[str, str], stdin: BinaryIO) -> Fields | None:
    """Do what is asked; the JSON object to print, if there is one."""
    command = environ["CNI_COMMAND"]
    check_environment(command, environ)
    if command == "VERSION":
        return {"cniVersion": VERSIONS[-1], "supportedVersions": list(VERSIONS)}
    try:
        data = stdin.read()
    except OSError as error:
        raise CniError(IO_FAILURE, f"standard input cannot be read: {error}") from error
    fields = decoded(data)
    if command not in NEEDED:
        raise CniError(BAD_ENVIRONMENT, f"CNI_COMMAND is not known: {command!r}")
    check_version(command, fields)
    asked = network(fields, environ)
    container = Container(*(environ.get(f"CNI_{name}", "") for name in ("CONTAINERID", "IFNAME", "NETNS")))
    if command == "ADD":
        check_namespace(container, environ)
        return add(asked, container)
    if command == "DEL":
        delete(asked, container)
        check_namespace(container, environ)
    elif command == "CHECK":
        check(asked, container)
    elif command == "GC":
        collect(asked)
    else:
        status(asked)
    return None


def main() -> int:
    """Answer one call; the exit status. Without CNI_COMMAND it says what it is, on standard error."""
    if not os.environ.get("CNI_COMMAND"):
        print(ABOUT, file=sys.stderr)
        return 0
    os.umask(os.umask(0) | 0o022)  # nobody else writes to what is made here
    try:
        document = answer(os.environ, sys.stdin.buffer)
    except (CniError, OSError, ValueError) as error:
        code = error.code if isinstance(error, CniError) else FAILED
        print(json.dumps({"code": code, "msg": f"host-local: {error}"}, indent=4))
        return 1
    if document is not None:
        print(json.dumps(document, indent=4))
    return 0


if __name__ == "__main__":
    sys.exit(main())
