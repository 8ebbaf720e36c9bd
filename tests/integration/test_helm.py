"""A chart from `helm create` to `helm uninstall`; the environment alone says which cluster is meant."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from integration.kubectl import Kubectl
from sandkube import Cluster

PRINT_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


@dataclass(frozen=True)
class Shell:
    """bash in ``folder``, where nothing but the environment says which cluster is meant."""

    folder: Path
    environ: Mapping[str, str]

    def __call__(self, line: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert not check or done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, line: str) -> Any:
        return json.loads(self(f"{line} --output json").stdout)


@pytest.fixture(scope="module")
def charts(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell after `eval "$(sandkube env)"` and `helm create mychart`."""
    outside = Shell(tmp_path_factory.mktemp("charts"), os.environ)
    env = shlex.join([sys.executable, "-m", "sandkube", "env", "--shell=bash", cluster.name])
    environ = outside(f'eval "$({env})" && {shlex.quote(sys.executable)} -c "{PRINT_ENVIRONMENT}"').stdout
    shell = Shell(outside.folder, json.loads(environ))
    shell("helm create mychart")
    return shell


@pytest.fixture
def shell(charts: Shell, namespace: str) -> Shell:
    """The same, in the test's namespace as far as helm is concerned."""
    return Shell(charts.folder, {**charts.environ, "HELM_NAMESPACE": namespace})


@pytest.fixture
def installed(shell: Shell) -> Iterator[Shell]:
    shell("helm install test ./mychart")
    yield shell
    shell("helm uninstall test --ignore-not-found")


def test_helm_says_its_version(shell: Shell) -> None:
    assert shell("helm version --template '{{.Version}}'").stdout == "v4.3.1"


def test_a_new_chart_is_linted_and_rendered(shell: Shell) -> None:
    assert "0 chart(s) failed" in shell("helm lint ./mychart").stdout
    assert "kind: Deployment" in shell("helm template test ./mychart").stdout


def test_what_is_rendered_is_tried_on_the_server_by_process_substitution(
    shell: Shell, kubectl: Kubectl
) -> None:
    done = shell("kubectl apply -f <(helm template test ./mychart/) --dry-run=server")
    assert "deployment.apps/test-mychart created (server dry run)" in done.stdout
    assert "service/test-mychart created (server dry run)" in done.stdout
    assert kubectl.given("--namespace=default").refused("get", "deployment", "test-mychart")


def test_installing_is_tried_on_the_server(shell: Shell, kubectl: Kubectl) -> None:
    tried = shell("helm install test ./mychart --dry-run=server").stdout
    assert "STATUS: pending-install" in tried
    assert "kind: Deployment" in tried
    assert kubectl.get("deployments") == []
    assert shell.json("helm list") == []


def test_a_release_is_installed(installed: Shell, kubectl: Kubectl) -> None:
    (release,) = installed.json("helm list")
    assert (release["name"], release["status"], release["revision"]) == ("test", "deployed", "1")
    deployment = kubectl.get("deployment", "test-mychart")
    assert deployment["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    kubectl.wait("create", "pods", "--selector=app.kubernetes.io/instance=test")


def test_a_release_is_upgraded_and_rolled_back(installed: Shell, kubectl: Kubectl) -> None:
    def replicas() -> object:
        return kubectl.get("deployment", "test-mychart")["spec"]["replicas"]

    installed("helm upgrade test ./mychart --set replicaCount=3")
    assert replicas() == 3
    installed("helm rollback test 1")
    assert replicas() == 1
    history = installed.json("helm history test")
    assert [(entry["revision"], entry["status"]) for entry in history] == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "deployed"),
    ]


def test_a_release_is_uninstalled(installed: Shell, kubectl: Kubectl) -> None:
    installed("helm uninstall test")
    assert installed.json("helm list") == []
    assert (
        kubectl.get("deployments,services,serviceaccounts", "--selector=app.kubernetes.io/instance=test")
        == []
    )
    assert kubectl.get("secrets") == []


def test_an_upgrade_that_the_server_refuses_leaves_the_release(installed: Shell, kubectl: Kubectl) -> None:
    failed = installed("helm upgrade test ./mychart --set replicaCount=-1", check=False)
    assert failed.returncode != 0
    assert "spec.replicas" in failed.stderr
    assert kubectl.get("deployment", "test-mychart")["spec"]["replicas"] == 1
    assert [entry["status"] for entry in installed.json("helm history test")] == ["deployed", "failed"]
