"""A server with the layout of k3s' releases and channels, which can be made to misbehave; and a proxy.

What it serves as `k3s` is a stand-in: a shell script that says its version as k3s does, and nothing else.

::

    with ReleaseServer() as server:
        server.release("v1.35.1+k3s1")
        server.channels["stable"] = "v1.35.1+k3s1"
        server.meets("k3s", Status(503))  # the first request for k3s; the next is answered well
        sandkube("k3s", "install", "--from", server.base)
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit

from sandkube.k3s import platforms

if TYPE_CHECKING:
    from typing_extensions import Self

Owner = TypeVar("Owner")

VERSION = "v1.35.1+k3s1"
BASE = "/k3s-io/k3s/releases"
PUBLIC_CHANNELS = "/v1-release/channels"


def stand_in(version: str = VERSION, *, marker: Path | None = None, padding: int = 0) -> bytes:
    """A stand-in for k3s: it says its version; ``marker`` is a file that it makes when it is run."""
    mark = f": >'{marker}'\n" if marker else ""
    script = f"""#!/bin/sh
# A stand-in for k3s.
{mark}[ "$1" = --version ] || {{ echo "this is a stand-in for k3s" >&2; exit 1; }}
echo "${{0##*/}} version {version} (0123abcd)"
echo "go version go1.26.8"
exit 0
"""
    return script.encode() + b"#" * padding


def checksums(files: Mapping[str, bytes]) -> bytes:
    """The list of SHA-256 as `sha256sum` writes it."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()


def files_of_release(binary: bytes) -> dict[str, bytes]:
    """The files of a release for this machine: k3s, a file that is not asked for, and the list of both."""
    names = platforms.current()
    files = {"k3s-airgap-images.tar": b"images", names.binary: binary}
    return {**files, names.checksums: checksums(files)}


@dataclass(frozen=True)
class Status:
    """An answer with this status, and headers."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Redirect:
    """An answer that leads elsewhere."""

    location: str
    status: int = 302


@dataclass(frozen=True)
class Cut:
    """The connection ends after so many bytes of the body; ``reset``: it breaks. Or there is no answer."""

    after: int | None = 0
    reset: bool = False


@dataclass(frozen=True)
class Stall:
    """Nothing more comes after so many bytes of the body, until the client goes or the test releases it."""

    after: int = 0


@dataclass(frozen=True)
class Drip:
    """The body comes in pieces of so many bytes, one each so many seconds."""

    piece: int
    seconds: float


@dataclass(frozen=True)
class Body:
    """Another body; ``length`` is what is said of its length, None for nothing."""

    data: bytes
    length: int | None


Fault = Status | Redirect | Cut | Stall | Drip | Body


class ReleaseServer:
    """Serves on a free port of 127.0.0.1, with TLS where given a context, from entering to leaving it.

    ``requests`` are those that came, as `GET /path`; ``headers`` those of the last one. ``credentials`` are
    the `user:password` in base64 that it asks for. ``reached`` is set once a `Stall` holds a request.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.channels: dict[str, str] = {}
        self.requests: list[str] = []
        self.headers: dict[str, str] = {}
        self.credentials: str | None = None
        self.reached = threading.Event()
        self.released = threading.Event()
        self._faults: dict[str, list[Fault]] = {}
        self._tls = tls
        self._server = _Listening(self, _Releases)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def base(self) -> str:
        """What `--from` takes."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{BASE}"

    def release(self, version: str = VERSION, binary: bytes | None = None) -> dict[str, bytes]:
        """Have a release; its files, by name. None is an ordinary stand-in."""
        files = files_of_release(stand_in(version) if binary is None else binary)
        for name, data in files.items():
            self.files[f"{BASE}/download/{version}/{name}"] = data
        return files

    def drop(self, name: str, version: str = VERSION) -> None:
        """Have a file of a release no more."""
        del self.files[f"{BASE}/download/{version}/{name}"]

    def meets(self, name: str, *faults: Fault) -> None:
        """Have the next requests for files called ``name`` meet these, one each."""
        self._faults.setdefault(name, []).extend(faults)

    def asked_for(self, name: str, method: str = "GET") -> int:
        """How many requests there were for files called ``name``."""
        return sum(
            line.startswith(f"{method} ") and line.rpartition("/")[2] == name for line in self.requests
        )

    def next_fault(self, path: str) -> Fault | None:
        """What the request for ``path`` meets."""
        waiting = self._faults.get(path.rpartition("/")[2])
        return waiting.pop(0) if waiting else None

    def leads_to(self, path: str) -> str | None:
        """The page of the release that a channel has."""
        folder, _, name = path.rpartition("/")
        if folder not in {PUBLIC_CHANNELS, f"{BASE}/channels"} or name not in self.channels:
            return None
        return f"https://github.com{BASE}/tag/{self.channels[name]}"


class _Listening(ThreadingHTTPServer, Generic[Owner]):
    """Listens for ``owner``, in threads of its own."""

    daemon_threads = True

    def __init__(self, owner: Owner, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: that clients go away, or trust no certificate, is what tests are about."""


