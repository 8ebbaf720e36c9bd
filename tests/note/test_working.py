"""What the original note lists as working, a test a row, through kubectl and helm.

Its sections are *What Works* and *Perfect For*; docs/original-note.md judges it claim by claim. The same
tests run in gVisor, by tests/gvisor.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from integration.kubectl import DATA, Kubectl, manifest, until
from integration.test_certificates import request
from note.commands import COMMANDS, NEED_A_NODE, NODE, listed
from sandkube import Cluster


@pytest.fixture(scope="module")
def typed(cluster: Cluster) -> Mapping[str, str]:
    """The environment in which `kubectl` and `helm` are typed, as `sandkube env` sets it."""
    kubeconfig = str(cluster.kubeconfig_path)
    path = os.pathsep.join([str(cluster.kubeconfig_path.parent / "bin"), os.environ["PATH"]])
    return {**os.environ, "KUBECONFIG": kubeconfig, "PATH": path, "KUBE_EDITOR": "sed -i s/nginx:1$/nginx:2/"}


def shell(line: str, typed: Mapping[str, str], folder: Path) -> str:
    """Run a line in bash; what it printed."""
    done = subprocess.run(
        ["bash", "-c", line], env=typed, cwd=folder, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def may(kubectl: Kubectl, verb: str, resource: str, account: str) -> bool:
    """What `kubectl auth can-i` says of a ServiceAccount of the namespace."""
    who = f"--as=system:serviceaccount:{kubectl.namespace}:{account}"
    done = kubectl("auth", "can-i", verb, resource, who, check=False)
    assert done.stdout.startswith(("yes", "no")), done
    return done.stdout.startswith("yes")


class TestCoreApi:
    def test_the_api_server_is_fully_operational(self, kubectl: Kubectl) -> None:
        checks = kubectl("get", "--raw", "/readyz?verbose").stdout.splitlines()
        assert checks[-1] == "readyz check passed"
        assert len(checks) > 10
        assert all(line.startswith("[+]") for line in checks[:-1])

    @pytest.mark.usefixtures("nodes")
    def test_all_commands_of_kubectl_work(
        self, kubectl: Kubectl, apply_globally: Callable[[str], str], typed: Mapping[str, str]
    ) -> None:
        assert listed(kubectl("--help").stdout) == {words[0] for words in COMMANDS} | set(NEED_A_NODE)
        name = kubectl.namespace
        apply_globally(NODE.format(name=name))
        apply_globally(request(name, ec.generate_private_key(ec.SECP256R1()), "jane", "developers"))
        places = {
            "name": name,
            "deployment": DATA / "deployment.yaml",
            "kustomization": DATA / "kustomization",
        }
        for words in COMMANDS:
            command = ["kubectl", f"--namespace={name}", *(word.format(**places) for word in words)]
            done = subprocess.run(command, env=typed, capture_output=True, text=True, timeout=90, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            assert done.stdout or words[0] == "diff", command  # nothing differs

    def test_namespaces_are_created_listed_and_deleted(self, kubectl: Kubectl) -> None:
        name = f"note-{secrets.token_hex(4)}"
        kubectl("create", "namespace", name)
        assert f"namespace/{name}" in kubectl("get", "namespaces", "--output=name").stdout.split()
        kubectl("delete", "namespace", name, "--timeout=60s")
        assert f"namespace/{name}" not in kubectl("get", "namespaces", "--output=name").stdout.split()

    def test_all_resource_types_are_there(self, kubectl: Kubectl) -> None:
        names = kubectl("api-resources", "--verbs=list", "--output=name").stdout.split()
        assert {"deployments.apps", "services", "configmaps", "leases.coordination.k8s.io"} <= set(names)
        kubectl("get", ",".join(names), "--all-namespaces", "--output=name")

    @pytest.mark.parametrize("name", ["cronjob", "daemonset", "deployment", "job", "statefulset"])
    def test_every_kind_of_workload_is_created(self, kubectl: Kubectl, name: str) -> None:
        kubectl.apply(manifest(f"{name}.yaml"))
        assert kubectl.get(name)


class TestResourceManagement:
    """The note's four lines, as they are typed there, with what it shows as their output."""

    def test_create_namespace(self, kubectl: Kubectl) -> None:
        name = f"note-{secrets.token_hex(4)}"
        assert kubectl("create", "namespace", name).stdout == f"namespace/{name} created\n"
        kubectl("delete", "namespace", name, "--wait=false")

    def test_create_deployment(self, kubectl: Kubectl) -> None:
        done = kubectl("create", "deployment", "nginx", "--image=nginx")
        assert done.stdout == "deployment.apps/nginx created\n"

    def test_create_service(self, kubectl: Kubectl) -> None:
        done = kubectl("create", "service", "clusterip", "test-svc", "--tcp=80:80")
        assert done.stdout == "service/test-svc created\n"

    def test_get_services(self, kubectl: Kubectl) -> None:
        kubectl("create", "service", "clusterip", "test-svc", "--tcp=80:80")
        head, line = kubectl("get", "services").stdout.splitlines()
        assert head.split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
        assert re.fullmatch(r"test-svc\s+ClusterIP\s+[\d.]+\s+<none>\s+80/TCP\s+\d+m?s", line)
        (_, line) = kubectl.given("--namespace=default")("get", "service", "kubernetes").stdout.splitlines()
        assert re.match(r"kubernetes\s+ClusterIP\s+[\d.]+\s+<none>\s+443/TCP\s", line)


