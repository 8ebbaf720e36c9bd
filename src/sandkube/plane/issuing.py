"""Making keys and certificates, with `cryptography`. Loaded only when there is something to make."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandkube.errors import StateCorrupt
from sandkube.plane import pki
from sandkube.plane.files import write_private


def new_key() -> ec.EllipticCurvePrivateKey:
    """Draw a key on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The private key as PKCS #8, not encrypted: the file's mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key of ``key``, as PEM."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in ``path``; StateCorrupt where there is none in it."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise _corrupt(path) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _corrupt(path)
    return key


def issue(
    folder: Path, subject: pki.Subject, names: Sequence[str], *, since: dt.datetime, until: dt.datetime
) -> None:
    """Write the certificate of ``subject`` and, where it has none, its key. A CA keeps the key it has."""
    is_ca = subject.signer is None
    key_path = pki.key(folder, subject.name)
    if is_ca and pki.holds_pem(key_path):
        key = load_key(key_path)
    else:
        key = new_key()
        write_private(key_path, key_pem(key), sync=False)
    if subject.signer is None:
        issuer, signing_key = _name(subject), key
    else:
        issuer = _load_certificate(pki.certificate(folder, subject.signer)).subject
        signing_key = load_key(pki.key(folder, subject.signer))
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(_usage(is_ca=is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False
        )
    )
    if not is_ca:
        use = ExtendedKeyUsageOID.SERVER_AUTH if subject.server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(n) for n in names]), critical=False
        )
    signed = builder.sign(signing_key, hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    write_private(pki.certificate(folder, subject.name), pem, sync=False)


def _name(subject: pki.Subject) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name)]
    if subject.organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.organization))
    return x509.Name(parts)


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise _corrupt(path) from error


def _corrupt(path: Path) -> StateCorrupt:
    name = path.parent.parent.name
    return StateCorrupt(
        f"{path} holds no key or certificate of ours.",
        hint=f"remove the cluster with all its objects, and begin anew: sandkube delete {name}",
    )
