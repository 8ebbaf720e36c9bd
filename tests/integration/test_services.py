"""Services get their addresses, ports and endpoint slices; what routes to them is accepted."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from integration.kubectl import Kubectl
from sandkube.plane.listener import advertise_address

SERVICE_RANGE = ipaddress.ip_network("10.96.0.0/16")

SERVICE_WITHOUT_SELECTOR = """\
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {ports: [{port: 5432}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: elsewhere}
subsets:
- addresses: [{ip: 192.0.2.17}]
  ports: [{port: 5432}]
"""

INGRESS_CLASS = """\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: {name}}}
spec: {{controller: example.com/none}}
"""

INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: shop}}
spec:
  ingressClassName: {name}
  rules:
  - host: shop.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend: {{service: {{name: web, port: {{number: 80}}}}}}
"""

NETWORK_POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: from-the-shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: shop}}}]
    ports: [{port: 5432}]
"""


def service(kind: str, *options: str) -> tuple[str, ...]:
    return ("create", "service", kind, "web", *options)


def slices(kubectl: Kubectl, name: str) -> list[Any]:
    """The endpoint slices of a Service, as soon as there are any."""
    select = f"--selector=kubernetes.io/service-name={name}"
    kubectl.wait("create", "endpointslices", select)
    found: list[Any] = kubectl.get("endpointslices", select)
    return found


def test_a_service_gets_an_address_of_the_range(kubectl: Kubectl) -> None:
    kubectl(*service("clusterip", "--tcp=80"))
    spec = kubectl.get("service", "web")["spec"]
    assert spec["type"] == "ClusterIP"
    assert ipaddress.ip_address(spec["clusterIP"]) in SERVICE_RANGE
    assert kubectl.get("ipaddress", spec["clusterIP"])["spec"]["parentRef"]["namespace"] == kubectl.namespace


def test_an_address_is_given_once(kubectl: Kubectl) -> None:
    kubectl(*service("clusterip", "--tcp=80"))
    taken = kubectl.get("service", "web")["spec"]["clusterIP"]
    message = kubectl.refused("create", "service", "clusterip", "second", "--tcp=80", f"--clusterip={taken}")
    assert "provided IP is already allocated" in message


def test_a_headless_service_has_no_address(kubectl: Kubectl) -> None:
    kubectl(*service("clusterip", "--clusterip=None"))
    assert kubectl.get("service", "web")["spec"]["clusterIP"] == "None"


def test_a_node_port_is_of_the_range_and_given_once(kubectl: Kubectl) -> None:
    kubectl(*service("nodeport", "--tcp=80"))
    (port,) = kubectl.get("service", "web")["spec"]["ports"]
    assert 30000 <= port["nodePort"] <= 32767
    again = ("create", "service", "nodeport", "second", "--tcp=80", f"--node-port={port['nodePort']}")
    assert "provided port is already allocated" in kubectl.refused(*again)


def test_a_load_balancer_stays_pending(kubectl: Kubectl) -> None:
    kubectl(*service("loadbalancer", "--tcp=80"))
    made = kubectl.get("service", "web")
    assert made["spec"]["clusterIP"]
    assert made["spec"]["ports"][0]["nodePort"]
    assert made["status"]["loadBalancer"] == {}
    assert "<pending>" in kubectl("get", "service", "web").stdout


def test_the_endpoint_slice_is_empty_while_no_pod_runs(kubectl: Kubectl) -> None:
    kubectl("run", "web", "--image=example.com/app:1", "--labels=app=web")
    kubectl(*service("clusterip", "--tcp=80"))
    (found,) = slices(kubectl, "web")
    assert not found["endpoints"]


def test_endpoints_of_a_service_without_selector_are_mirrored(kubectl: Kubectl) -> None:
    kubectl.apply(SERVICE_WITHOUT_SELECTOR)
    (found,) = slices(kubectl, "elsewhere")
    assert found["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"].startswith(
        "endpointslicemirroring"
    )
    assert found["endpoints"][0]["addresses"] == ["192.0.2.17"]


def test_the_api_server_is_an_endpoint_of_the_service_kubernetes(kubectl: Kubectl) -> None:
    address = advertise_address()
    if address is None:
        pytest.skip("this machine has no address but loopback, which no endpoint may have")
    default = kubectl.given("--namespace=default")
    assert default.get("service", "kubernetes")["spec"]["clusterIP"] == "10.96.0.1"
    (found,) = slices(default, "kubernetes")
    assert found["endpoints"][0]["addresses"] == [address]
    assert f":{found['ports'][0]['port']}" in kubectl.cluster.url


def test_an_ingress_and_its_class_are_accepted(
    kubectl: Kubectl, apply_globally: Callable[[str], str]
) -> None:
    name = kubectl.namespace
    apply_globally(INGRESS_CLASS.format(name=name))
    assert kubectl.get("ingressclass", name)["spec"]["controller"] == "example.com/none"
    kubectl.apply(INGRESS.format(name=name))
    ingress = kubectl.get("ingress", "shop")
    assert ingress["spec"]["ingressClassName"] == name
    assert ingress["status"]["loadBalancer"] == {}
    wrong = INGRESS.format(name=name).replace("pathType: Prefix", "pathType: Suffix")
    assert "pathType" in kubectl.refused("apply", "--filename=-", stdin=wrong)


def test_a_network_policy_is_accepted(kubectl: Kubectl) -> None:
    kubectl.apply(NETWORK_POLICY)
    assert kubectl.get("networkpolicy", "from-the-shop")["spec"]["policyTypes"] == ["Ingress"]
    wrong = NETWORK_POLICY.replace("5432", "543200")
    assert "spec.ingress[0].ports[0].port" in kubectl.refused("apply", "--filename=-", stdin=wrong)
