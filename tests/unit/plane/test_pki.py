from __future__ import annotations

import datetime as dt
import ipaddress
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandkube.errors import StateCorrupt
from sandkube.plane import pki

NOW = dt.datetime(2026, 11, 24, 9, 45, tzinfo=dt.timezone.utc)
NAMES = pki.apiserver_names("10.96.0.1", "192.0.2.7")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki.ensure(tmp_path, NAMES, NOW)
    return tmp_path


def load(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.certificate(folder, name).read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_certificate_is_signed_by_its_ca(folder: Path) -> None:
    for subject in pki.SUBJECTS:
        load(folder, subject.name).verify_directly_issued_by(load(folder, subject.signer or subject.name))


def test_the_two_cas_are_strangers(folder: Path) -> None:
    with pytest.raises(ValueError, match="Issuer"):
        load(folder, pki.FRONT_PROXY_CLIENT).verify_directly_issued_by(load(folder, pki.CA))


def test_certificates_are_ecdsa_backdated_and_valid_for_a_year_those_of_cas_for_ten(folder: Path) -> None:
    for subject in pki.SUBJECTS:
        certificate = load(folder, subject.name)
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
        assert certificate.not_valid_before_utc == NOW - dt.timedelta(hours=1)
        days = 365 if subject.signer else 3650
        assert certificate.not_valid_after_utc == NOW + dt.timedelta(days=days)


def test_only_cas_sign_and_each_use_is_one(folder: Path) -> None:
    for subject in pki.SUBJECTS:
        extensions = load(folder, subject.name).extensions
        assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is (subject.signer is None)
        if subject.signer:
            uses = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            expected = x509.oid.ExtendedKeyUsageOID
            assert list(uses) == [expected.SERVER_AUTH if subject.server else expected.CLIENT_AUTH]


def test_the_api_server_is_known_by_all_its_names(folder: Path) -> None:
    names = load(folder, pki.APISERVER).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = [ipaddress.ip_address(text) for text in ("127.0.0.1", "::1", "10.96.0.1", "192.0.2.7")]
    assert names.get_values_for_type(x509.IPAddress) == addresses
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert "kubernetes.default.svc.cluster.local" in names.get_values_for_type(x509.DNSName)


def test_who_they_are_for(folder: Path) -> None:
    def name(of: str) -> str:
        return load(folder, of).subject.rfc4514_string()

    assert name(pki.ADMIN) == "CN=sandkube-admin,O=system:masters"
    assert name(pki.CONTROLLER_MANAGER) == "CN=system:kube-controller-manager"
    assert name(pki.SCHEDULER) == "CN=system:kube-scheduler"


def test_the_public_key_belongs_to_the_service_account_key(folder: Path) -> None:
    key = serialization.load_pem_private_key(pki.key(folder, pki.SERVICE_ACCOUNTS).read_bytes(), None)
    public = serialization.load_pem_public_key(pki.public_key(folder).read_bytes())
    assert key.public_key() == public


def test_all_files_are_private(folder: Path) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_nothing_is_made_twice(folder: Path) -> None:
    before = contents(folder)
    assert pki.ensure(folder, NAMES, NOW + dt.timedelta(days=274)) == []
    assert contents(folder) == before


def test_two_clusters_share_no_key(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    pki.ensure(other, NAMES, NOW)
    mine, theirs = contents(folder), contents(other)
    assert [name for name in mine if name != "pki.json" and mine[name] == theirs[name]] == []


CAS = [subject.name for subject in pki.SUBJECTS if subject.signer is None]


def test_the_last_90_days_renew_what_the_cas_signed_and_not_the_cas(folder: Path) -> None:
    before = contents(folder)
    later = NOW + dt.timedelta(days=276)
    assert pki.ensure(folder, NAMES, later) == [s.name for s in pki.SUBJECTS if s.name not in CAS]
    after = contents(folder)
    kept = {f"{name}.{end}" for name in CAS for end in ("crt", "key")} | {"sa.key", "sa.pub"}
    assert {name for name in before if before[name] == after[name]} == kept
    assert pki.ensure(folder, NAMES, later) == []


def test_no_certificate_outlives_its_ca(folder: Path) -> None:
    for year in range(1, 15):
        pki.ensure(folder, NAMES, NOW + dt.timedelta(days=300 * year))
        for subject in pki.SUBJECTS:
            signer = load(folder, subject.signer or subject.name)
            assert load(folder, subject.name).not_valid_after_utc <= signer.not_valid_after_utc


def test_when_the_first_of_them_ends(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert pki.ends(folder) == NOW + dt.timedelta(days=365)
    assert pki.ends(tmp_path_factory.mktemp("none")) is None


def test_a_cas_last_year_renews_all_and_keeps_the_keys_that_were_given_out(folder: Path) -> None:
    before = contents(folder)
    later = NOW + dt.timedelta(days=3300)
    assert pki.ensure(folder, NAMES, later) == [subject.name for subject in pki.SUBJECTS]
    after = contents(folder)
    kept = {"ca.key", "front-proxy-ca.key", "sa.key", "sa.pub"}
    assert {name for name in before if before[name] == after[name]} == kept
    # A kubeconfig from before still trusts the new server: the CA's key is the same.
    old_ca = x509.load_pem_x509_certificate(before["ca.crt"])
    load(folder, pki.APISERVER).verify_directly_issued_by(old_ca)


def test_a_new_address_renews_the_servers_certificate_alone(folder: Path) -> None:
    names = pki.apiserver_names("10.96.0.1", "192.0.2.8")
    assert pki.ensure(folder, names, NOW) == [pki.APISERVER]


def test_fewer_names_renew_nothing(folder: Path) -> None:
    assert pki.ensure(folder, pki.apiserver_names("10.96.0.1", None), NOW) == []


def test_what_is_missing_is_made(folder: Path) -> None:
    pki.certificate(folder, pki.SCHEDULER).unlink()
    assert pki.ensure(folder, NAMES, NOW) == [pki.SCHEDULER]
    pki.public_key(folder).unlink()
    pki.ensure(folder, NAMES, NOW)
    assert pki.public_key(folder).exists()


def test_a_new_ca_renews_what_it_signs(folder: Path) -> None:
    pki.certificate(folder, pki.FRONT_PROXY_CA).unlink()
    assert pki.ensure(folder, NAMES, NOW) == [pki.FRONT_PROXY_CA, pki.FRONT_PROXY_CLIENT]


def test_a_key_that_is_none_is_named(folder: Path) -> None:
    pki.key(folder, pki.CA).write_text("-----BEGIN PRIVATE KEY-----\nno key\n-----END PRIVATE KEY-----\n")
    pki.certificate(folder, pki.ADMIN).unlink()
    with pytest.raises(StateCorrupt, match=r"ca\.key"):
        pki.ensure(folder, NAMES, NOW)
