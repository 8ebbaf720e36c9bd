"""What an API server answers, as data. Nothing is asked here."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from sandkube.errors import ApiFailed
from sandkube.kube.client import Answer, Client
from sandkube.kube.discovery import Resource, Served, defined_by, discover
from sandkube.kube.openapi import Schemas
from sandkube.kube.status import Cause, refusal
from sandkube.kube.watching import watch


def client_that(answers: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client whose requests are answered by a function."""
    monkeypatch.setattr(httpx2, "HTTPTransport", lambda **_: httpx2.MockTransport(answers))
    return Client("https://127.0.0.1:1")


def test_warnings_are_unquoted_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(_: httpx2.Request) -> httpx2.Response:
        headers = [
            ("Warning", '299 - "one \\"quoted\\" word"'),
            ("Warning", '299 - "two, with a comma", 299 - "three"'),
            ("Warning", '299 - "three"'),
        ]
        return httpx2.Response(201, headers=headers, json={})

    with client_that(answers, monkeypatch) as client:
        answer = client.send("POST", "/x", body=b"{}")
    assert answer.ok
    assert answer.warnings == ('one "quoted" word', "two, with a comma", "three")


def test_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[httpx2.Request] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"a": 1})

    with client_that(answers, monkeypatch) as client:
        client.send(
            "POST", "/x", query={"dryRun": "All"}, body="kind: ä\n".encode(), content_type="application/yaml"
        )
    (request,) = seen
    assert (request.method, request.url.query) == ("POST", b"dryRun=All")
    assert request.content == "kind: ä\n".encode()
    assert request.headers["content-type"] == "application/yaml"


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused", request=request)

    with (
        client_that(answers, monkeypatch) as client,
        pytest.raises(ApiFailed, match="does not answer: connection refused"),
    ):
        client.send("GET", "/x")


def test_a_server_that_asks_for_patience_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        httpx2.Response(429, headers={"Retry-After": "0"}),
        httpx2.Response(429, headers={"Retry-After": "0"}),
        httpx2.Response(200, json={"a": 1}),
        httpx2.Response(429, json={"message": "a budget of disruptions is used up"}),
    ]
    with client_that(lambda _: said.pop(0), monkeypatch) as client:
        assert client.get("/x") == {"a": 1}
        assert client.send("POST", "/evict").code == 429
    assert said == []


def test_getting_what_is_not_there_and_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404 if request.url.path == "/absent" else 403, json={"message": "no entry"})

    with client_that(answers, monkeypatch) as client:
        assert client.get("/absent") is None
        with pytest.raises(ApiFailed, match="no entry"):
            client.get("/secret")


def test_a_refusal_and_its_causes() -> None:
    status = {
        "kind": "Status",
        "code": 422,
        "reason": "Invalid",
        "message": "whole",
        "details": {
            "kind": "Pod",
            "name": "a",
            "causes": [{"reason": "R", "message": "m", "field": "spec.x"}],
        },
    }
    found = refusal(Answer(422, json.dumps(status).encode(), ()))
    assert found is not None
    assert (found.reason, found.message, found.name) == ("Invalid", "whole", "a")
    assert found.causes == (Cause("R", "m", "spec.x"),)
    assert refusal(Answer(200, b"{}", ())) is None


def test_a_refusal_by_something_that_is_no_api_server() -> None:
    found = refusal(Answer(502, b"<html>bad gateway</html>", ()))
    assert found is not None
    assert (found.code, found.message) == (502, "<html>bad gateway</html>")


