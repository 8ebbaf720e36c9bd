"""Whether the API server of k3s can be used, asked over HTTPS with the kubeconfig that k3s wrote."""

from __future__ import annotations

import base64
import contextlib
import http.client
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from sandkube import kubeconfig
from sandkube.plane.files import write_private

# Everything that a first pod needs is there: the API server says that it is ready, and its controllers have
# made the service account.
_NEEDED: Final = ("/readyz", "/api/v1/namespaces/default/serviceaccounts/default")
_POLL_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Written:
    """What the kubeconfig of k3s holds: where the API server is, and the administrator's PEM files."""

    server: str
    authority: bytes
    certificate: bytes
    key: bytes

    @classmethod
    def read(cls, path: Path) -> Written:
        """Raises OSError, ValueError or KeyError while the file is not there or not whole."""
        import yaml

        try:
            document = yaml.safe_load(path.read_bytes())
            cluster = document["clusters"][0]["cluster"]
            user = document["users"][0]["user"]
        except (yaml.YAMLError, TypeError, IndexError) as error:
            raise ValueError(f"{path} is no kubeconfig: {error}") from error

        def pem(holder: dict[str, Any], name: str) -> bytes:
            return base64.b64decode(str(holder[name]), validate=True)

        return cls(
            cluster["server"],
            pem(cluster, "certificate-authority-data"),
            pem(user, "client-certificate-data"),
            pem(user, "client-key-data"),
        )


def await_usable(written: Path, ended: Callable[[], bool]) -> None:
    """Wait until the API server can be used for a first pod, or ``ended`` says that there is no point."""
    missing = list(_NEEDED)
    while missing and not ended():
        with contextlib.suppress(OSError, ValueError, KeyError, http.client.HTTPException):
            access = Written.read(written)
            context = _context(access, written.parent)
            while missing and not ended() and _answers(access, context, missing[0]):
                missing.pop(0)
        if missing:
            time.sleep(_POLL_SECONDS)


def write_kubeconfig(written: Path, path: Path, name: str) -> None:
    """Write to ``path`` what k3s wrote, under the names that sandkube gives cluster, context and user."""
    access = Written.read(written)
    text = kubeconfig.render(
        kubeconfig.Access(name, access.server, access.authority, access.certificate, access.key)
    )
    write_private(path, text, sync=False)


def _context(access: Written, folder: Path) -> ssl.SSLContext:
    """Needs a file for a moment, which is the owner's alone, in ``folder``."""
    context = ssl.create_default_context(cadata=access.authority.decode())
    with tempfile.NamedTemporaryFile(prefix=".client-", suffix=".pem", dir=folder) as file:
        file.write(access.certificate + b"\n" + access.key)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _answers(access: Written, context: ssl.SSLContext, path: str) -> bool:
    where = urlsplit(access.server)
    connection = http.client.HTTPSConnection(
        where.hostname or "", where.port, context=context, timeout=_ANSWER_SECONDS
    )
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    finally:
        connection.close()
