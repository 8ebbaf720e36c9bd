"""Waiting for a node to be Ready, with no more than Python's own library: `up` waits for it."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote, urlsplit

from sandkube.plane import pki
from sandkube.plane.folder import ClusterFolder

_PAUSE: Final = 0.1  # between attempts, while the API server is not there yet
_SILENCE: Final = 1.0  # seconds without news, after which is looked whether anybody works on it


def is_ready(cluster: ClusterFolder, url: str, name: str, deadline: float, going: Callable[[], bool]) -> bool:
    """Wait until the node ``name`` is Ready; False at ``deadline`` (`time.monotonic`), or not ``going``."""
    context = ssl.create_default_context(cafile=str(pki.certificate(cluster.pki, pki.CA)))
    context.load_cert_chain(pki.certificate(cluster.pki, pki.ADMIN), pki.key(cluster.pki, pki.ADMIN))
    while time.monotonic() < deadline and going():
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            for node in _watched(context, url, name):
                if _says_ready(node):
                    return True
        time.sleep(_PAUSE)
    return False


def _watched(context: ssl.SSLContext, url: str, name: str) -> Iterator[dict[str, Any]]:
    """The node as it is and as it becomes, until a second passes without news."""
    place = urlsplit(url)
    connection = http.client.HTTPSConnection(
        place.hostname or "", place.port, context=context, timeout=_SILENCE
    )
    try:
        connection.request("GET", f"/api/v1/nodes?watch=1&fieldSelector=metadata.name%3D{quote(name)}")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            return
        while line := answer.readline():
            found = json.loads(line).get("object")
            if isinstance(found, dict):
                yield found
    finally:
        connection.close()


def _says_ready(node: dict[str, Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
