"""One request to an API server, and its answer."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sandkube.errors import ApiFailed

if TYPE_CHECKING:
    from typing_extensions import Self

# httpx2 takes long to load: whoever starts a server first has it loaded meanwhile.

JSON, YAML, APPLY = "application/json", "application/yaml", "application/apply-patch+yaml"
# RFC 9111, 5.5 (obsolete, and used by Kubernetes, KEP-1693): code, agent and quoted text
_WARNING = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
_AGENT = "sandkube"
_SECONDS = 60.0
# More at once would only queue in the server.
_CONNECTIONS = 32
_TRIES = 10


@dataclass(frozen=True)
class Answer:
    """What the server answered: the HTTP status, the body, and the texts of its `Warning` headers."""

    code: int
    body: bytes
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it did what was asked for."""
        return HTTPStatus.OK <= self.code < HTTPStatus.MULTIPLE_CHOICES

    @cached_property
    def value(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Client:
    """A pool of connections to one API server; threads may share it.

    ``url`` is where it is, ``context`` holds its authority and our certificate. ``socket`` is the path of
    a unix socket instead, behind which somebody (kubectl's proxy) knows how to get there.
    """

    def __init__(self, url: str, *, context: ssl.SSLContext | None = None, socket: str | None = None) -> None:
        import httpx2

        self.url = url
        limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        transport = httpx2.HTTPTransport(
            verify=context if context is not None else True, uds=socket, limits=limits, trust_env=False
        )
        self._http = httpx2.Client(
            base_url=url,
            transport=transport,
            headers={"User-Agent": _AGENT},
            timeout=httpx2.Timeout(_SECONDS),
            trust_env=False,  # a proxy knows no way to this host's loopback
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Answer:
        """Ask, and again where the server asks for that (429 with Retry-After), as client-go does.

        ApiFailed where nothing that answers is there, or it does not answer in a minute.
        """
        import httpx2

        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        for _ in range(_TRIES):
            try:
                answer = self._http.request(method, path, params=query, content=body, headers=headers)
            except httpx2.HTTPError as error:
                raise ApiFailed(f"The API server at {self.url} does not answer: {_said(error)}.") from error
            after = answer.headers.get("Retry-After", "")
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS or not after.isdecimal():
                break
            time.sleep(int(after))
        return Answer(answer.status_code, answer.content, _warnings(answer.headers.get_list("warning")))

    def get(self, path: str, *, query: Mapping[str, str] | None = None, accept: str = JSON) -> Any:
        """What is at ``path``, as JSON; None where there is nothing. ApiFailed for all other refusals."""
        answer = self.send("GET", path, query=query, accept=accept)
        if answer.code == HTTPStatus.NOT_FOUND:
            return None
        if not answer.ok:
            told = answer.value.get("message") if isinstance(answer.value, dict) else None
            said = told or answer.body[:200].decode(errors="replace")
            raise ApiFailed(f"The API server at {self.url} refuses {path}: {said}")
        return answer.value

    @contextmanager
    def lines(self, path: str, *, query: Mapping[str, str], seconds: float) -> Iterator[Iterator[str]]:
        """The lines of an answer that goes on, as they come, for so long between two. For watches."""
        import httpx2

        with self._http.stream(
            "GET", path, params=query, timeout=httpx2.Timeout(_SECONDS, read=seconds)
        ) as answer:
            yield answer.iter_lines()


def _warnings(headers: list[str]) -> tuple[str, ...]:
    quoted = [text for header in headers for text in _WARNING.findall(header)]
    return tuple(dict.fromkeys(re.sub(r"\\(.)", r"\1", text) for text in quoted))


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
