"""Watching what an API server holds."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from sandkube.kube.client import Client


def watch(
    client: Client, path: str, *, seconds: float, query: Mapping[str, str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is at ``path`` and becomes of it, for so many seconds: the type of each event, and the object.

    It ends early where the connection does.
    """
    import httpx2

    asked = {"watch": "1", "timeoutSeconds": str(max(1, math.ceil(seconds))), **(query or {})}
    with (
        contextlib.suppress(httpx2.HTTPError, httpx2.StreamError, ValueError),
        client.lines(path, query=asked, seconds=seconds) as lines,
    ):
        for line in lines:
            if not line:
                continue
            event = json.loads(line)
            if not isinstance(event, dict) or "object" not in event:
                return
            yield event["type"], event["object"]
