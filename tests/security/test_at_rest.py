"""Secrets encrypted in the datastore: what is on the disk, and what is not."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from command_line import Sandkube, fresh

SECRETS = "/api/v1/namespaces/default/secrets"
SECRETBOX = b"k8s:enc:secretbox:v1:sandkube:"


def stored(sandkube: Sandkube, name: str) -> bytes:
    """The newest stored value of a Secret, as kine's table has it; the server has to be stopped."""
    query = "select value from kine where name = ? order by id desc limit 1"
    with contextlib.closing(sqlite3.connect(sandkube.folder().database)) as database:
        return bytes(database.execute(query, (f"/registry/secrets/default/{name}",)).fetchone()[0])


def key_of(sandkube: Sandkube, name: str = "default") -> str:
    (resource,) = json.loads(sandkube.folder(name).encryption.read_text())["resources"]
    (found,) = [provider["secretbox"] for provider in resource["providers"] if "secretbox" in provider]
    return str(found["keys"][0]["secret"])


@dataclass(frozen=True, slots=True)
class Seen:
    """What one time of serving showed: what `up` said, and Secrets as they were read.

    And afterwards: how they are stored, all that the datastore's files hold, and the key, if there is one.
    """

    said: str
    values: dict[str, str]
    stored: dict[str, bytes]
    disk: bytes
    key: str | None


def serve(sandkube: Sandkube, *arguments: str, add: dict[str, str] | None = None) -> Seen:
    """Serve the cluster for a moment, and read its Secrets, to which those in ``add`` are added."""
    said = sandkube("up", "--durability=fast", *arguments).stderr
    api = sandkube.api()
    for name, value in (add or {}).items():
        status, answer = api("POST", SECRETS, {"metadata": {"name": name}, "stringData": {"value": value}})
        assert status == 201, answer
    status, listed = api("GET", SECRETS)
    assert status == 200, listed
    values = {
        one["metadata"]["name"]: base64.b64decode(one["data"]["value"]).decode() for one in listed["items"]
    }
    sandkube("down")
    return Seen(
        said,
        values,
        stored={name: stored(sandkube, name) for name in values},
        disk=b"".join(path.read_bytes() for path in sandkube.folder().database.parent.iterdir()),
        key=key_of(sandkube) if sandkube.folder().encryption.exists() else None,
    )


# One cluster, and each fixture is what was done to it next.


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandkube]:
    with fresh(tmp_path_factory.mktemp("s")) as made:
        yield made


@pytest.fixture(scope="module")
def plain(cluster: Sandkube) -> Seen:
    return serve(cluster, add={"first": "first-value"})


@pytest.fixture(scope="module")
def encrypted(cluster: Sandkube, plain: Seen) -> Seen:
    assert plain.key is None
    return serve(cluster, "--encrypt-secrets", add={"second": "never-in-plain-text"})


@pytest.fixture(scope="module")
def switched_off(cluster: Sandkube, encrypted: Seen) -> Seen:
    assert encrypted.key
    return serve(cluster, "--no-encrypt-secrets")


@pytest.fixture(scope="module")
def with_another_key(cluster: Sandkube, switched_off: Seen) -> Seen:
    """As the documents say: it was switched off; the file is removed, and it is switched on again."""
    assert switched_off.key
    cluster.folder().encryption.unlink()
    return serve(cluster, "--encrypt-secrets")


BOTH = {"first": "first-value", "second": "never-in-plain-text"}


def test_without_being_asked_secrets_are_plain_in_a_file_of_mode_0600(cluster: Sandkube, plain: Seen) -> None:
    assert b"first-value" in plain.stored["first"]
    assert b"first-value" in plain.disk
    assert stat.S_IMODE(cluster.folder().database.stat().st_mode) == 0o600


def test_switched_on_old_secrets_and_new_ones_are_encrypted(encrypted: Seen) -> None:
    assert "Writing the Secrets anew" in encrypted.said
    assert encrypted.values == BOTH
    assert all(value.startswith(SECRETBOX) for value in encrypted.stored.values())
    assert b"never-in-plain-text" not in encrypted.disk


def test_switched_off_all_can_still_be_read_and_is_plain_again(encrypted: Seen, switched_off: Seen) -> None:
    assert switched_off.values == BOTH
    assert b"first-value" in switched_off.stored["first"]
    assert switched_off.key == encrypted.key


def test_the_key_can_be_changed_as_the_documents_say(switched_off: Seen, with_another_key: Seen) -> None:
    assert with_another_key.values == BOTH
    assert all(value.startswith(SECRETBOX) for value in with_another_key.stored.values())
    assert with_another_key.key != switched_off.key


def test_a_damaged_key_is_told_of_and_nothing_is_destroyed(cluster: Sandkube, encrypted: Seen) -> None:
    assert encrypted.key
    key = cluster.folder().encryption
    kept = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.write_text("{}")
    done = cluster("up", status=2)
    assert f"{key} cannot be understood: there is no key in it" in done.stderr
    assert key.read_text() == "{}"
    key.write_text(kept)


def test_no_two_clusters_have_a_key_in_common(sandkube: Sandkube) -> None:
    sandkube("up", "one", "--encrypt-secrets", "--dry-run")
    sandkube("up", "two", "--encrypt-secrets", "--dry-run")
    assert key_of(sandkube, "one") != key_of(sandkube, "two")