class TestControllers:
    def test_deployments(self, kubectl: Kubectl) -> None:
        kubectl("create", "deployment", "nginx", "--image=nginx")
        kubectl.wait("jsonpath={.status.observedGeneration}=1", "deployment/nginx")
        kubectl.wait("create", "replicasets", "--selector=app=nginx")

    def test_replica_sets(self, kubectl: Kubectl) -> None:
        kubectl("create", "deployment", "nginx", "--image=nginx", "--replicas=3")
        kubectl.wait("jsonpath={.status.replicas}=3", "deployment/nginx")
        assert len(kubectl.get("pods", "--selector=app=nginx")) == 3

    def test_jobs(self, kubectl: Kubectl) -> None:
        kubectl("create", "job", "sums", "--image=busybox", "--", "true")
        kubectl.wait("jsonpath={.status.active}=1", "job/sums")
        kubectl.wait("create", "pods", "--selector=batch.kubernetes.io/job-name=sums")

    def test_services_get_an_address(self, kubectl: Kubectl) -> None:
        kubectl("create", "service", "clusterip", "test-svc", "--tcp=80:80")
        assert ipaddress.ip_address(kubectl.get("service", "test-svc")["spec"]["clusterIP"]).is_private

    def test_namespaces(self, kubectl: Kubectl) -> None:
        """The controller empties a namespace before it is gone."""
        name = f"note-{secrets.token_hex(4)}"
        inside = kubectl.given(f"--namespace={name}")
        kubectl("create", "namespace", name)
        inside("create", "configmap", "held")
        inside("patch", "configmap", "held", "--patch", '{"metadata": {"finalizers": ["example.com/held"]}}')
        kubectl("delete", "namespace", name, "--wait=false")
        kubectl.wait("jsonpath={.status.phase}=Terminating", f"namespace/{name}")
        kubectl.wait("condition=NamespaceFinalizersRemaining", f"namespace/{name}")
        free = '{"metadata": {"finalizers": null}}'
        inside("patch", "configmap", "held", "--type=merge", "--patch", free)
        kubectl.wait("delete", f"namespace/{name}")

    def test_the_garbage_collector(self, kubectl: Kubectl) -> None:
        kubectl("create", "deployment", "nginx", "--image=nginx")
        kubectl.wait("create", "pods", "--selector=app=nginx")
        kubectl("delete", "deployment", "nginx")
        kubectl.wait("delete", "replicasets,pods", "--selector=app=nginx")

    def test_certificate_signing(self, kubectl: Kubectl, apply_globally: Callable[[str], str]) -> None:
        name = kubectl.namespace
        apply_globally(request(name, ec.generate_private_key(ec.SECP256R1()), "jane", "developers"))
        kubectl("certificate", "approve", name)
        kubectl.wait("jsonpath={.status.certificate}", f"csr/{name}")
        assert "Approved,Issued" in kubectl("get", "csr", name).stdout

    def test_the_controllers_of_rbac(self, kubectl: Kubectl) -> None:
        """What they do is to put `admin`, `edit` and `view` together from their parts."""
        rules = kubectl.get("clusterrole", "view")["rules"]
        assert any("configmaps" in rule.get("resources", ()) for rule in rules)
        assert "aggregationRule" in kubectl.get("clusterrole", "view")


