"""Prints the manifests of the operator in this folder, for `kubectl apply -f -`."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GROUP, NAMESPACE, NAME = "example.sandkube.dev", "bookshelves", "operator"
OPERATOR = Path(__file__).resolve().with_name("bookshelves.py")


def certificate() -> tuple[str, str]:
    """A certificate for the Service's name that nobody signed but itself, and its key; both PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"{NAME}.{NAMESPACE}.svc")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(encoding).decode(), private.decode()


def thing(api: str, kind: str, name: str, namespace: str | None = NAMESPACE, **fields: Any) -> dict[str, Any]:
    """An object."""
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def definition() -> dict[str, Any]:
    """The kind Bookshelf."""
    spec = {"type": "object", "properties": {"books": {"type": "integer", "minimum": 0}}}
    kept = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": kept}}},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "Books", "type": "integer", "jsonPath": ".spec.books"}],
    }
    names = {"kind": "Bookshelf", "plural": "bookshelves", "singular": "bookshelf"}
    return thing(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"bookshelves.{GROUP}",
        None,
        spec={"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    )


def rights() -> list[dict[str, Any]]:
    """The operator's account, and what it may do."""
    rbac = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list", "watch", "patch", "update"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "update", "delete"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]},
        {
            "apiGroups": ["apiextensions.k8s.io"],
            "resources": ["customresourcedefinitions"],
            "verbs": ["list", "watch"],
        },
    ]
    return [
        thing("v1", "ServiceAccount", NAME),
        thing(f"{rbac}/v1", "ClusterRole", NAMESPACE, None, rules=rules),
        thing(
            f"{rbac}/v1",
            "ClusterRoleBinding",
            NAMESPACE,
            None,
            roleRef={"apiGroup": rbac, "kind": "ClusterRole", "name": NAMESPACE},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
        ),
    ]


def deployment() -> dict[str, Any]:
    """The operator as a pod whose command runs on this host's own files."""
    variables = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    if path := os.environ.get("PYTHONPATH"):
        variables.append({"name": "PYTHONPATH", "value": path})
    container = {
        "name": NAME,
        "image": "local/operator",
        "command": [sys.executable, "-m", "kopf", "run", "--all-namespaces", "--standalone", str(OPERATOR)],
        "args": ["--liveness=http://$(POD_IP):8080/healthz"],
        "env": variables,
        "ports": [{"name": "webhook", "containerPort": 8443}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 15},
        "readinessProbe": {"tcpSocket": {"port": "webhook"}, "periodSeconds": 1},
        "volumeMounts": [{"name": "tls", "mountPath": "/tls", "readOnly": True}],
    }
    labels = {"app": NAME}
    return thing(
        "apps/v1",
        "Deployment",
        NAME,
        spec={
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": NAME,
                    "containers": [container],
                    "volumes": [{"name": "tls", "secret": {"secretName": "webhook"}}],
                },
            },
        },
    )


def webhook(authority: str) -> dict[str, Any]:
    """What has the API server ask the operator."""
    rule = {"apiGroups": [GROUP], "apiVersions": ["v1"], "resources": ["bookshelves"]}
    return thing(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        NAMESPACE,
        None,
        webhooks=[
            {
                "name": f"bookshelves.{GROUP}",
                "clientConfig": {
                    "service": {"namespace": NAMESPACE, "name": NAME, "path": "/check"},
                    "caBundle": base64.b64encode(authority.encode()).decode(),
                },
                "rules": [{**rule, "operations": ["CREATE", "UPDATE"]}],
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "timeoutSeconds": 10,
            }
        ],
    )


def manifests() -> list[dict[str, Any]]:
    """All of it, in an order that works."""
    authority, key = certificate()
    secret = {"tls.crt": authority, "tls.key": key}
    return [
        thing("v1", "Namespace", NAMESPACE, None),
        definition(),
        *rights(),
        thing("v1", "Secret", "webhook", type="kubernetes.io/tls", stringData=secret),
        thing(
            "v1",
            "Service",
            NAME,
            spec={"selector": {"app": NAME}, "ports": [{"port": 443, "targetPort": "webhook"}]},
        ),
        deployment(),
        webhook(authority),
    ]


if __name__ == "__main__":
    json.dump({"apiVersion": "v1", "kind": "List", "items": manifests()}, sys.stdout, indent=1)
