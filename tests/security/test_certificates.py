"""The certificates of a cluster: from its own CA, on P-256, for one use each."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from command_line import Sandkube

SIGNERS = {
    "ca": "ca",
    "front-proxy-ca": "front-proxy-ca",
    "apiserver": "ca",
    "apiserver-kubelet-client": "ca",
    "controller-manager": "ca",
    "scheduler": "ca",
    "admin": "ca",
    "front-proxy-client": "front-proxy-ca",
}
CLIENTS = sorted(set(SIGNERS) - {"ca", "front-proxy-ca", "apiserver"})


def load(sandkube: Sandkube, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((sandkube.folder().pki / f"{name}.crt").read_bytes())


def test_these_are_all(running: Sandkube) -> None:
    assert {path.stem for path in running.folder().pki.glob("*.crt")} == set(SIGNERS)
    assert {path.stem for path in running.folder().pki.glob("*.key")} == {*SIGNERS, "sa"}


@pytest.mark.parametrize("name", SIGNERS)
def test_who_signed_it(running: Sandkube, name: str) -> None:
    load(running, name).verify_directly_issued_by(load(running, SIGNERS[name]))


@pytest.mark.parametrize("name", [*SIGNERS, "sa"])
def test_keys_are_on_p256(running: Sandkube, name: str) -> None:
    key = load_pem_private_key((running.folder().pki / f"{name}.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    if name != "sa":
        assert load(running, name).public_key() == key.public_key()


@pytest.mark.parametrize("name", SIGNERS)
def test_it_holds_for_a_year_from_before_now_and_a_cas_for_ten(running: Sandkube, name: str) -> None:
    certificate = load(running, name)
    began, now = certificate.not_valid_before_utc, dt.datetime.now(dt.timezone.utc)
    assert dt.timedelta(minutes=59) < now - began < dt.timedelta(hours=3)
    days = 3650 if SIGNERS[name] == name else 365
    assert dt.timedelta(days=days - 1) < certificate.not_valid_after_utc - now <= dt.timedelta(days=days)


@pytest.mark.parametrize("name", SIGNERS)
def test_what_it_may_be_used_for(running: Sandkube, name: str) -> None:
    extensions = load(running, name).extensions
    is_ca = SIGNERS[name] == name
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value.ca == is_ca
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign == usage.value.crl_sign == is_ca
    if not is_ca:
        only = ExtendedKeyUsageOID.CLIENT_AUTH if name in CLIENTS else ExtendedKeyUsageOID.SERVER_AUTH
        assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [only]


def test_the_names_of_the_server(running: Sandkube) -> None:
    names = load(running, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    }
    addresses = names.get_values_for_type(x509.IPAddress)
    assert {*map(ipaddress.ip_address, ("127.0.0.1", "::1", "10.96.0.1"))} <= set(addresses)
    assert len(addresses) <= 4  # and the one that is told the cluster


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_has_no_name_to_serve_by(running: Sandkube, name: str) -> None:
    with pytest.raises(x509.ExtensionNotFound):
        load(running, name).extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_the_parts_have_the_rights_that_upstream_gives_them_and_no_more(running: Sandkube) -> None:
    for name, user in (
        ("controller-manager", "system:kube-controller-manager"),
        ("scheduler", "system:kube-scheduler"),
    ):
        subject = load(running, name).subject
        assert [one.value for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [user]
        assert not subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)


def test_no_two_clusters_have_a_key_in_common(running: Sandkube, sandkube: Sandkube) -> None:
    sandkube("up", "--dry-run")  # which makes them
    mine, theirs = running.folder().pki, sandkube.folder().pki
    for name in [*SIGNERS, "sa"]:
        assert (mine / f"{name}.key").read_bytes() != (theirs / f"{name}.key").read_bytes()
