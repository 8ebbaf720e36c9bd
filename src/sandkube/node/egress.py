"""The way from the API server into its cluster: to webhooks, to pods, to the kubelet.

The API server is told (``--egress-selector-config-file``) to reach what is in the cluster by CONNECT requests
(RFC 9110, 9.3.6) at a unix socket. An address of a Service becomes that of a pod of it that is ready: nothing
else on this host knows such addresses. All other addresses are connected to as they are.

``python -m sandkube.node.egress --config FILE``; the node's keeper starts it when somebody first asks.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import ipaddress
import json
import random
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

_SECONDS: Final = 10.0  # for an answer of the API server, and for a connection
_LONGEST_HEAD: Final = 1 << 14  # bytes
_BLOCK: Final = 1 << 16

Document = Mapping[str, Any]


class NoWayError(Exception):
    """Why an address leads nowhere."""


class Ways:
    """Where addresses lead, as the API server knows it now.

    ``config`` is what :func:`sandkube.node.configuration.egress` gives.
    """

    def __init__(self, config: Document) -> None:
        self._node = str(config["node"])
        self._range = ipaddress.ip_network(config["services"])
        self._server = urlsplit(config["url"])
        self._tls = ssl.create_default_context(cafile=config["ca"])
        self._tls.load_cert_chain(config["certificate"], config["key"])

    def of(self, host: str, port: int) -> tuple[str, int]:
        """The address and port to connect to. NoWayError where there is none; waits for the API server."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host, port
        if address not in self._range:
            return host, port
        services = self._listed("/api/v1/services", fieldSelector=f"spec.clusterIP={host}")
        if not services:
            raise NoWayError(f"no Service has the address {host}")
        service = services[0]
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        selector = service["spec"].get("selector")
        target = next((one for one in service["spec"].get("ports", ()) if one["port"] == port), None)
        if not selector or target is None:
            missing = "selects no pods" if not selector else f"has no port {port}"
            raise NoWayError(f"Service {namespace}/{name} {missing}")
        pods = self._listed(
            f"/api/v1/namespaces/{namespace}/pods",
            labelSelector=",".join(f"{key}={value}" for key, value in selector.items()),
            fieldSelector=f"spec.nodeName={self._node}",
        )
        ways = [way for pod in pods if _is_ready(pod) and (way := _way(pod, target))]
        if not ways:
            raise NoWayError(f"Service {namespace}/{name} has no pod that is ready")
        return random.choice(ways)  # noqa: S311 -- to spread the load

    def _listed(self, path: str, **query: str) -> list[Document]:
        connection = http.client.HTTPSConnection(
            self._server.hostname or "", self._server.port, context=self._tls, timeout=_SECONDS
        )
        try:
            connection.request("GET", f"{path}?{urlencode(query)}")
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoWayError(f"the API server does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise NoWayError(f"the API server refuses to list: {body.get('message')}")
        found: list[Document] = body.get("items") or []
        return found


def _is_ready(pod: Document) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _way(pod: Document, target: Document) -> tuple[str, int] | None:
    """Where the target of a Service's port is in a pod; None where the pod has no port of that name."""
    wanted = target.get("targetPort", target["port"])
    if isinstance(wanted, int):
        return pod["status"]["podIP"], wanted
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", ()):
            if port.get("name") == wanted and port.get("protocol", "TCP") == target.get("protocol", "TCP"):
                return pod["status"]["podIP"], port["containerPort"]
    return None


async def serve(listener: socket.socket, ways: Ways) -> None:
    """Serve at a socket that listens, for ever."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await _served(reader, writer, ways)
        writer.close()

    server = await asyncio.start_unix_server(served, sock=listener, limit=_LONGEST_HEAD)
    async with server:
        await server.serve_forever()


async def _served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ways: Ways) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
    host, _, port = rest.partition(" ")[0].rpartition(":")
    if method != "CONNECT" or not port.isdigit():
        await _answer(writer, "405 only CONNECT HOST:PORT is served here")
        return
    try:
        to, number = await asyncio.to_thread(ways.of, host.strip("[]"), int(port))
        there = await asyncio.wait_for(asyncio.open_connection(to, number), _SECONDS)
    except NoWayError as error:
        await _answer(writer, f"502 {error}")
        return
    except (OSError, asyncio.TimeoutError) as error:
        await _answer(writer, f"502 {host}:{port} does not answer: {str(error) or 'no time left'}")
        return
    await _answer(writer, "200 connected")
    try:
        await asyncio.gather(_copied(reader, there[1]), _copied(there[0], writer))
    finally:
        there[1].close()


async def _answer(writer: asyncio.StreamWriter, status: str) -> None:
    line = " ".join(status.split()).encode("latin-1", "replace")
    writer.write(b"HTTP/1.1 " + line + b"\r\n\r\n")
    await writer.drain()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until the end, and that as well."""
    while data := await reader.read(_BLOCK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def main() -> None:
    """Serve as the configuration says, until the keeper ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    config = json.loads(parser.parse_args().config.read_text(encoding="utf-8"))
    asyncio.run(serve(socket.socket(fileno=config["listener_fd"]), Ways(config)))


if __name__ == "__main__":
    main()
