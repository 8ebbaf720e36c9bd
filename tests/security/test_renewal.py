"""Certificates that end soon are renewed by `up`, and the CA stays; changing the key of service accounts."""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from command_line import Api, Sandkube, fresh, until
from sandkube.plane import pki

CAS = ("ca", "front-proxy-ca")
STAY = {f"{name}.{end}" for name in CAS for end in ("crt", "key")} | {"sa.key", "sa.pub"}
WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandkube, dict[str, bytes]]]:
    """A cluster whose certificates are 280 days old, prepared and not started; and what its pki held."""
    with fresh(tmp_path_factory.mktemp("s")) as made:
        made("up", "--durability=fast", "--dry-run")
        folder = made.folder().pki
        names = pki_names(folder)
        for path in folder.iterdir():
            path.unlink()
        pki.ensure(folder, names, dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=280))
        yield made, contents(folder)


@pytest.fixture(scope="module")
def renewed(old: tuple[Sandkube, dict[str, bytes]]) -> Sandkube:
    """The same, after `up`."""
    sandkube, _ = old
    said = sandkube("up").stderr
    assert "The certificates were renewed" in said
    return sandkube


def pki_names(folder: Path) -> list[str]:
    index = json.loads((folder / "pki.json").read_text())
    return list(index["certificates"]["apiserver"]["names"])


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".crt", ".key", ".pub")
    }


def test_up_renews_certificates_before_they_end(renewed: Sandkube) -> None:
    now = dt.datetime.now(dt.timezone.utc)
    for path in renewed.folder().pki.glob("*.crt"):
        ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
        assert ends - now > dt.timedelta(days=360), path


def test_the_cas_and_the_key_of_tokens_stay(
    old: tuple[Sandkube, dict[str, bytes]], renewed: Sandkube
) -> None:
    before, after = old[1], contents(renewed.folder().pki)
    assert {name for name in before if before[name] == after[name]} == STAY


def test_who_has_the_old_kubeconfig_is_let_in_still(
    old: tuple[Sandkube, dict[str, bytes]], renewed: Sandkube, tmp_path: Path
) -> None:
    """Its certificate is of the same CA, and is valid for some weeks more."""
    for name in ("admin.crt", "admin.key", "ca.crt"):
        (tmp_path / name).write_bytes(old[1][name])
    api = Api(renewed.status()["port"], tmp_path / "ca.crt", tmp_path)
    assert api("GET", "/api/v1/namespaces")[0] == 200
    assert renewed("kubectl", "get", "namespaces").stdout


def test_while_it_runs_up_says_when_they_end(renewed: Sandkube) -> None:
    index = renewed.folder().pki / "pki.json"
    kept = index.read_text()
    assert "certificates end" not in renewed("up").stderr
    soon = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=20)
    document = json.loads(kept)
    document["certificates"]["admin"]["until"] = soon.isoformat()
    index.write_text(json.dumps(document))
    try:
        said = renewed("up").stderr
        assert f"Its certificates end on {soon:%Y-%m-%d}" in said
        assert "sandkube down default && sandkube up default" in said
    finally:
        index.write_text(kept)


def token(sandkube: Sandkube) -> str:
    path = "/api/v1/namespaces/kube-system/serviceaccounts/default/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    status, answer = sandkube.api()("POST", path, body)
    assert status == 201, answer
    return str(answer["status"]["token"])


def who(sandkube: Sandkube, bearer: str) -> tuple[int, Any]:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    folder = sandkube.folder()
    api = Api(sandkube.status()["port"], folder.pki / "ca.crt", None, {"Authorization": f"Bearer {bearer}"})
    return api("POST", WHO_AM_I, review)


def test_the_key_of_service_accounts_can_be_changed_as_the_documents_say(renewed: Sandkube) -> None:
    """`down`, remove `pki/sa.key`, `up`: tokens of before are worth nothing, and all else stays."""
    before, given = contents(renewed.folder().pki), token(renewed)
    kubeconfig = renewed.folder().kubeconfig.read_bytes()
    assert who(renewed, given)[0] == 201
    renewed("down")
    (renewed.folder().pki / "sa.key").unlink()
    renewed("up")
    after = contents(renewed.folder().pki)
    assert {name for name in before if before[name] != after[name]} == {"sa.key", "sa.pub"}
    assert renewed.folder().kubeconfig.read_bytes() == kubeconfig
    assert who(renewed, given)[0] == 401
    assert who(renewed, token(renewed))[0] == 201


def test_everything_can_be_changed_as_the_documents_say(renewed: Sandkube, tmp_path: Path) -> None:
    """`down`, remove what is in `pki`, `up`: who held any of it is nobody, and believes nobody."""
    folder = renewed.folder().pki
    before, given = contents(folder), token(renewed)
    for name in ("admin.crt", "admin.key", "ca.crt"):
        (tmp_path / name).write_bytes(before[name])
    renewed("down")
    for path in folder.iterdir():
        path.unlink()
    renewed("up")
    after = contents(folder)
    assert [name for name in before if before[name] == after[name]] == []
    assert who(renewed, given)[0] == 401
    port = renewed.status()["port"]
    assert Api(port, folder / "ca.crt", tmp_path)("GET", "/api/v1/namespaces")[0] == 401
    with pytest.raises(ssl.SSLCertVerificationError):
        Api(port, tmp_path / "ca.crt", None)("GET", "/livez")
    published = "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"
    until(lambda: renewed.api()("GET", published)[1]["data"]["ca.crt"].encode() == after["ca.crt"])
