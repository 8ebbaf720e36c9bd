"""The runtime's socket: each connection is one call, a line of JSON, and its answer.

The call is ``{"method": "RunPodSandbox", "request": {…}}``, the answer ``{"response": {…}}`` or ``{"error":
{"code": 5, "message": "…"}}``, by the names and codes of the CRI (messages as protobuf's JSON, with the
fields' own names). The server binary translates: it speaks gRPC with the kubelet.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandkube.runtime import wire
from sandkube.runtime.errors import CallError, Code
from sandkube.runtime.wire import Wire

Method = Callable[[dict[str, Any]], dict[str, Any]]
_log = logging.getLogger(__name__)


class Service:
    """Serves methods at a socket that is its owner's alone."""

    def __init__(self, path: Path, methods: Mapping[str, Method]) -> None:
        self._methods = methods
        path.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._listener = wire.listen(folder, path.name)
        finally:
            os.close(folder)
        self._listener.listen(256)

    def serve(self) -> None:
        """Serve, for ever."""
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._served, args=(connection,), daemon=True).start()

    def _served(self, connection: socket.socket) -> None:
        call = Wire(connection)
        with contextlib.suppress(OSError), contextlib.closing(call):
            try:
                message = call.receive()
                if message is not None:
                    call.send({"response": self._answer(message)})
            except CallError as error:
                call.send({"error": {"code": int(error.code), "message": str(error)}})
            except Exception as error:  # noqa: BLE001 -- the kubelet hears of it
                _log.exception("a call failed")
                said = f"{type(error).__name__}: {error}"
                call.send({"error": {"code": int(Code.INTERNAL), "message": said}})

    def _answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        method = self._methods.get(message["method"])
        if method is None:
            raise CallError(Code.UNIMPLEMENTED, f"this runtime has no {message['method']}")
        return method(message.get("request") or {})
