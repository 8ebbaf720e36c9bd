"""Asking an API server over one connection that is kept, and waiting from outside until it is Ready."""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measuring.report import CannotMeasureError
from sandkube.plane import pki

POLL_SECONDS = 0.01
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Access:
    """Where an API server is, and the administrator's certificate."""

    port: int
    pki: Path

    @property
    def ca(self) -> Path:
        """What its certificate is checked by."""
        return pki.certificate(self.pki, pki.CA)

    @property
    def certificate(self) -> Path:
        """The administrator's certificate."""
        return pki.certificate(self.pki, pki.ADMIN)

    @property
    def key(self) -> Path:
        """Its key."""
        return pki.key(self.pki, pki.ADMIN)

    def client(self) -> Client:
        """A client with a connection of its own."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.load_cert_chain(self.certificate, self.key)
        return Client(http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=10))


class Client:
    """One connection, made again when it was lost."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._connection = connection

    def status(self, path: str) -> int | None:
        """The status of the answer to a GET; None where there was no answer."""
        try:
            return self._ask("GET", path)[0]
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None

    def text(self, path: str) -> str:
        """The body of the answer to a GET. CannotMeasureError where it is no 200."""
        try:
            status, body = self._ask("GET", path)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise CannotMeasureError(f"{path} was not answered: {error}") from error
        if status != http.client.OK:
            raise CannotMeasureError(f"{path} was answered with {status}: {body[:200]!r}")
        return body.decode("utf-8", "replace")

    def create(self, path: str, body: str) -> int | None:
        """The status of the answer to a POST of JSON; None where there was no answer."""
        try:
            return self._ask("POST", path, body)[0]
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._connection.close()

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        self._connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = self._connection.getresponse()
        return response.status, response.read()


@dataclass(frozen=True, slots=True)
class Reached:
    """Seconds from exec of the first process: to the first 200 of /readyz, to Ready, and to usable.

    The last two are None where there are no controllers to wait for.
    """

    readyz: float
    ready: float | None = None
    usable: float | None = None


def wait_ready(
    access: Access, begun: float, check: Callable[[], None], *, controllers: bool = True
) -> Reached:
    """Poll every 10 ms until all is reached; ``begun`` is of `time.perf_counter`.

    The same for every side. Ready: /readyz, then the service account `default`, then `kube-root-ca.crt`. A
    data folder that was served before holds the last two, so they say little about its controllers; hence
    usable: a namespace made after that has both of its own. ``check`` raises where a process has ended.
    CannotMeasureError after two minutes.
    """
    client = access.client()

    def reach(condition: Callable[[], bool], what: str) -> float:
        while not condition():
            check()
            if time.perf_counter() - begun > PATIENCE:
                raise CannotMeasureError(f"{what} was not there within {PATIENCE:.0f} s")
            time.sleep(POLL_SECONDS)
        return time.perf_counter() - begun

    def answered(path: str) -> Callable[[], bool]:
        return lambda: client.status(path) == http.client.OK

    try:
        readyz = reach(answered("/readyz"), "/readyz")
        if not controllers:
            return Reached(readyz)
        ready = max(reach(answered(path), path) for path in _needed("default"))
        name = f"probe-{time.time_ns()}"
        body = f'{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}"}}}}'
        reach(lambda: client.create("/api/v1/namespaces", body) == http.client.CREATED, "a namespace")
        usable = max(reach(answered(path), path) for path in _needed(name))
        return Reached(readyz, ready, usable)
    finally:
        client.close()


def _needed(namespace: str) -> tuple[str, str]:
    """Without these two no pod can be made in a namespace; upstream's own tests wait for both."""
    at = f"/api/v1/namespaces/{namespace}"
    return f"{at}/serviceaccounts/default", f"{at}/configmaps/kube-root-ca.crt"


def metric(text: str, name: str) -> float:
    """The sum of a metric over its labels, in what /metrics answers; nan where it is not there."""
    values = re.findall(rf"^{re.escape(name)}(?:\{{[^\n]*\}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, values)) if values else float("nan")
