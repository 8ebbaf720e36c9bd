"""A request for a client certificate: approved and signed it works, and what must not be signed is not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integration.kubectl import Kubectl

Key = ec.EllipticCurvePrivateKey


def request(name: str, key: Key, user: str, group: str) -> str:
    """The manifest of a CertificateSigningRequest for ``user`` in ``group``."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, group),
            x509.NameAttribute(NameOID.COMMON_NAME, user),
        ]
    )
    signed = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    text = base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()
    return json.dumps(
        {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": name},
            "spec": {
                "request": text,
                "signerName": "kubernetes.io/kube-apiserver-client",
                "usages": ["client auth"],
                "expirationSeconds": 3600,
            },
        }
    )


def pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_an_approved_request_is_signed_and_the_certificate_works(
    kubectl: Kubectl, apply_globally: Callable[[str], str], tmp_path: Path
) -> None:
    name, key = kubectl.namespace, ec.generate_private_key(ec.SECP256R1())
    apply_globally(request(name, key, "jane", "developers"))
    assert "certificate" not in kubectl.get("csr", name).get("status", {})
    kubectl("certificate", "approve", name)
    kubectl.wait("jsonpath={.status.certificate}", f"csr/{name}")
    signed = kubectl.get("csr", name)["status"]["certificate"]

    certificate = x509.load_pem_x509_certificate(base64.b64decode(signed))
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert 3600 <= lifetime.total_seconds() <= 3600 + 300  # it begins five minutes early

    encoded = base64.b64encode(pem(key)).decode()
    jane = kubectl.signed_in(tmp_path, **{"client-certificate-data": signed, "client-key-data": encoded})
    user = json.loads(jane("auth", "whoami", "--output=json").stdout)["status"]["userInfo"]
    assert user["username"] == "jane"
    assert user["groups"] == ["developers", "system:authenticated"]
    assert "Forbidden" in jane.refused("get", "pods")


def test_a_denied_request_is_not_signed(kubectl: Kubectl, apply_globally: Callable[[str], str]) -> None:
    name = kubectl.namespace
    apply_globally(request(name, ec.generate_private_key(ec.SECP256R1()), "jane", "developers"))
    kubectl("certificate", "deny", name)
    kubectl.wait("condition=Denied", f"csr/{name}")
    assert "certificate" not in kubectl.get("csr", name)["status"]


def test_nobody_asks_for_a_certificate_of_the_masters(kubectl: Kubectl) -> None:
    masters = request(kubectl.namespace, ec.generate_private_key(ec.SECP256R1()), "jane", "system:masters")
    assert "system:masters" in kubectl.refused("create", "--filename=-", stdin=masters)


def test_what_signs_is_the_authority_of_the_cluster(
    kubectl: Kubectl, apply_globally: Callable[[str], str]
) -> None:
    name, key = kubectl.namespace, ec.generate_private_key(ec.SECP256R1())
    apply_globally(request(name, key, "jane", "developers"))
    kubectl("certificate", "approve", name)
    kubectl.wait("jsonpath={.status.certificate}", f"csr/{name}")
    signed = base64.b64decode(kubectl.get("csr", name)["status"]["certificate"])
    authority = kubectl.get("configmap", "kube-root-ca.crt")["data"]["ca.crt"].encode()
    x509.load_pem_x509_certificate(signed).verify_directly_issued_by(
        x509.load_pem_x509_certificate(authority)
    )
