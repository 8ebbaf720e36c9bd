from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandkube.distributions import Address, Plan, Programs, distribution, embedded
from sandkube.errors import UsageError
from sandkube.plane import datastore_socket, pki
from sandkube.plane.folder import ClusterFolder


def asked(plan: Plan, **arguments: tuple[str, ...]) -> Plan:
    return replace(plan, spec=replace(plan.spec, **arguments))  # type: ignore[arg-type]


def settle(plan: Plan) -> None:
    embedded.settle(plan.spec, None, plan.folder)


def value(flags: list[str], name: str) -> str:
    found = [flag.partition("=")[2] for flag in flags if flag.partition("=")[0] == name]
    assert len(found) == 1, f"{name} is there {len(found)} times"
    return found[0]


def test_the_module_is_a_distribution() -> None:
    assert distribution("embedded") is embedded
    with pytest.raises(UsageError) as caught:
        distribution("other")
    assert caught.value.hint == "known are: embedded, k3s"


def test_it_is_secure_by_default(plan: Plan) -> None:
    api = embedded.api_server_flags(plan)
    assert value(api, "--bind-address") == "127.0.0.1"
    assert value(api, "--authorization-mode") == "Node,RBAC"
    assert value(api, "--enable-admission-plugins") == "NodeRestriction"
    assert value(api, "--profiling") == "false"
    assert value(api, "--authentication-config") == str(plan.folder.authentication)
    for component in (embedded.controller_manager_flags(plan), embedded.scheduler_flags(plan)):
        assert value(component, "--profiling") == "false"
        assert value(component, "--secure-port") == "0"
        assert value(component, "--leader-elect") == "false"
    assert not [flag for flag in api if "token-auth-file" in flag or "anonymous-auth" in flag]


def test_only_health_is_for_everybody() -> None:
    paths = [line.split()[-1] for line in embedded.ANONYMOUS_HEALTH.splitlines() if "path:" in line]
    assert paths == ["/livez", "/readyz", "/healthz"]


def test_without_an_address_the_endpoints_are_left_alone(plan: Plan) -> None:
    flags = embedded.api_server_flags(replace(plan, address=Address(6443, None)))
    assert value(flags, "--advertise-address") == "127.0.0.1"
    assert value(flags, "--endpoint-reconciler-type") == "none"
    assert not [flag for flag in embedded.api_server_flags(plan) if "endpoint-reconciler" in flag]


def test_the_users_flags_replace_ours(plan: Plan) -> None:
    flags = embedded.api_server_flags(
        asked(plan, api_server_args=("--profiling=true", "authorization_mode=RBAC"))
    )
    assert value(flags, "--profiling") == "true"
    assert not [flag for flag in flags if flag.startswith("--authorization-mode")]
    assert flags[-2:] == ["--profiling=true", "--authorization_mode=RBAC"]


def test_to_some_lists_the_users_are_added(plan: Plan) -> None:
    theirs = ("--enable-admission-plugins=AlwaysPullImages",)
    flags = embedded.api_server_flags(asked(plan, api_server_args=theirs))
    assert "--enable-admission-plugins=NodeRestriction" in flags
    assert flags[-1] == theirs[0]
    controllers = embedded.controller_manager_flags(
        asked(plan, controller_manager_args=("--controllers=-cronjob",))
    )
    assert [flag for flag in controllers if flag.startswith("--controllers")] == [
        "--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
        "--controllers=-cronjob",
    ]


@pytest.mark.parametrize("theirs", ["--anonymous-auth=true", "--oidc-issuer-url=https://example.com"])
def test_flags_that_upstream_takes_instead_of_the_file(plan: Plan, theirs: str) -> None:
    flags = embedded.api_server_flags(asked(plan, api_server_args=(theirs,)))
    assert not [flag for flag in flags if flag.startswith("--authentication-config")]
    assert value(flags, "--anonymous-auth") == ("true" if "anonymous" in theirs else "false")


def test_a_file_of_the_users_own(plan: Plan) -> None:
    flags = embedded.api_server_flags(asked(plan, api_server_args=("--authentication-config=/x",)))
    assert value(flags, "--authentication-config") == "/x"


@pytest.mark.parametrize(
    ("kind", "argument"),
    [
        ("api_server_args", "--secure-port=1"),
        ("api_server_args", "secure_port=1"),
        ("api_server_args", "--etcd-servers=http://x"),
        ("api_server_args", "--bind-address=0.0.0.0"),
        ("controller_manager_args", "--leader-elect"),
        ("scheduler_args", "--kubeconfig=/x"),
    ],
)
def test_what_would_break_the_contract_is_refused(plan: Plan, kind: str, argument: str) -> None:
    with pytest.raises(UsageError, match="cannot be set"):
        settle(asked(plan, **{kind: (argument,)}))


@pytest.mark.parametrize("argument", ["--", "=x", "--v 4", "-"])
def test_what_is_no_flag_is_refused(plan: Plan, argument: str) -> None:
    with pytest.raises(UsageError, match="is no flag"):
        settle(asked(plan, scheduler_args=(argument,)))