class _Releases(BaseHTTPRequestHandler):
    server: _Listening[ReleaseServer]

    def do_GET(self) -> None:
        owner = self.server.owner
        path = urlsplit(self.path).path
        owner.requests.append(f"{self.command} {path}")
        owner.headers = dict(self.headers)
        if owner.credentials and self.headers["Authorization"] != f"Basic {owner.credentials}":
            self._end(401, {"WWW-Authenticate": 'Basic realm="releases"'})
            return
        self._answer(unquote(path), owner.next_fault(path))

    do_HEAD = do_GET  # noqa: N815 -- as http.server calls it

    def _answer(self, path: str, fault: Fault | None) -> None:
        body = self.server.owner.files.get(path)
        page = self.server.owner.leads_to(path)
        if isinstance(fault, Status):
            self._end(fault.status, fault.headers)
        elif isinstance(fault, Redirect):
            self._end(fault.status, {"Location": fault.location})
        elif isinstance(fault, Body):
            self._begin(fault.length)
            self.wfile.write(fault.data)
        elif page is not None:
            self._end(302, {"Location": page})
        elif body is None:
            self._end(404)
        elif isinstance(fault, Cut) and fault.after is None:
            self._break()
        else:
            self._begin(len(body))
            if self.command == "GET":
                self._send(body, fault)

    def _send(self, body: bytes, fault: Fault | None) -> None:
        owner = self.server.owner
        if isinstance(fault, Cut):
            self.wfile.write(body[: fault.after])
            if fault.reset:
                self._break()
        elif isinstance(fault, Stall):
            self.wfile.write(body[: fault.after])
            owner.reached.set()
            while not owner.released.is_set() and not self._client_is_gone():
                pass
            if owner.released.is_set():
                self.wfile.write(body[fault.after :])
        elif isinstance(fault, Drip):
            for start in range(0, len(body), fault.piece):
                self.wfile.write(body[start : start + fault.piece])
                owner.released.wait(fault.seconds)
        else:
            self.wfile.write(body)

    def _begin(self, length: int | None) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _end(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _break(self) -> None:
        linger = (1).to_bytes(4, "little") + bytes(4)  # no orderly end, but a reset
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def _client_is_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0.02)
        if not readable:
            return False
        try:
            return not self.connection.recv(1)
        except OSError:
            return True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Proxy:
    """An HTTP proxy that knows these hosts alone, whatever their port; ``requests`` are those that came.

    ``routes`` are the ports on 127.0.0.1 that hosts have in truth.
    """

    def __init__(self, routes: Mapping[str, int]) -> None:
        self.requests: list[str] = []
        self.credentials: list[str | None] = []
        self.routes = dict(routes)
        self._server = _Listening(self, _Proxied)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """What HTTPS_PROXY takes."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"


class _Proxied(BaseHTTPRequestHandler):
    server: _Listening[Proxy]

    def _note(self, host: str | None) -> int | None:
        self.server.owner.requests.append(f"{self.command} {self.path}")
        self.server.owner.credentials.append(self.headers["Proxy-Authorization"])
        port = self.server.owner.routes.get(host or "")
        if port is None:
            self.send_error(502)
        return port

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        port = self._note(parts.hostname)
        if port is None:
            return
        connection = http.client.HTTPConnection("127.0.0.1", port)
        with contextlib.closing(connection):
            connection.request(self.command, parts.path)
            answer = connection.getresponse()
            body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 -- as http.server calls it

    def do_CONNECT(self) -> None:
        port = self._note(self.path.rpartition(":")[0])
        if port is None:
            return
        with socket.create_connection(("127.0.0.1", port)) as onward:
            self.send_response(200)
            self.end_headers()
            _join(self.connection, onward)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass on what either says, until one of them ends."""
    to = {one: other, other: one}
    with contextlib.suppress(OSError):
        while True:
            for ready in select.select(list(to), [], [], 60)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                to[ready].sendall(data)


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[ReleaseServer]:
    """A server with one release, which is the channel `stable`."""
    with ReleaseServer(tls) as server:
        server.release()
        server.channels["stable"] = VERSION
        yield server
