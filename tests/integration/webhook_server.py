"""An admission webhook on https://127.0.0.1, as a developer runs one beside the control plane."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from self_signed import self_signed


@dataclass
class Webhook:
    """A server that answers reviews: `/validate` refuses what is named `bad-…`, `/mutate` adds a label."""

    port: int
    authority: str  # PEM
    reviewed: list[Any] = field(default_factory=list)

    def client_config(self, path: str) -> dict[str, str]:
        """What a webhook configuration says of where it is."""
        bundle = base64.b64encode(self.authority.encode()).decode()
        return {"url": f"https://127.0.0.1:{self.port}{path}", "caBundle": bundle}

    def answer(self, path: str, request: Any) -> dict[str, Any]:
        """The response to one request."""
        self.reviewed.append(request)
        response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
        if path == "/validate" and request["name"].startswith("bad-"):
            response |= {
                "allowed": False,
                "status": {"code": 403, "message": f"{request['name']} is no good name"},
            }
        if path == "/validate":
            response["warnings"] = ["looked at by a test"]
        if path == "/mutate":
            patch = [{"op": "add", "path": "/data", "value": {"added": "by a test"}}]
            response |= {
                "patchType": "JSONPatch",
                "patch": base64.b64encode(json.dumps(patch).encode()).decode(),
            }
        return response


def _certificate(folder: Path) -> str:
    """Make a self-signed certificate for 127.0.0.1 in ``folder``; its PEM."""
    private, certificate = self_signed("webhook")
    (folder / "webhook.pem").write_bytes(certificate + private)
    return certificate.decode()


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Webhook]:
    """Run a webhook until the block ends; its certificate is kept in ``folder``."""
    authority = _certificate(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = self.path.partition("?")[0]  # the API server adds how long it waits
            answer = {**review, "response": webhook.answer(path, review["request"])}
            del answer["request"]
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "webhook.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        webhook = Webhook(server.server_address[1], authority)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield webhook
        finally:
            server.shutdown()
            thread.join()
