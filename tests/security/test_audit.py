"""The audit log: who did what, no contents, read by its owner alone, and not without end."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from typing import Any

import pytest

from command_line import Sandkube, fresh, until

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: RequestResponse
  resources: [{group: '', resources: [configmaps]}]
  verbs: [create]
"""
MEGABYTE = 1 << 20


def audited(sandkube: Sandkube) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sandkube.folder().audit_log.read_text().splitlines()]


def create_secret(sandkube: Sandkube, value: str) -> None:
    sandkube("kubectl", "create", "secret", "generic", "first", f"--from-literal=value={value}")


@pytest.fixture(scope="module")
def audited_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandkube]:
    """A stopped cluster with the audit log of sandkube's own policy, in which some things were done."""
    with fresh(tmp_path_factory.mktemp("s")) as made:
        made("up", "--audit-log")
        create_secret(made, "never-written-down")
        account = "--as=system:serviceaccount:default:default"
        made("kubectl", "auth", "can-i", "list", "pods", account, status=1)
        made("kubectl", "create", "namespace", "another")
        made("down")
        yield made


def test_it_says_who_did_what(audited_cluster: Sandkube) -> None:
    entries = audited(audited_cluster)
    created = [entry for entry in entries if entry["verb"] == "create" and "/secrets" in entry["requestURI"]]
    assert [entry["user"]["username"] for entry in created] == ["sandkube-admin"]
    assert any("impersonatedUser" in entry for entry in entries)


def test_it_holds_no_contents(audited_cluster: Sandkube) -> None:
    assert "never-written-down" not in audited_cluster.folder().audit_log.read_text()


def test_each_controller_acts_under_a_name_of_its_own(audited_cluster: Sandkube) -> None:
    """As it says who made the ConfigMap and the ServiceAccount of the new namespace."""
    made = {
        entry["objectRef"]["resource"]: entry["user"]["username"]
        for entry in audited(audited_cluster)
        if entry["verb"] == "create" and entry.get("objectRef", {}).get("namespace") == "another"
    }
    prefix = "system:serviceaccount:kube-system:"
    assert made["configmaps"] == f"{prefix}root-ca-cert-publisher"
    assert made["serviceaccounts"] == f"{prefix}service-account-controller"


def test_its_owner_alone_can_read_it(audited_cluster: Sandkube) -> None:
    assert stat.S_IMODE(audited_cluster.folder().audit_log.stat().st_mode) == 0o600


def test_it_is_turned_by_size_and_kept_for_a_while(audited_cluster: Sandkube) -> None:
    flags = json.loads(audited_cluster.folder().server_config.read_text())["api_server"]
    for flag in ("--audit-log-maxage=30", "--audit-log-maxbackup=10", "--audit-log-maxsize=100"):
        assert flag in flags


def test_a_policy_of_ones_own_and_parts_that_are_private_too(sandkube: Sandkube) -> None:
    policy = sandkube.home / "policy.yaml"
    policy.write_text(POLICY)
    size = ("--api-server-arg=--audit-log-maxsize=1", "--api-server-arg=--audit-log-maxbackup=1")
    sandkube("up", f"--audit-log={policy}", *size, "--durability=fast", "--dry-run")
    policy.unlink()  # a copy is kept
    sandkube("up")
    for number in range(5):  # a request and its answer are 800 KB, and a part holds one of these
        status, answer = sandkube.api().put_config_map(f"m{number}", f"{number}" * 400_000, create=True)
        assert status == 201, answer
    folder = sandkube.folder().path
    until(lambda: len(list(folder.glob("audit*.log"))) == 2)
    parts = list(folder.glob("audit*.log"))
    assert all(path.stat().st_size <= MEGABYTE for path in parts)
    assert {stat.S_IMODE(path.stat().st_mode) for path in parts} == {0o600}
    (entry,) = audited(sandkube)
    assert entry["verb"] == "create"
    assert entry["requestObject"]["data"]["value"] == "4" * 400_000


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


def test_without_being_asked_there_is_none(running: Sandkube) -> None:
    names = {path.name for path in running.folder().path.iterdir()}
    assert not {"encryption.yaml", "audit-policy.yaml", "audit.log"} & names