class TestAdvancedFeatures:
    def test_the_dry_run_of_the_server(self, kubectl: Kubectl) -> None:
        assert kubectl.apply(manifest("deployment.yaml"), "--dry-run=server") == (
            "deployment.apps/web created (server dry run)\n"
        )
        assert kubectl.get("deployments") == []

    def test_validation(self, kubectl: Kubectl) -> None:
        wrong = manifest("deployment.yaml").replace("replicas: 2", "replicas: -2")
        message = kubectl.refused("apply", "--filename=-", stdin=wrong)
        assert "spec.replicas: Invalid value: -2: must be greater than or equal to 0" in message

    def test_admission_controllers(self, kubectl: Kubectl) -> None:
        """LimitRanger fills in, ResourceQuota refuses, and the policy of pod security too."""
        kubectl("create", "quota", "few", "--hard=configmaps=1")  # `kube-root-ca.crt` is one
        until(lambda: "exceeded quota" in kubectl("create", "configmap", "x", check=False).stderr)
        name = kubectl.namespace
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        assert "violates PodSecurity" in kubectl.refused("run", "nginx", "--image=nginx")

    def test_roles_bindings_and_service_accounts(self, kubectl: Kubectl) -> None:
        kubectl("create", "serviceaccount", "myapp")
        kubectl("create", "role", "reader", "--verb=list", "--resource=pods")
        assert not may(kubectl, "list", "pods", "myapp")
        account = f"--serviceaccount={kubectl.namespace}:myapp"
        kubectl("create", "rolebinding", "readers", "--role=reader", account)
        until(lambda: may(kubectl, "list", "pods", "myapp"))
        assert not may(kubectl, "delete", "pods", "myapp")

    def test_config_maps_and_secrets(self, kubectl: Kubectl) -> None:
        kubectl("create", "configmap", "settings", "--from-literal=mode=fast")
        kubectl("create", "secret", "generic", "password", "--from-literal=word=x")
        assert kubectl.get("configmap", "settings")["data"] == {"mode": "fast"}
        assert kubectl.get("secret", "password")["data"] == {"word": "eA=="}

    def test_claims_of_volumes_are_created(self, kubectl: Kubectl) -> None:
        """Created, and not mounted: see test_not_working.py."""
        kubectl.apply(manifest("statefulset.yaml"))
        kubectl.wait("create", "pvc/data-db-0")


class TestUseCases:
    def test_helm_charts(self, typed: Mapping[str, str], tmp_path: Path) -> None:
        shell("helm create mychart", typed, tmp_path)
        assert "0 chart(s) failed" in shell("helm lint ./mychart/", typed, tmp_path)
        assert "kind: Deployment" in shell("helm template test ./mychart/", typed, tmp_path)
        line = "kubectl apply -f <(helm template test ./mychart/) --dry-run=server"
        assert "deployment.apps/test-mychart created (server dry run)" in shell(line, typed, tmp_path)

    def test_manifests(self, kubectl: Kubectl) -> None:
        path = DATA / "deployment.yaml"
        done = kubectl("apply", f"--filename={path}", "--dry-run=server", "--validate=true")
        assert "created (server dry run)" in done.stdout
        assert "PodTemplateSpec" in kubectl("explain", "deployment.spec.template").stdout

    def test_rbac(self, kubectl: Kubectl) -> None:
        """The note binds `--role=edit`. There is no such Role, and so the answer is no; see docs."""
        account = f"--serviceaccount={kubectl.namespace}:myapp"
        kubectl("create", "serviceaccount", "myapp")
        kubectl("create", "rolebinding", "myapp-edit", "--role=edit", account)
        who = f"--as=system:serviceaccount:{kubectl.namespace}:myapp"

        def reason() -> str:
            return kubectl("auth", "can-i", "list", "pods", who, check=False).stdout

        until(lambda: '"edit" not found' in reason())
        assert reason().startswith("no")
        kubectl("delete", "rolebinding", "myapp-edit")
        kubectl("create", "rolebinding", "myapp-edit", "--clusterrole=edit", account)
        until(lambda: may(kubectl, "list", "pods", "myapp"))

    def test_versions_of_the_api(self, kubectl: Kubectl) -> None:
        old = manifest("deployment.yaml").replace("apps/v1", "apps/v1beta1")
        message = kubectl.refused("apply", "--filename=-", stdin=old)
        assert 'no matches for kind "Deployment" in version "apps/v1beta1"' in message

    def test_learning(self, kubectl: Kubectl) -> None:
        """Relationships of resources, and the structure of the API."""
        kubectl("create", "deployment", "nginx", "--image=nginx")
        kubectl.wait("create", "pods", "--selector=app=nginx")
        assert re.search(
            r"^Controlled By:\s+ReplicaSet/nginx-", kubectl("describe", "pods").stdout, re.MULTILINE
        )
        assert "apps/v1" in kubectl("api-versions").stdout.split()
        assert re.search(r"^deployments\s+deploy\s+apps/v1\s", kubectl("api-resources").stdout, re.MULTILINE)