@pytest.mark.parametrize("foreign", [{"k3s": "/opt/k3s"}, {"k3s_args": ("--debug",)}])
def test_what_is_for_k3s_is_refused(plan: Plan, foreign: Any) -> None:
    with pytest.raises(UsageError, match="is for the distribution k3s"):
        settle(replace(plan, spec=replace(plan.spec, **foreign)))


def test_every_flag_we_set_is_one_that_the_user_may_know_about(plan: Plan) -> None:
    for flag in [*embedded.api_server_flags(plan), *embedded.controller_manager_flags(plan)]:
        assert flag.startswith("--")
        assert "=" in flag


def test_the_service_range_decides_the_address_of_kubernetes(plan: Plan) -> None:
    assert "10.96.0.1" in embedded.certificate_names(plan.spec, None)
    other = asked(plan, api_server_args=("--service-cluster-ip-range=10.1.0.0/24",)).spec
    assert embedded.service_range(other) == "10.1.0.0/24"
    assert "10.1.0.1" in embedded.certificate_names(other, "192.0.2.7")
    assert "192.0.2.7" in embedded.certificate_names(other, "192.0.2.7")
    with pytest.raises(UsageError, match="must be one IPv4 network"):
        settle(asked(plan, api_server_args=("--service-cluster-ip-range=x",)))


def test_server_json(plan: Plan) -> None:
    document = embedded.configuration(plan, {"fd": 3}, parent_fd=4)
    assert document["contract"] == 1
    assert document["datastore"] == {
        "path": str(plan.folder.database),
        "socket": str(plan.socket),
        "synchronous": "NORMAL",
        "root_ca_file": str(pki.certificate(plan.folder.pki, pki.CA)),
        "template": "/opt/template.db",
    }
    assert document["listener"] == {"fd": 3}
    assert document["parent_fd"] == 4
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize(
    ("durability", "synchronous"), [("fast", "OFF"), ("normal", "NORMAL"), ("full", "FULL")]
)
def test_durability(plan: Plan, durability: Any, synchronous: str) -> None:
    plan = replace(plan, spec=replace(plan.spec, durability=durability))
    assert embedded.configuration(plan, {"fd": 3})["datastore"]["synchronous"] == synchronous


def test_what_is_not_there_is_not_named(plan: Plan) -> None:
    assert plan.programs.server
    server = replace(plan.programs.server, template=None)
    plan = replace(plan, programs=Programs.of(server))
    document = embedded.configuration(plan, {"fd": 3})
    assert "template" not in document["datastore"]
    assert "parent_fd" not in document


def test_no_secret_is_in_the_arguments(plan: Plan) -> None:
    plan.folder.create()
    import datetime as dt

    pki.ensure(plan.folder.pki, ["localhost"], dt.datetime.now(dt.timezone.utc))
    written = embedded.files(plan)
    assert set(written) == {
        plan.folder.kubeconfig,
        plan.folder.authentication,
        plan.folder.pki / "controller-manager.kubeconfig",
        plan.folder.pki / "scheduler.kubeconfig",
    }
    assert "client-key-data" in written[plan.folder.kubeconfig]
    told = json.dumps(embedded.configuration(plan, {"fd": 3})) + embedded.script(plan)
    assert "PRIVATE" not in told
    assert "key-data" not in told


NASTY = 'it\'s $HOME `id` \\ "x"'


@pytest.fixture(params=["plain", NASTY, "deep" * 30])
def runnable(plan: Plan, tmp_path: Path, request: pytest.FixtureRequest) -> Plan:
    """A plan whose server prints what it was given."""
    folder = ClusterFolder.of(tmp_path / request.param, "demo")
    folder.create()
    binary = tmp_path / "a 'server'"
    binary.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\ncat "${2#--config=}"\n')
    binary.chmod(0o700)
    return replace(
        plan,
        folder=folder,
        programs=replace(plan.programs, serves=binary),
        socket=folder.path / "db/kine.sock",
    )


def test_the_script_gives_the_server_what_up_would(runnable: Plan) -> None:
    done = subprocess.run(
        ["sh"], input=embedded.script(runnable), text=True, capture_output=True, check=True, cwd="/"
    )
    command, argument, text = done.stdout.split("\n", 2)
    assert [command, argument] == ["run", f"--config={runnable.folder.server_config}"]
    told = json.loads(text)
    expected = embedded.configuration(runnable, {"address": "127.0.0.1:6443"})
    socket = told["datastore"].pop("socket")
    own_place = expected["datastore"].pop("socket")
    assert told == expected
    assert socket == own_place or (len(own_place) > 100 and len(socket) < 100)
    datastore_socket.remove_old(runnable.folder)  # as `delete` does
    assert socket == own_place or not Path(socket).parent.exists()
    assert done.stderr.startswith("export KUBECONFIG=")
    assert runnable.folder.server_config.stat().st_mode & 0o077 == 0


def test_shellcheck_finds_nothing_in_the_script(runnable: Plan) -> None:
    # Of a path with backquotes it remarks that quotes keep them as they are, which is the point.
    severity = "warning" if "`" in str(runnable.folder.path) else "style"
    done = subprocess.run(
        ["shellcheck", f"--severity={severity}", "-"],
        input=embedded.script(runnable),
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.stdout == ""
