"""What the API server asks of pods finds its way, and what leads nowhere is said."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandkube.node import egress
from sandkube.node.egress import NoWayError, Ways

SERVICE: dict[str, Any] = {
    "metadata": {"namespace": "team", "name": "web"},
    "spec": {
        "selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": "http"}, {"port": 443, "targetPort": 8443}, {"port": 90}],
    },
}


def pod(address: str, *, ready: bool = True, **metadata: str) -> dict[str, Any]:
    return {
        "metadata": metadata,
        "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]},
        "status": {
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


class Known(Ways):
    """Ways of which the API server's answers are known."""

    def __init__(self, services: list[dict[str, Any]], pods: list[dict[str, Any]]) -> None:
        self._node = "node"
        self._range = ipaddress.ip_network("10.96.0.0/16")
        self._answers = {"/api/v1/services": services, "/api/v1/namespaces/team/pods": pods}
        self.asked: list[dict[str, str]] = []

    def _listed(self, path: str, **query: str) -> list[Any]:
        self.asked.append(query)
        return self._answers[path]


@pytest.mark.parametrize(("port", "target"), [(80, 8080), (443, 8443), (90, 90)])
def test_a_service_leads_to_a_pod_that_is_ready(port: int, target: int) -> None:
    gone = pod("127.1.0.4", deletionTimestamp="2026-01-01T00:00:00Z")
    ways = Known([SERVICE], [pod("127.1.0.2", ready=False), pod("127.1.0.3"), gone])
    assert ways.of("10.96.0.7", port) == ("127.1.0.3", target)
    assert ways.asked == [
        {"fieldSelector": "spec.clusterIP=10.96.0.7"},
        {"labelSelector": "app=web", "fieldSelector": "spec.nodeName=node"},
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "example.com", "::1"])
def test_what_is_no_service_is_itself(host: str) -> None:
    assert Known([], []).of(host, 1) == (host, 1)


@pytest.mark.parametrize(
    ("services", "pods", "port", "said"),
    [
        ([], [], 80, "no Service has the address"),
        ([{**SERVICE, "spec": {"ports": [{"port": 80}]}}], [], 80, "selects no pods"),
        ([SERVICE], [], 81, "has no port 81"),
        ([SERVICE], [pod("127.1.0.2", ready=False)], 80, "has no pod that is ready"),
    ],
)
def test_what_leads_nowhere_is_said(
    services: list[dict[str, Any]], pods: list[dict[str, Any]], port: int, said: str
) -> None:
    with pytest.raises(NoWayError, match=said):
        Known(services, pods).of("10.96.0.7", port)


@contextlib.contextmanager
def serving(path: Path, ways: Ways) -> Iterator[socket.socket]:
    """A connection to one that serves."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    loop = asyncio.new_event_loop()
    task = loop.create_task(egress.serve(listener, ways))
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])))
    thread.start()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            yield client
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.close()


def received(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := client.recv(1 << 16)):
        data += more
    return data


def test_bytes_go_both_ways_and_ends_are_passed_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        with serving(tmp_path / "s", Known([], [])) as client:
            client.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            with there.accept()[0] as pod_end:
                head = b"HTTP/1.1 200 connected\r\n\r\n"
                assert received(client, len(head)) == head
                client.sendall(b"a" * 300_000)
                client.shutdown(socket.SHUT_WR)
                assert len(received(pod_end, 400_000)) == 300_000
                pod_end.sendall(b"answer")
            assert received(client, 100) == b"answer"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("GET / HTTP/1.1", b"HTTP/1.1 405 "),
        ("CONNECT nowhere HTTP/1.1", b"HTTP/1.1 405 "),
        ("CONNECT 10.96.0.7:80 HTTP/1.1", b"HTTP/1.1 502 no Service has the address 10.96.0.7"),
        ("CONNECT 127.0.0.1:1 HTTP/1.1", b"HTTP/1.1 502 127.0.0.1:1 does not answer"),
    ],
)
def test_what_cannot_be_connected_to_is_answered(tmp_path: Path, line: str, said: bytes) -> None:
    with serving(tmp_path / "s", Known([], [])) as client:
        client.sendall(f"{line}\r\n\r\n".encode())
        assert received(client, 1000).startswith(said)
