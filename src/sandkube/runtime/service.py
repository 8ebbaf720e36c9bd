"""The runtime's socket: each connection is one call, a line of JSON, and its answer.

The call is ``{"method": "RunPodSandbox", "request": {…}}``, the answer ``{"response": {…}}`` or ``{"error":
{"code": 5, "message": "…"}}``, by the names and codes of the CRI (messages as protobuf's JSON, with the
fields' own names). Calls whose answer is a stream get a line for each part of it. The server binary
translates: it speaks gRPC with the kubelet.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandkube.runtime.errors import CallError, Code
from sandkube.runtime.wire import Wire

Method = Callable[[dict[str, Any]], dict[str, Any] | Iterator[dict[str, Any]]]
_log = logging.getLogger(__name__)


class Service:
    """Serves methods at a socket that listens already: who calls between two runtimes waits for the next."""

    def __init__(self, listener: socket.socket, methods: Mapping[str, Method]) -> None:
        self._listener, self._methods = listener, methods

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
                for answer in self._answers(message) if message is not None else ():
                    call.send({"response": answer})
            except CallError as error:
                call.send({"error": {"code": int(error.code), "message": str(error)}})
            except Exception as error:  # noqa: BLE001 -- the kubelet hears of it
                _log.exception("a call failed")
                said = f"{type(error).__name__}: {error}"
                call.send({"error": {"code": int(Code.INTERNAL), "message": said}})

    def _answers(self, message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        method = self._methods.get(message["method"])
        if method is None:
            raise CallError(Code.UNIMPLEMENTED, f"this runtime has no {message['method']}")
        answer = method(message.get("request") or {})
        return iter((answer,)) if isinstance(answer, dict) else answer
