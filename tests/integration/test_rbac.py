"""Who may do what: roles and bindings, the tokens of service accounts, acting as somebody else."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.kubectl import Kubectl, until

AGGREGATED = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {name}-whole}}
aggregationRule:
  clusterRoleSelectors: [{{matchLabels: {{part-of: {name}}}}}]
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {name}-part, labels: {{part-of: {name}}}}}
rules:
- {{apiGroups: [example.com], resources: [widgets], verbs: [get]}}
"""


def allow_reading_pods(kubectl: Kubectl, whom: str) -> None:
    """Let ``whom`` (``user=NAME`` or ``serviceaccount=NAMESPACE:NAME``) read the pods of the namespace."""
    kubectl("create", "role", "reader", "--verb=get,list,watch", "--resource=pods")
    kubectl("create", "rolebinding", "readers", "--role=reader", f"--{whom}")


def can(kubectl: Kubectl, *what: str) -> bool:
    done = kubectl("auth", "can-i", *what, check=False)
    assert (done.returncode, done.stdout) in {(0, "yes\n"), (1, "no\n")}
    return done.returncode == 0


def who(kubectl: Kubectl) -> Any:
    return json.loads(kubectl("auth", "whoami", "--output=json").stdout)["status"]["userInfo"]


def with_token(kubectl: Kubectl, folder: Path) -> Kubectl:
    """kubectl with the token of the service account `robot` and nothing else."""
    kubectl("create", "serviceaccount", "robot")
    return kubectl.signed_in(folder, token=kubectl("create", "token", "robot").stdout.strip())


def test_a_role_that_is_bound_allows_what_it_says_where_it_is(kubectl: Kubectl) -> None:
    jane = kubectl.given("--as=jane")
    assert not can(jane, "list", "pods")
    allow_reading_pods(kubectl, "user=jane")
    until(lambda: can(jane, "list", "pods"))
    assert not can(jane, "delete", "pods")
    assert not can(jane, "list", "pods", "--namespace=default")
    assert not can(jane, "list", "secrets")
    assert "pods" in kubectl("auth", "can-i", "--list", "--as=jane").stdout


def test_a_group_and_a_cluster_role_work_in_a_namespace(kubectl: Kubectl) -> None:
    kubectl("create", "rolebinding", "viewers", "--clusterrole=view", "--group=auditors")
    auditor = kubectl.given("--as=joe", "--as-group=auditors")
    until(lambda: can(auditor, "list", "deployments.apps"))
    assert not can(auditor, "list", "secrets")
    assert not can(kubectl.given("--as=joe"), "list", "deployments.apps")


def test_a_cluster_role_that_is_bound_works_everywhere(
    kubectl: Kubectl, apply_globally: Callable[[str], str]
) -> None:
    name = kubectl.namespace
    options = ("--clusterrole=view", f"--user={name}", "--dry-run=client", "--output=yaml")
    apply_globally(kubectl("create", "clusterrolebinding", name, *options).stdout)
    until(lambda: can(kubectl.given(f"--as={name}"), "list", "pods", "--all-namespaces"))


def test_nobody_grants_what_they_do_not_have(kubectl: Kubectl) -> None:
    kubectl("create", "role", "maker", "--verb=create,update", "--resource=roles.rbac.authorization.k8s.io")
    kubectl("create", "rolebinding", "makers", "--role=maker", "--user=jane")
    jane = kubectl.given("--as=jane")
    until(lambda: can(jane, "create", "roles.rbac.authorization.k8s.io"))
    message = jane.refused("create", "role", "thief", "--verb=get", "--resource=secrets")
    assert "attempting to grant RBAC permissions not currently held" in message


def test_who_acts_as_another_is_that_other(kubectl: Kubectl) -> None:
    user = who(kubectl.given("--as=jane", "--as-group=dev", "--as-uid=17"))
    assert user["username"] == "jane"
    assert user["uid"] == "17"
    assert user["groups"] == ["dev", "system:authenticated"]


def test_acting_as_another_needs_the_right_to(kubectl: Kubectl, tmp_path: Path) -> None:
    robot = with_token(kubectl, tmp_path)
    assert "cannot impersonate" in robot.given("--as=jane").refused("get", "pods")


def test_the_token_of_a_service_account_says_who_it_is(kubectl: Kubectl, tmp_path: Path) -> None:
    user = who(with_token(kubectl, tmp_path))
    assert user["username"] == f"system:serviceaccount:{kubectl.namespace}:robot"
    assert f"system:serviceaccounts:{kubectl.namespace}" in user["groups"]
    assert user["uid"] == kubectl.get("serviceaccount", "robot")["metadata"]["uid"]


def test_with_a_token_one_may_do_what_is_bound_and_is_refused_elsewhere(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    robot = with_token(kubectl, tmp_path)
    assert "Forbidden" in robot.refused("get", "pods")
    allow_reading_pods(kubectl, f"serviceaccount={kubectl.namespace}:robot")
    until(lambda: robot("get", "pods", check=False).returncode == 0)
    for what in (("delete", "pods", "--all"), ("get", "secrets"), ("get", "pods", "--namespace=kube-system")):
        if what[0] == "delete":
            kubectl("run", "target", "--image=example.com/app:1")
        assert "Forbidden" in robot.refused(*what)


def test_a_token_ends_with_its_service_account(kubectl: Kubectl, tmp_path: Path) -> None:
    robot = with_token(
        kubectl, tmp_path
    )  # not used before: for some seconds a token that was good is remembered
    kubectl("delete", "serviceaccount", "robot")
    until(lambda: "Unauthorized" in robot("auth", "whoami", check=False).stderr)


def test_a_token_for_others_and_one_that_nobody_signed_are_refused(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl("create", "serviceaccount", "robot")
    for_others = kubectl("create", "token", "robot", "--audience=https://vault.example.com").stdout.strip()
    forged = (
        f"{kubectl('create', 'token', 'robot').stdout.rpartition('.')[0]}.{for_others.rpartition('.')[2]}"
    )
    for token in (for_others, forged):
        assert "Unauthorized" in kubectl.signed_in(tmp_path, token=token).refused("auth", "whoami")


def test_who_brings_nothing_is_refused_but_for_health(kubectl: Kubectl) -> None:
    authority = kubectl.get("configmap", "kube-root-ca.crt")["data"]["ca.crt"]
    context = ssl.create_default_context(cadata=authority)

    def status(path: str) -> int:
        try:
            with urllib.request.urlopen(f"{kubectl.cluster.url}{path}", context=context) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert {path: status(path) for path in ("/livez", "/readyz", "/healthz")} == dict.fromkeys(
        ("/livez", "/readyz", "/healthz"), 200
    )
    for path in ("/api", "/version", "/metrics", "/openapi/v2", "/api/v1/namespaces"):
        assert status(path) == 401, path


def test_a_cluster_role_is_put_together_of_its_parts(
    kubectl: Kubectl, apply_globally: Callable[[str], str]
) -> None:
    name = kubectl.namespace
    apply_globally(AGGREGATED.format(name=name))
    kubectl.wait("jsonpath={.rules[0].resources[0]}=widgets", f"clusterrole/{name}-whole")
