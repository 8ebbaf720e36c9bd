"""Who is let in: who has a certificate or a token of this cluster; anybody to the health checks; no other."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
import warnings

import pytest
import yaml

from command_line import Api, Sandkube

HEALTH = ("/livez", "/readyz", "/healthz")
CLOSED = (
    "/",
    "/api",
    "/apis",
    "/version",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/logs/",
    "/.well-known/openid-configuration",
    "/livez/etcd",
    "/livez/",
    "/livez/../api",
    "/livez%2f..%2fapi",
    "/livez;/api",
    "//api",
    "/readyz/ping",
    "/debug/pprof/",
    "/api/v1/namespaces",
    "/api/v1/secrets",
    "/apis/apps/v1/deployments",
)


def anonymous(sandkube: Sandkube, **headers: str) -> Api:
    """A client without a certificate."""
    folder = sandkube.folder()
    return Api(json.loads(folder.run.read_text())["port"], folder.pki / "ca.crt", None, headers)


@pytest.mark.parametrize("path", HEALTH)
def test_health_is_told_to_everybody(running: Sandkube, path: str) -> None:
    assert anonymous(running)("GET", path) == (200, "ok")


@pytest.mark.parametrize("path", CLOSED)
def test_nothing_else_is(running: Sandkube, path: str) -> None:
    status, body = anonymous(running)("GET", path)
    assert status in (401, 403), body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written_without_a_name(running: Sandkube, method: str) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    status, body = anonymous(running)(method, path, {"metadata": {"name": "anonymous"}})
    assert status in (401, 403), body
    assert running.api()("GET", f"{path}/anonymous")[0] == 404


def test_a_made_up_token_is_refused(running: Sandkube) -> None:
    assert anonymous(running, Authorization="Bearer not-a-token")("GET", "/api")[0] == 401


def test_a_header_of_the_front_proxy_is_not_believed(running: Sandkube) -> None:
    """X-Remote-User counts only with a certificate of the front proxy's CA."""
    api = anonymous(running, **{"X-Remote-User": "admin", "X-Remote-Group": "system:masters"})
    assert api("GET", "/api/v1/namespaces")[0] in (401, 403)


def test_who_has_no_name_takes_on_none(running: Sandkube) -> None:
    api = anonymous(running, **{"Impersonate-User": "admin", "Impersonate-Group": "system:masters"})
    for path in ("/api/v1/namespaces", "/livez"):  # not even for what everybody is told
        assert api("GET", path)[0] in (401, 403)


def test_another_user_of_the_machine_is_nobody(running: Sandkube, as_nobody: Sandkube) -> None:
    """They reach the port, as everybody does, and hold nothing that lets them in."""
    url = f"https://127.0.0.1:{running.status()['port']}/api/v1/namespaces"
    script = f"""if True:
        import ssl, urllib.error, urllib.request
        try:
            print(urllib.request.urlopen({url!r}, context=ssl._create_unverified_context()).status)
        except urllib.error.HTTPError as error:
            print(error.code)
    """
    assert as_nobody.run([*as_nobody.python, "-c", script]).stdout.strip() == "401"


def test_certificates_of_another_cluster_are_nothing_here(running: Sandkube, sandkube: Sandkube) -> None:
    sandkube("up", "--dry-run")  # which makes them
    theirs = sandkube.folder()
    status, body = running.api(client=theirs)("GET", "/api/v1/namespaces")
    assert status == 401, body
    # Nor does the client of one believe the server of the other.
    port = running.status()["port"]
    with pytest.raises(ssl.SSLCertVerificationError):
        Api(port, theirs.pki / "ca.crt", theirs.pki)("GET", "/livez")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("GET", "/api/v1/secrets", 401), ("OPTIONS", "/api/v1/secrets", 401), ("GET", "/livez", 200)],
)
def test_no_page_in_a_browser_reads_anything(
    running: Sandkube, method: str, path: str, expected: int
) -> None:
    """A browser gives an answer to a page of another origin only where the server says that it may."""
    context = ssl.create_default_context(cafile=running.folder().pki / "ca.crt")
    connection = http.client.HTTPSConnection("127.0.0.1", running.status()["port"], context=context)
    with contextlib.closing(connection):
        page = {"Origin": "https://page.example", "Access-Control-Request-Method": "GET"}
        connection.request(method, path, headers=page)
        answer = connection.getresponse()
        assert answer.status == expected
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    "file", ["kubeconfig", "pki/controller-manager.kubeconfig", "pki/scheduler.kubeconfig"]
)
def test_clients_know_the_server_by_the_ca_of_the_cluster(running: Sandkube, file: str) -> None:
    """And hold no token or password."""
    document = yaml.safe_load((running.folder().path / file).read_text())
    (cluster,), (user,) = document["clusters"], document["users"]
    authority = (running.folder().pki / "ca.crt").read_bytes()
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == authority
    assert not cluster["cluster"].get("insecure-skip-tls-verify")
    assert {"client-certificate-data", "client-key-data"} <= set(user["user"])
    assert not {"token", "tokenFile", "username", "password", "exec"} & set(user["user"])
    status, found = running.api()("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
    assert status == 200
    assert found["data"]["ca.crt"].encode() == authority


@pytest.mark.parametrize(
    "path", ["/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile", "/debug/flags/v"]
)
def test_profiles_are_off_for_the_administrator_too(running: Sandkube, path: str) -> None:
    assert running.api()("GET", path)[0] == 404


def test_authorisation_is_by_node_and_rbac(running: Sandkube) -> None:
    """A node may see itself, and no secret; a service account may do nothing that it was not given."""
    admin = running.api()
    spec = {"user": "system:node:one", "groups": ["system:nodes", "system:authenticated"]}

    def allowed(user: dict[str, object], **attributes: str) -> bool:
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {**user, "resourceAttributes": attributes},
        }
        status, answer = admin("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
        assert status == 201, answer
        return bool(answer["status"]["allowed"])

    assert allowed(dict(spec), verb="get", resource="nodes", name="one")
    assert not allowed(dict(spec), verb="get", resource="secrets", namespace="kube-system", name="any")
    account: dict[str, object] = {
        "user": "system:serviceaccount:default:default",
        "groups": ["system:serviceaccounts", "system:authenticated"],
    }
    assert not allowed(account, verb="list", resource="secrets", namespace="default")
    assert not allowed(account, verb="create", resource="pods", namespace="default")


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_tls_is_refused(running: Sandkube, version: str) -> None:
    if not getattr(ssl, f"HAS_{version}"):
        pytest.skip(f"needs an OpenSSL that speaks {version}")
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        _connect(running, ssl.TLSVersion[version])


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_new_tls_is_spoken(running: Sandkube, version: str) -> None:
    assert _connect(running, ssl.TLSVersion[version]) == version.replace("_", ".")


def _connect(sandkube: Sandkube, version: ssl.TLSVersion) -> str | None:
    context = ssl.create_default_context(cafile=sandkube.folder().pki / "ca.crt")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or OpenSSL itself would refuse, and the server not be asked
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    address = ("127.0.0.1", sandkube.status()["port"])
    with (
        socket.create_connection(address, 30) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        return tls.version()
