"""What the API server asks of pods reaches them through their Service."""

from __future__ import annotations

import base64

import pytest

from node.conftest import Node, places, pod
from self_signed import self_signed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), places(0, 3)]

# What a pod serves: it refuses every object that it is asked about.
SERVER = """
import http.server, json, os, ssl

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = {"code": 403, "message": "refused by " + os.environ["NAME"]}
        asked["response"] = {"uid": asked.pop("request")["uid"], "allowed": False, "status": status}
        body = json.dumps(asked).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer((os.environ["ADDRESS"], 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def of_pod(name: str, field: str) -> dict[str, object]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}}


def webhook(service: str, authority: bytes) -> dict[str, object]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": service},
        "webhooks": [
            {
                "name": "hook.example.com",
                "clientConfig": {
                    "service": {"namespace": "default", "name": service},
                    "caBundle": base64.b64encode(authority).decode(),
                },
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["configmaps"],
                    }
                ],
                "objectSelector": {"matchLabels": {"hook": service}},
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "timeoutSeconds": 10,
            }
        ],
    }


def service(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 443, "targetPort": "https"}]},
    }


def asked_about(hook: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "asked", "labels": {"hook": hook}}}


def refused(node: Node, hook: str, said: str) -> None:
    """Make an object that the webhook is asked about, until it is refused with these words."""
    for _ in range(30):  # the webhook is known a moment after it was made
        done = node.create(asked_about(hook))
        if done.returncode != 0 and said in done.stderr:
            return
        node.kubectl("delete", "configmap", "asked", "--ignore-not-found")
    pytest.fail(f"{done.stdout}\n{done.stderr}")


def test_a_webhook_in_a_pod(node: Node) -> None:
    key, certificate = self_signed("hook", "hook.default.svc")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "tls"},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": certificate.decode(), "tls.key": key.decode()},
    }
    container = {
        "env": [of_pod("ADDRESS", "status.podIP"), of_pod("NAME", "metadata.name")],
        "ports": [{"name": "https", "containerPort": 8443}],
        "readinessProbe": {"tcpSocket": {"port": "https"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
    }
    volumes = [{"name": "tls", "secret": {"secretName": "tls"}}]
    node.apply(
        secret,
        service("hook"),
        pod("hook", "python3", "-c", SERVER, container=container, volumes=volumes),
    )
    node.wait("pod/hook", "condition=Ready")
    node.apply(webhook("hook", certificate))
    refused(node, "hook", "refused by hook")
    node.kubectl("delete", "pod", "hook", "--now")
    refused(node, "hook", "Service default/hook has no pod that is ready")
    node.kubectl("delete", "validatingwebhookconfiguration", "hook")
