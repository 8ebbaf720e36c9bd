"""A cluster that begins as a copy of the template: like one that began with nothing, and like no other."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integration.kubectl import Kubectl, until
from sandkube import Cluster
from sandkube.distributions import embedded
from sandkube.server import Server, locate

# What the API server and its controllers put into every cluster, and which parts of it must be alike.
BOOTSTRAPPED = {
    "apis/rbac.authorization.k8s.io/v1/clusterroles": ("rules", "aggregationRule"),
    "apis/rbac.authorization.k8s.io/v1/clusterrolebindings": ("subjects", "roleRef"),
    "apis/rbac.authorization.k8s.io/v1/roles": ("rules",),
    "apis/rbac.authorization.k8s.io/v1/rolebindings": ("subjects", "roleRef"),
    "apis/scheduling.k8s.io/v1/priorityclasses": ("value", "globalDefault", "preemptionPolicy"),
    "apis/flowcontrol.apiserver.k8s.io/v1/flowschemas": ("spec",),
    "apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations": ("spec",),
    "apis/apiregistration.k8s.io/v1/apiservices": ("spec",),
    "apis/networking.k8s.io/v1/servicecidrs": ("spec",),
    "api/v1/namespaces": ("spec",),
}


@pytest.fixture(scope="module")
def copy() -> Iterator[Kubectl]:
    """A cluster that began as a copy of the template."""
    if locate().template is None:
        pytest.skip("the server that is used has no template beside it")
    with Cluster() as cluster:
        yield Kubectl(cluster)


@pytest.fixture(scope="module")
def another() -> Iterator[Kubectl]:
    """A second copy."""
    with Cluster() as cluster:
        yield Kubectl(cluster)


@pytest.fixture(scope="module")
def cold() -> Iterator[Kubectl]:
    """A cluster that began with an empty datastore."""

    def without_template(_: object) -> Server:
        return replace(locate(), template=None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "ensure", without_template)
        with Cluster() as cluster:
            yield Kubectl(cluster)


def listed(kubectl: Kubectl, path: str) -> dict[str, Any]:
    """The objects below ``path`` by namespace and name."""
    items = json.loads(kubectl("get", f"--raw=/{path}").stdout)["items"]
    return {f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item for item in items}


def starting(kubectl: Kubectl) -> Any:
    """What the server told first."""
    events = kubectl.cluster.kubeconfig_path.parent / "events.jsonl"
    return json.loads(events.read_text(encoding="utf-8").splitlines()[0])


def test_they_began_as_they_were_meant_to(copy: Kubectl, another: Kubectl, cold: Kubectl) -> None:
    assert [starting(kubectl)["template"] for kubectl in (copy, another, cold)] == [True, True, False]


@pytest.mark.parametrize("path", BOOTSTRAPPED, ids=lambda path: str(path).rpartition("/")[2])
def test_a_copy_holds_what_a_cold_start_makes(copy: Kubectl, cold: Kubectl, path: str) -> None:
    def compared(kubectl: Kubectl) -> dict[str, Any]:
        return {
            name: [item.get(part) for part in BOOTSTRAPPED[path]]
            + [item["metadata"].get(part) for part in ("labels", "annotations")]
            for name, item in listed(kubectl, path).items()
        }

    expected = compared(cold)
    assert expected
    assert compared(copy) == expected


def test_a_copy_has_no_secrets(copy: Kubectl) -> None:
    assert listed(copy, "api/v1/secrets") == {}


@pytest.mark.parametrize("path", ["api/v1/namespaces", "api/v1/serviceaccounts"])
def test_two_copies_have_no_uid_in_common(copy: Kubectl, another: Kubectl, path: str) -> None:
    def uids(kubectl: Kubectl) -> set[str]:
        return {item["metadata"]["uid"] for item in listed(kubectl, path).values()}

    assert uids(copy)
    assert uids(copy) & uids(another) == set()
    assert "/kube-system" in listed(copy, "api/v1/namespaces")


@pytest.mark.parametrize(
    "path", [*BOOTSTRAPPED, "api/v1/serviceaccounts", "api/v1/services", "api/v1/configmaps"]
)
def test_nothing_is_older_than_the_cluster(copy: Kubectl, path: str) -> None:
    begun = dt.datetime.fromisoformat(starting(copy)["time"].replace("Z", "+00:00")).replace(microsecond=0)
    made = {
        name: dt.datetime.fromisoformat(item["metadata"]["creationTimestamp"].replace("Z", "+00:00"))
        for name, item in listed(copy, path).items()
    }
    assert {name: time for name, time in made.items() if time < begun} == {}


def test_each_copy_has_an_authority_of_its_own(copy: Kubectl, another: Kubectl) -> None:
    def authority(kubectl: Kubectl) -> str:
        (entry,) = json.loads(kubectl("config", "view", "--raw", "--output=json").stdout)["clusters"]
        return base64.b64decode(entry["cluster"]["certificate-authority-data"]).decode()

    def told(kubectl: Kubectl) -> str:
        return str(kubectl.get("configmap", "kube-root-ca.crt", "--namespace=default")["data"]["ca.crt"])

    assert authority(copy) != authority(another)
    for kubectl in (copy, another):
        assert told(kubectl) == authority(kubectl)


def test_a_certificate_of_one_is_refused_by_the_other(
    copy: Kubectl, another: Kubectl, tmp_path: Path
) -> None:
    (entry,) = json.loads(copy("config", "view", "--raw", "--output=json").stdout)["users"]
    copy.signed_in(tmp_path, **entry["user"])("auth", "whoami")
    assert "Unauthorized" in another.signed_in(tmp_path, **entry["user"]).refused("auth", "whoami")


def test_a_token_of_one_is_refused_by_the_other(copy: Kubectl, another: Kubectl, tmp_path: Path) -> None:
    token = copy("create", "token", "default", "--namespace=default").stdout.strip()
    copy.signed_in(tmp_path, token=token)("auth", "whoami")
    assert "Unauthorized" in another.signed_in(tmp_path, token=token).refused("auth", "whoami")
    assert copy("get", "--raw=/openid/v1/jwks").stdout != another("get", "--raw=/openid/v1/jwks").stdout


def test_controllers_give_a_copy_its_service_accounts(copy: Kubectl, cold: Kubectl) -> None:
    path = "api/v1/serviceaccounts"
    until(lambda: set(listed(copy, path)) == set(listed(cold, path)))