def test_discovery(monkeypatch: pytest.MonkeyPatch) -> None:
    def resource(kind: str, plural: str, scope: str) -> dict[str, Any]:
        return {"resource": plural, "scope": scope, "responseKind": {"kind": kind}, "verbs": ["get"]}

    def group(name: str, *versions: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
        listed = [{"version": version, "resources": resources} for version, resources in versions]
        return {"metadata": {"name": name}, "versions": listed}

    documents = {
        "/api": {"items": [group("", ("v1", [resource("Namespace", "namespaces", "Cluster")]))]},
        "/apis": {
            "items": [
                group(
                    "apps",
                    ("v1", [resource("Deployment", "deployments", "Namespaced")]),
                    ("v1beta1", [resource("Deployment", "deployments", "Namespaced")]),
                )
            ]
        },
    }
    with client_that(
        lambda request: httpx2.Response(200, json=documents[request.url.path]), monkeypatch
    ) as client:
        served = discover(client)
    deployment = served.of("apps/v1", "Deployment")
    assert deployment is not None
    assert deployment.path("shop", "a/b") == "/apis/apps/v1/namespaces/shop/deployments/a%2Fb"
    assert deployment.path() == "/apis/apps/v1/deployments"
    namespace = served.of("v1", "Namespace")
    assert namespace is not None
    assert namespace.path("ignored", "x") == "/api/v1/namespaces/x"
    assert [one.version for one in served.versions("Deployment")] == ["v1", "v1beta1"]
    assert served.preferred("apps", "Deployment") == deployment
    assert served.of("apps/v1beta2", "Deployment") is None


def test_kinds_that_a_definition_brings() -> None:
    definition = {
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": True}, {"name": "v0", "served": False}],
        }
    }
    served = Served()
    served.add(defined_by(definition))
    assert served.of("example.com/v1", "Widget") == Resource("example.com", "v1", "Widget", "widgets", True)
    assert served.of("example.com/v0", "Widget") is None


def test_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"
    document = {
        "components": {
            "schemas": {
                "Widget": {
                    "x-kubernetes-group-version-kind": [
                        {"group": "example.com", "version": "v1", "kind": "Widget"}
                    ],
                    "type": "object",
                    "properties": {
                        "size": {"allOf": [{"$ref": f"#/components/schemas/{quantity}"}], "default": {}},
                        "ports": {"type": "array", "items": {"type": "integer"}},
                        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                        "port": {
                            "format": "int-or-string",
                            "oneOf": [{"type": "integer"}, {"type": "string"}],
                        },
                        "data": {"type": "string", "format": "byte"},
                    },
                },
                quantity: {"oneOf": [{"type": "string"}, {"type": "number"}]},
            }
        }
    }
    asked: list[str] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        if request.url.path == "/openapi/v3":
            paths = {"apis/example.com/v1": {"serverRelativeURL": "/openapi/v3/apis/example.com/v1?hash=A"}}
            return httpx2.Response(200, json={"paths": paths})
        return httpx2.Response(200, json=document)

    with client_that(answers, monkeypatch) as client:
        schemas = Schemas(client)
        resource = Resource("example.com", "v1", "Widget", "widgets", True)
        schema = schemas.of(resource)
        assert schemas.of(Resource("example.com", "v1", "Other", "others", True)) is None
        assert schemas.of(Resource("apps", "v1", "Deployment", "deployments", True)) is None
    assert schema is not None
    kinds = {name: found.kind for name in schema.names if (found := schema.field(name)) is not None}
    assert kinds == {
        "size": "quantity",
        "ports": "array",
        "labels": "object",
        "port": "int-or-string",
        "data": "base64",
    }
    labels, ports = schema.field("labels"), schema.field("ports")
    assert labels is not None
    assert ports is not None
    value, item = labels.field("anything"), ports.items
    assert value is not None
    assert item is not None
    assert (value.kind, item.kind) == ("string", "integer")
    assert asked.count("/openapi/v3/apis/example.com/v1") == 1


def test_a_watch_ends_with_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b'{"type": "ADDED", "object": {"a": 1}}\n{"type": "MODIFIED", "object": {"a": 2}}\n{"type": "DEL'

    with client_that(lambda _: httpx2.Response(200, content=lines), monkeypatch) as client:
        found = list(watch(client, "/x", seconds=1))
    assert found == [("ADDED", {"a": 1}), ("MODIFIED", {"a": 2})]
