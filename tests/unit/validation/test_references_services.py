"""Services, what leads to them, and what they lead to."""

from __future__ import annotations

import pytest
import yaml

from unit.validation.fresh_cluster import FreshCluster
from unit.validation.referring import deployment, findings, named, told, written

PODS = """
initContainers:
- {name: sidecar, restartPolicy: Always, ports: [{name: metrics, containerPort: 9090}]}
- {name: setup, ports: [{name: setup, containerPort: 1}]}
containers:
- {name: web, ports: [{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP}]}
"""
WEB = deployment(PODS, labels={"app": "web", "tier": "front"})


def service(spec: str, name: str = "web") -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {spec}"


# Selectors


@pytest.mark.parametrize(
    "spec",
    [
        "{selector: {app: web}}",
        "{selector: {app: web, tier: front, pod-template-hash: abc}}",
        "{type: ExternalName, externalName: example.com}",
        "{type: ExternalName, externalName: example.com, selector: {app: none}}",
        "{ports: [{port: 80}]}",
        "{selector: null}",
        "{selector: {app: 1}}",
        "{selector: [app, web]}",
    ],
)
def test_a_sound_service(spec: str) -> None:
    assert told(written(service(spec), WEB)) == []


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ("{app: web, tier: back}", "The nearest pods have `tier: front`."),
        ("{app: web, teir: front}", "The nearest pods have `tier: front`, and no label `teir`."),
        ("{app: web, release: a}", "The nearest pods have no label `release`."),
        ("{app: webs}", "Did you mean `app: web`?"),
        ("{name: database}", None),
    ],
)
def test_a_selector_that_selects_nothing(selector: str, hint: str | None) -> None:
    (found,) = findings(written(service(f"{{selector: {selector}}}"), WEB))
    assert (found.code, found.field, found.hint) == ("service-without-pods", "spec.selector", hint)
    assert "(namespace `default`)" in found.message


def test_without_any_pods_there_is_no_hint() -> None:
    (found,) = findings(service("{selector: {app: web}}"))
    assert (found.code, found.hint) == ("service-without-pods", None)


def test_pods_of_another_namespace_do_not_count() -> None:
    moved = WEB | {"metadata": {"name": "web", "namespace": "other"}}
    assert told(written(service("{selector: {app: web}}"), moved)) == [
        ("service-without-pods", "spec.selector")
    ]


@pytest.mark.parametrize("kind", ["Deployment", "Pod"])
def test_pods_of_the_cluster_count(kind: str) -> None:
    if kind == "Pod":
        there = named("v1", "Pod", "p", "default", spec={"containers": []})
        there["metadata"]["labels"] = {"app": "web"}
    else:
        there = WEB | {"metadata": {"name": "web", "namespace": "default"}}
    assert told(service("{selector: {app: web}}"), FreshCluster(there)) == []


@pytest.mark.parametrize(
    ("kind", "name", "label", "selects"),
    [
        ("apps/v1 StatefulSet", "db", "statefulset.kubernetes.io/pod-name: db-0", True),
        ("apps/v1 StatefulSet", "db", "statefulset.kubernetes.io/pod-name: cb-0", False),
        ("apps/v1 StatefulSet", "db", "apps.kubernetes.io/pod-index: '1'", True),
        ("batch/v1 Job", "once", "batch.kubernetes.io/job-name: once", True),
        ("batch/v1 Job", "once", "job-name: twice", False),
        ("apps/v1 Deployment", "web", "topology.kubernetes.io/zone: a", True),
        ("apps/v1 Deployment", "web", "statefulset.kubernetes.io/pod-name: web-0", False),
    ],
)
def test_labels_that_controllers_give(kind: str, name: str, label: str, selects: bool) -> None:  # noqa: FBT001
    api_version, word = kind.split()
    pods = named(api_version, word, name, spec={"template": {"spec": {"containers": []}}})
    found = told(written(service(f"{{selector: {{{label}}}}}"), pods))
    assert (found == []) is selects


def test_pods_of_the_control_plane_are_not_missed() -> None:
    spec = "{selector: {k8s-app: kube-dns}, ports: [{port: 9153, targetPort: metrics}]}"
    assert told(service(spec), namespace="kube-system") == []
    assert told(service(spec)) == [("service-without-pods", "spec.selector")]


def test_an_empty_selector() -> None:
    (found,) = findings(written(service("{selector: {}}"), WEB))
    assert (found.code, found.field) == ("empty-selector", "spec.selector")
    assert "selects no pod" in found.message


@pytest.mark.parametrize(
    "endpoints",
    [
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web"}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        },
    ],
)
def test_an_empty_selector_beside_endpoints_made_by_hand(endpoints: dict[str, object]) -> None:
    assert told(written(service("{selector: {}}"), endpoints)) == []


# The ports of pods


