"""What goes wrong when a file is asked for over HTTP, told apart by what can be done about it.

1. The server has no such file: Missing. What that means, whoever asked knows.
2. It passes: Passing. A server that is overloaded or restarting (408, 425, 429, 500, 502, 503, 504), a
   connection that is refused or breaks, a body that ends early, silence, a name that cannot be resolved just
   now. Another try may do.
3. It stays: K3sInstallFailed. Every other status, a certificate that is not trusted, an unknown name.
"""

# ruff: noqa: N818 -- an error's name says what is the matter

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar
from urllib.error import HTTPError, URLError

from sandkube.errors import K3sInstallFailed, SandkubeError

__all__ = ["SLOW", "Missing", "Passing", "told_apart"]

SLOW = "a slow server may be given more time: --timeout SECONDS"
_NO_WAY = "is there a way to it? A proxy: HTTPS_PROXY. None at all: bring the files along, --from FOLDER"
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

_T = TypeVar("_T")


class Missing(Exception):
    """The server has no such file."""


class Passing(Exception):
    """Something that another try may get over; ``pause`` is what the server asks for, in seconds."""

    def __init__(self, reason: str, *, pause: float | None = None, hint: str | None = None) -> None:
        super().__init__(reason)
        self.pause = pause
        self.hint = hint


def told_apart(url: str, attempt: Callable[[], _T]) -> _T:
    """Give what ``attempt`` gives; raise what urllib raises as Missing, Passing or a SandkubeError."""
    try:
        return attempt()
    except HTTPError as error:
        error.close()
        raise _of_status(error, url) from error
    except URLError as error:
        reason = error.reason
        raise _of_network(reason if isinstance(reason, Exception) else OSError(reason), url) from error
    except (http.client.InvalidURL, ValueError) as error:  # also of what a redirect names
        raise K3sInstallFailed(f"{url} could not be fetched: {error}.") from error
    except (http.client.HTTPException, OSError) as error:
        raise _of_network(error, url) from error


def _of_status(error: HTTPError, url: str) -> Exception:
    status = f"the server says {error.code} {error.reason}".rstrip()
    if error.code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return Missing(url)
    if error.code in _PASSING:
        return Passing(status, pause=_asked_pause(error.headers.get("Retry-After")))
    hint = None
    if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        hint = "credentials may stand in the address: --from https://USER:PASSWORD@host/…"
    return K3sInstallFailed(f"{url} could not be fetched: {status}.", hint=hint)


def _of_network(error: Exception, url: str) -> Passing | SandkubeError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return K3sInstallFailed(
            f"{url} could not be fetched: its certificate is not trusted ({error.verify_message}).",
            hint="name the certificates of your authority: export SSL_CERT_FILE=/some/file.pem",
        )
    if isinstance(error, socket.gaierror):
        return _of_name(error, url)
    if isinstance(error, TimeoutError):
        return Passing("the server was silent for too long", hint=SLOW)
    if isinstance(error, http.client.IncompleteRead):
        return Passing("the connection ended early")
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Passing(words, hint=_NO_WAY)


def _of_name(error: socket.gaierror, url: str) -> Passing | SandkubeError:
    words = f"the name of its host cannot be resolved ({error.strerror})"
    if error.errno == socket.EAI_AGAIN:
        return Passing(words, hint=_NO_WAY)
    return K3sInstallFailed(f"{url} could not be fetched: {words}.", hint=_NO_WAY)


def _asked_pause(text: str | None) -> float | None:
    """Read Retry-After (RFC 9110) in seconds; its other form, a date, is passed over."""
    return float(text) if text is not None and text.isdecimal() else None
