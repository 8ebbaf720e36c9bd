"""Opening addresses: which are allowed, by which proxy, with which credentials, where redirects may lead.

urllib does it, since none of our dependencies speaks HTTP, and one that does (5 MB and more) would be
installed for this command alone. It knows HTTPS_PROXY, HTTP_PROXY and NO_PROXY; `ssl` checks certificates,
and knows SSL_CERT_FILE. What it lacks is here:

1. Plain HTTP is refused but for loopback: the checksum comes the same way as the binary, so whoever can
   change one can change both. `insecure_http` allows it.
2. A redirect is held to the same rule, and never leads from HTTPS to HTTP.
3. Loopback is never asked of a proxy: the rule above would mean nothing there.
4. Credentials in the address (`https://user:password@host/…`) are sent to what lies below it alone, without
   being asked for, and are in no message.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import re
import ssl
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, cast
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from sandkube.errors import UsageError

__all__ = ["Address", "Redirected", "Transport", "is_loopback"]

_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_IN_PATHS = "/%:@!$&'()*+,;=~"  # RFC 3986; what is escaped already stays so


@dataclass(frozen=True, slots=True)
class Address:
    """Where files lie: a URL without credentials, and those, as `user:password`."""

    url: str
    credentials: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Take the credentials out of a URL; UsageError where it is none of HTTP."""
        shown = re.sub("//[^/]*@", "//", text)
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"`{shown}` is no address: {error}.") from error
        if parts.scheme not in {"http", "https"} or not host:
            raise UsageError(
                f"`{shown}` is no address that k3s can be fetched from.",
                hint="it begins with https://; a folder on this machine is named by its path",
            )
        if parts.query or parts.fragment:
            raise UsageError(
                f"`{shown}` is no address that the names of files can be put after: it has a `?` or `#`."
            )
        place = f"[{host}]" if ":" in host else host
        place = place if port is None else f"{place}:{port}"
        path = quote(parts.path.rstrip("/"), safe=_IN_PATHS)
        url = urlunsplit((parts.scheme, place, path, "", ""))
        if parts.username is None:
            return cls(url)
        return cls(url, f"{unquote(parts.username)}:{unquote(parts.password or '')}")


@dataclass(frozen=True, slots=True)
class Redirected:
    """An answer that names another place."""

    location: str


class Transport:
    """Opens what lies below ``address``; ``seconds`` is how long a server may be silent."""

    def __init__(self, address: Address, *, insecure_http: bool, seconds: float) -> None:
        self._insecure_http = insecure_http
        self._seconds = seconds
        check(address.url, insecure_http=insecure_http)
        self._handlers: tuple[urllib.request.BaseHandler, ...] = (
            _Proxies(),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
            _Credentials(address),
        )
        self._opener = urllib.request.build_opener(*self._handlers, _Redirects(insecure_http=insecure_http))

    def open(self, url: str, *, method: str = "GET") -> http.client.HTTPResponse:
        """Give the answer, having followed redirects; to be closed. Raises what urllib raises."""
        check(url, insecure_http=self._insecure_http)
        answer = self._opener.open(_request(url, method), timeout=self._seconds)
        return cast("http.client.HTTPResponse", answer)

    def look(self, url: str, came_from: str) -> http.client.HTTPResponse | Redirected:
        """Give the answer, or where it leads, without going there; ``came_from`` is what led to it."""
        check_redirect(came_from, url, insecure_http=self._insecure_http)
        opener = urllib.request.build_opener(*self._handlers, _NoRedirects())
        try:
            answer = opener.open(_request(url, "GET"), timeout=self._seconds)
        except HTTPError as error:
            location = error.headers.get("Location")
            if error.code not in _REDIRECTS or not location:
                raise
            error.close()
            return Redirected(urljoin(url, location))
        return cast("http.client.HTTPResponse", answer)


def check(url: str, *, insecure_http: bool) -> None:
    """Raise UsageError for an address that nothing may be fetched from."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (
        parts.scheme == "http" and (insecure_http or is_loopback(parts.hostname or ""))
    ):
        return
    if parts.scheme == "http":
        raise UsageError(
            f"`{url}` is plain HTTP: whoever is on the way can replace k3s and its checksum.",
            hint="use https://, or allow it: --insecure-http",
        )
    raise UsageError(f"`{url}` is no address that k3s can be fetched from: it is neither https nor http.")


def check_redirect(old: str, new: str, *, insecure_http: bool) -> None:
    """Raise UsageError where ``old`` leads to what nothing may be fetched from, or out of HTTPS."""
    check(new, insecure_http=insecure_http)
    if urlsplit(old).scheme == "https" and urlsplit(new).scheme == "http" and not insecure_http:
        raise UsageError(
            f"`{old}` leads from HTTPS to plain HTTP, at {new}.",
            hint="use another mirror, or allow it: --insecure-http",
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _request(url: str, method: str) -> urllib.request.Request:
    return urllib.request.Request(  # noqa: S310 -- `check` has seen the scheme
        url, method=method, headers={"User-Agent": "sandkube"}
    )


class _Credentials(urllib.request.BaseHandler):
    """Puts the credentials of an address to requests for what lies below it."""

    def __init__(self, address: Address) -> None:
        self._below = f"{address.url}/"
        self._header = None
        if address.credentials is not None:
            self._header = f"Basic {base64.b64encode(address.credentials.encode()).decode()}"

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        """Give the request, which urllib then sends; a redirect is a request of its own."""
        if self._header is not None and request.full_url.startswith(self._below):
            request.add_unredirected_header("Authorization", self._header)
        return request

    https_request = http_request


class _Proxies(urllib.request.ProxyHandler):
    """The proxies of the environment, but for loopback."""

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> Any:  # noqa: A002
        """Have ``req`` go by ``proxy``."""
        if is_loopback(urlsplit(f"//{req.host}").hostname or ""):
            return None
        scheme, separator, _ = proxy.partition("://")
        if separator and scheme.lower() not in {"http", "https"}:
            raise UsageError(
                f"The proxy for {type} is one of {scheme}, which is not understood.",
                hint="name an HTTP proxy: export HTTPS_PROXY=http://host:port",
            )
        return super().proxy_open(req, proxy, type)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to where a file may be fetched from."""

    def __init__(self, *, insecure_http: bool) -> None:
        self._insecure_http = insecure_http

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # Python 3.10 does not know it

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Give the request to ``newurl``."""
        try:
            check_redirect(req.full_url, newurl, insecure_http=self._insecure_http)
        except UsageError:
            fp.close()
            raise
        if code == HTTPStatus.PERMANENT_REDIRECT:
            code = HTTPStatus.TEMPORARY_REDIRECT  # the same to Python 3.10
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None:
            request.method = req.get_method()  # a HEAD stays one
        return request


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Makes an error of each redirect."""

    def redirect_request(self, *_: object) -> None:
        """Give no request: urllib then raises HTTPError."""