@pytest.mark.parametrize(
    "port", ["{targetPort: http}", "{targetPort: metrics}", "{targetPort: 1}", "{}", "{targetPort: '8'}"]
)
def test_a_sound_target_port(port: str) -> None:
    ports = yaml.safe_load(port) | {"port": 80}
    assert told(written(service(f"{{selector: {{app: web}}, ports: [{ports}]}}"), WEB)) == []


@pytest.mark.parametrize(
    ("port", "hint"),
    [
        ("{targetPort: htttp}", "Did you mean `http`?"),
        ("{targetPort: dns}", "They have `http`, `metrics`."),
        ("{targetPort: setup}", "They have `http`, `metrics`."),
        ("{targetPort: http, protocol: UDP}", "They have `dns`."),
        (
            "{targetPort: http, protocol: SCTP}",
            "Name the port in the container, or give its number.",
        ),
    ],
)
def test_a_target_port_that_no_container_has(port: str, hint: str) -> None:
    (found,) = findings(written(service(f"{{selector: {{app: web}}, ports: [{{port: 1}}, {port}]}}"), WEB))
    assert (found.code, found.field) == ("missing-target-port", "spec.ports[1].targetPort")
    assert found.hint == hint


def test_one_of_several_workloads_may_have_the_port() -> None:
    other = deployment("containers: [{name: a}]", name="other", labels={"app": "web"})
    text = written(service("{selector: {app: web}, ports: [{port: 80, targetPort: http}]}"), other, WEB)
    assert told(text) == []


def test_the_service_of_a_stateful_set() -> None:
    pods = named("apps/v1", "StatefulSet", "db", spec={"serviceName": "db-headless"})
    (found,) = findings(written(pods, named("v1", "Service", "db-headles")))
    assert (found.code, found.field) == ("missing-service", "spec.serviceName")
    assert found.hint == "Did you mean `db-headles`?"
    assert told(written(pods, named("v1", "Service", "db-headless"))) == []


# What leads to Services

TARGET = service("{selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, {port: 9000}]}")


def ingress(spec: str, annotations: str = "{}") -> str:
    return (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
        f"metadata: {{name: web, annotations: {annotations}}}\nspec: {spec}"
    )


def to(backend: str) -> str:
    return f"{{rules: [{{host: a.example.com}}, {{http: {{paths: [{{path: /, backend: {backend}}}]}}}}]}}"


PATH = "spec.rules[1].http.paths[0].backend"


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("{service: {name: web, port: {number: 80}}}", []),
        ("{service: {name: web, port: {name: http}}}", []),
        ("{service: {name: kubernetes, port: {number: 443}}}", []),
        ("{service: {name: redirect, port: {name: use-annotation}}}", []),
        (
            "{service: {name: web, port: {number: 8080}}}",
            [("missing-service-port", f"{PATH}.service.port.number")],
        ),
        (
            "{service: {name: web, port: {name: https}}}",
            [("missing-service-port", f"{PATH}.service.port.name")],
        ),
        ("{service: {name: wep, port: {number: 80}}}", [("missing-service", f"{PATH}.service.name")]),
        (
            "{resource: {apiGroup: k8s.example.com, kind: StorageBucket, name: assets}}",
            [("missing-backend", f"{PATH}.resource.name")],
        ),
    ],
)
def test_a_backend(backend: str, expected: list[tuple[str, str]]) -> None:
    assert told(written(ingress(to(backend)), TARGET, WEB)) == expected


@pytest.mark.parametrize(
    ("port", "hint"),
    [
        ("number: 8080", "`8080` is the port of the pods; the Service's own is 80."),
        ("number: 443", "It has 80 (`http`), 9000."),
    ],
)
def test_the_hint_for_a_port(port: str, hint: str) -> None:
    backend = f"{{service: {{name: web, port: {{{port}}}}}}}"
    (found,) = findings(written(ingress(to(backend)), TARGET, WEB))
    assert found.hint == hint


def test_the_default_backend_and_a_resource_that_is_there() -> None:
    spec = "{defaultBackend: {resource: {apiGroup: k8s.example.com, kind: StorageBucket, name: assets}}}"
    bucket = named("k8s.example.com/v1", "StorageBucket", "assets")
    assert told(ingress(spec)) == [("missing-backend", "spec.defaultBackend.resource.name")]
    assert told(written(ingress(spec), bucket)) == []


def test_any_port_of_an_external_name() -> None:
    outside = service("{type: ExternalName, externalName: example.com}")
    assert told(written(ingress(to("{service: {name: web, port: {number: 443}}}")), outside)) == []


def test_the_port_of_a_service_in_the_cluster() -> None:
    there = named("v1", "Service", "web", "default", spec={"ports": [{"port": 80}]})
    right, wrong = (to(f"{{service: {{name: web, port: {{number: {port}}}}}}}") for port in (80, 81))
    assert told(ingress(right), FreshCluster(there)) == []
    assert told(ingress(wrong), FreshCluster(there)) == [
        ("missing-service-port", f"{PATH}.service.port.number")
    ]


