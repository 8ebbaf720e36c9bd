"""Secrets encrypted in the datastore, and the audit log: what is on the disk, and what is not."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from command_line import Sandkube


def on_disk(sandkube: Sandkube, text: str) -> bool:
    """Whether the datastore's files hold ``text``; the server has to be stopped."""
    return any(text.encode() in path.read_bytes() for path in sandkube.folder().database.parent.iterdir())


def add_secret(sandkube: Sandkube, name: str, value: str) -> None:
    sandkube("kubectl", "create", "secret", "generic", name, f"--from-literal=value={value}")


def value_of(sandkube: Sandkube, name: str) -> str:
    template = "go-template={{.data.value | base64decode}}"
    return sandkube("kubectl", "get", "secret", name, "-o", template).stdout


def test_secrets_are_encrypted_when_asked(sandkube: Sandkube) -> None:
    sandkube("up", "--encrypt-secrets")
    add_secret(sandkube, "first", "never-in-plain-text")
    sandkube("kubectl", "create", "configmap", "other", "--from-literal=value=in-plain-text")
    assert value_of(sandkube, "first") == "never-in-plain-text"
    sandkube("down")
    assert on_disk(sandkube, "in-plain-text")
    assert not on_disk(sandkube, "never-in-plain-text")
    assert stat.S_IMODE(sandkube.folder().encryption.stat().st_mode) == 0o600
    sandkube("up")  # it is kept
    assert value_of(sandkube, "first") == "never-in-plain-text"


def test_what_was_there_before_is_encrypted_too(sandkube: Sandkube) -> None:
    sandkube("up")
    add_secret(sandkube, "first", "first-value")
    sandkube("down")
    assert on_disk(sandkube, "first-value")
    done = sandkube("up", "--encrypt-secrets")
    assert "Writing the Secrets anew" in done.stderr
    version = "jsonpath={.metadata.resourceVersion}"
    assert int(sandkube("kubectl", "get", "secret", "first", "-o", version).stdout) > 1
    stored = stored_of(sandkube, "first")
    assert stored.startswith(b"k8s:enc:secretbox:v1:sandkube:")


def test_switched_off_again_everything_can_still_be_read(sandkube: Sandkube) -> None:
    sandkube("up", "--encrypt-secrets")
    add_secret(sandkube, "first", "first-value")
    sandkube("down")
    sandkube("up", "--no-encrypt-secrets")
    assert value_of(sandkube, "first") == "first-value"
    assert b"first-value" in stored_of(sandkube, "first")
    sandkube("down")
    sandkube("up", "--encrypt-secrets")
    assert value_of(sandkube, "first") == "first-value"


def stored_of(sandkube: Sandkube, name: str) -> bytes:
    """The newest stored value of a Secret, as kine's table has it."""
    import contextlib
    import sqlite3

    sandkube("down")
    with contextlib.closing(sqlite3.connect(sandkube.folder().database)) as database:
        row = database.execute(
            "select value from kine where name = ? order by id desc limit 1",
            (f"/registry/secrets/default/{name}",),
        ).fetchone()
    return bytes(row[0])


def test_a_lost_key_is_told_of_and_nothing_is_destroyed(sandkube: Sandkube) -> None:
    sandkube("up", "--encrypt-secrets")
    add_secret(sandkube, "first", "first-value")
    sandkube("down")
    key = sandkube.folder().encryption
    kept = key.read_text()
    key.write_text("{}")
    done = sandkube("up", status=2)
    assert f"{key} cannot be understood: there is no key in it" in done.stderr
    key.write_text(kept)
    sandkube("up")
    assert value_of(sandkube, "first") == "first-value"


def test_keys_differ(sandkube: Sandkube) -> None:
    sandkube("up", "one", "--encrypt-secrets", "--wait=0")
    sandkube("up", "two", "--encrypt-secrets", "--wait=0")
    assert sandkube.folder("one").encryption.read_text() != sandkube.folder("two").encryption.read_text()


def audited(sandkube: Sandkube) -> list[dict[str, object]]:
    return [json.loads(line) for line in sandkube.folder().audit_log.read_text().splitlines()]


def test_the_audit_log_says_who_did_what_and_no_contents(sandkube: Sandkube) -> None:
    sandkube("up", "--audit-log")
    add_secret(sandkube, "first", "never-written-down")
    sandkube(
        "kubectl", "auth", "can-i", "list", "pods", "--as=system:serviceaccount:default:default", status=1
    )
    sandkube("down")
    text = sandkube.folder().audit_log.read_text()
    assert "never-written-down" not in text
    created = [
        entry
        for entry in audited(sandkube)
        if entry["verb"] == "create" and "/secrets" in str(entry["requestURI"])
    ]
    assert [entry["user"]["username"] for entry in created] == ["sandkube-admin"]  # type: ignore[index]
    assert any("impersonatedUser" in entry for entry in audited(sandkube))
    assert stat.S_IMODE(sandkube.folder().audit_log.stat().st_mode) == 0o600


def test_a_policy_of_ones_own(sandkube: Sandkube) -> None:
    policy = sandkube.home / "policy.yaml"
    policy.write_text(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n"
        "- level: RequestResponse\n  resources: [{group: '', resources: [configmaps]}]\n  verbs: [create]\n"
    )
    sandkube("up", f"--audit-log={policy}")
    policy.unlink()  # a copy is kept
    sandkube("down")
    sandkube("up")
    sandkube("kubectl", "create", "configmap", "one", "--from-literal=a=written-down")
    sandkube("down")
    assert "written-down" in sandkube.folder().audit_log.read_text()
    assert {entry["verb"] for entry in audited(sandkube)} == {"create"}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file or directory"), (b"\xff", "cannot be read: it is not UTF-8 text")],
)
def test_a_policy_that_cannot_be_read(sandkube: Sandkube, content: bytes | None, words: str) -> None:
    policy = sandkube.home / "policy.yaml"
    if content is not None:
        policy.write_bytes(content)
    assert words in sandkube("up", f"--audit-log={policy}", status=2).stderr
    assert not sandkube.folder().path.exists()


def test_a_policy_that_the_server_refuses(sandkube: Sandkube) -> None:
    policy = sandkube.home / "policy.yaml"
    policy.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Loud\n")
    done = sandkube("up", f"--audit-log={policy}", status=2)
    assert "Loud" in done.stderr
    assert sandkube.servers() == []


def test_without_either_nothing_of_it_is_there(sandkube: Sandkube) -> None:
    sandkube("up")
    names = {path.name for path in Path(sandkube.folder().path).iterdir()}
    assert not {"encryption.yaml", "audit-policy.yaml", "audit.log"} & names