def test_the_class_of_an_ingress() -> None:
    text = ingress("{ingressClassName: nginx}")
    assert told(text) == [("missing-ingressclass", "spec.ingressClassName")]
    class_ = named("networking.k8s.io/v1", "IngressClass", "nginx")
    assert told(written(text, class_)) == []
    assert told(text, FreshCluster(class_)) == []


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ("{}", [("missing-secret", "spec.tls[0].secretName")]),
        ("{example.com/about-certificates: none}", [("missing-secret", "spec.tls[0].secretName")]),
        ("{cert-manager.io/issuer: ca}", []),
        ("{acme.cert-manager.io/http01-edit-in-place: 'true'}", []),
        ("{kubernetes.io/tls-acme: 'true'}", []),
    ],
)
def test_the_certificate_of_an_ingress(annotations: str, expected: list[tuple[str, str]]) -> None:
    spec = "{tls: [{hosts: [a.example.com], secretName: tls}, {hosts: [b.example.com]}]}"
    assert told(ingress(spec, annotations)) == expected
    assert told(written(ingress(spec, annotations), named("v1", "Secret", "tls"))) == []


# The Gateway API


def test_a_gateway() -> None:
    gateway = named(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "edge",
        spec={
            "gatewayClassName": "istio",
            "listeners": [{"tls": {"certificateRefs": [{"name": "cert"}, {"kind": "X", "name": "x"}]}}],
        },
    )
    assert told(written(gateway)) == [
        ("missing-gatewayclass", "spec.gatewayClassName"),
        ("missing-secret", "spec.listeners[0].tls.certificateRefs[0].name"),
    ]
    gateway["metadata"]["annotations"] = {"cert-manager.io/cluster-issuer": "ca"}
    class_ = named("gateway.networking.k8s.io/v1", "GatewayClass", "istio")
    assert told(written(gateway, class_)) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{backendRefs: [{name: web, port: 80}]}", []),
        ("{backendRefs: [{group: net.example.com, kind: Function, name: f}]}", []),
        (
            "{backendRefs: [{name: web, port: 80}, {name: wep, port: 80}]}",
            [("missing-service", "spec.rules[0].backendRefs[1].name")],
        ),
        (
            "{backendRefs: [{name: web, port: 8080}]}",
            [("missing-service-port", "spec.rules[0].backendRefs[0].port")],
        ),
        (
            "{backendRefs: [{name: web, namespace: other, port: 80}]}",
            [("missing-service", "spec.rules[0].backendRefs[0].name")],
        ),
        (
            "{filters: [{requestMirror: {backendRef: {name: copy, port: 80}}}]}",
            [("missing-service", "spec.rules[0].filters[0].requestMirror.backendRef.name")],
        ),
    ],
)
def test_a_route(rule: str, expected: list[tuple[str, str]]) -> None:
    route = named("gateway.networking.k8s.io/v1", "HTTPRoute", "web", spec={"rules": [yaml.safe_load(rule)]})
    assert told(written(route, TARGET, WEB)) == expected


# What the API server calls

CALLED = """
apiVersion: v1
kind: Service
metadata: {name: hook, namespace: system}
spec: {ports: [{port: 443}]}
"""


def calling(kind: str, reference: str) -> str:
    reference_ = yaml.safe_load(reference)
    if kind == "APIService":
        return written(named("apiregistration.k8s.io/v1", kind, "v1.x", spec={"service": reference_}))
    config = {"clientConfig": {"service": reference_}}
    if kind == "CustomResourceDefinition":
        spec = {"conversion": {"strategy": "Webhook", "webhook": config}}
        return written(named("apiextensions.k8s.io/v1", kind, "xs.example.com", spec=spec))
    return written(named("admissionregistration.k8s.io/v1", kind, "hook", webhooks=[config]))


CALLS = {
    "ValidatingWebhookConfiguration": "webhooks[0].clientConfig.service",
    "MutatingWebhookConfiguration": "webhooks[0].clientConfig.service",
    "APIService": "spec.service",
    "CustomResourceDefinition": "spec.conversion.webhook.clientConfig.service",
}


@pytest.mark.parametrize(("kind", "path"), CALLS.items())
def test_a_service_that_is_called(kind: str, path: str) -> None:
    right = calling(kind, "{name: hook, namespace: system}")
    assert told(written(right, CALLED)) == []
    assert told(right) == [("missing-service", f"{path}.name")]
    other = calling(kind, "{name: hook, namespace: system, port: 8443}")
    assert told(written(other, CALLED)) == [("missing-service-port", f"{path}.port")]
    usual = CALLED.replace("443", "8443")
    assert told(written(right, usual)) == [("missing-service-port", f"{path}.port")]


def test_a_webhook_by_address_and_a_conversion_without_one() -> None:
    webhook = named(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "hook",
        webhooks=[{"clientConfig": {"url": "https://hook.example.com"}}],
    )
    definition = named("apiextensions.k8s.io/v1", "CustomResourceDefinition", "xs.example.com", spec={})
    local = named("apiregistration.k8s.io/v1", "APIService", "v1.", spec={})
    assert told(written(webhook, definition, local)) == []
