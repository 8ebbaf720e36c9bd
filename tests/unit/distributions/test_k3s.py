"""What k3s is told, flag by flag, and what its log tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandkube.config import ClusterSpec
from sandkube.distributions import Address, Plan, Programs, distribution, k3s
from sandkube.distributions.k3s import flags, lines, log
from sandkube.errors import UsageError
from sandkube.plane.folder import ClusterFolder


@pytest.fixture
def plan(plan: Plan) -> Plan:
    programs = Programs(Path("/opt/k3s"), None, None, None)
    return replace(plan, spec=ClusterSpec("demo", distribution="k3s"), programs=programs)


def asked(plan: Plan, **settings: Any) -> Plan:
    return replace(plan, spec=replace(plan.spec, **settings))


def test_the_module_is_a_distribution() -> None:
    assert distribution("k3s") is k3s


def test_no_worker(plan: Plan) -> None:
    told = flags.flags(plan)
    assert "--disable-agent" in told
    assert "--rootless" in told  # nothing goes to /etc/rancher
    assert "--disable=coredns,servicelb,traefik,local-storage,metrics-server" in told


def test_the_scheduler_waits_for_no_node(plan: Plan) -> None:
    told = flags.addon_flags()
    assert "--disable-cloud-controller" in told
    assert any("servicelb" in flag for flag in told)  # or else the cloud controller runs all the same


def test_everything_lies_in_the_folder(plan: Plan) -> None:
    for flag in flags.place_flags(plan)[:2]:
        assert Path(flag.partition("=")[2]).is_relative_to(plan.folder.path)
    assert "--write-kubeconfig-mode=600" in flags.place_flags(plan)
    own = flags.environment(plan)
    assert Path(own["HOME"]).is_relative_to(plan.folder.path)
    assert Path(own["TMPDIR"]).is_relative_to(plan.folder.path)
    assert Path(own["K3S_CONFIG_FILE"]).is_relative_to(plan.folder.path)


def test_no_port_is_k3s_own(plan: Plan) -> None:
    assert flags.port_flags(plan)[:3] == [
        "--https-listen-port=6443",
        "--kube-controller-manager-arg=secure-port=10257",
        "--kube-scheduler-arg=secure-port=10259",
    ]
    other = replace(plan, address=Address(7000, None), ports=(7001, 7002, 7003))
    assert not [flag for flag in flags.port_flags(other) if "10257" in flag or "10259" in flag]


def test_loopback_only(plan: Plan) -> None:
    assert "--bind-address=127.0.0.1" in flags.address_flags(plan)
    assert "--node-ip=192.0.2.7" in flags.address_flags(plan)
    alone = flags.address_flags(replace(plan, address=Address(6443, None)))
    assert "--node-ip=127.0.0.1" in alone
    assert "--kube-apiserver-arg=endpoint-reconciler-type=none" in alone


def test_the_plugin_or_none(plan: Plan) -> None:
    assert flags.plugin_flags(plan.spec) == []
    assert flags.path_before(plan) == [str(plan.folder.path / "cni")]
    none = asked(plan, cni="none")
    assert flags.plugin_flags(none.spec) == ["--flannel-backend=none"]
    assert flags.path_before(none) == []


@pytest.mark.parametrize(("durability", "synchronous"), [("fast", "OFF"), ("full", "FULL")])
def test_durability(plan: Plan, durability: str, synchronous: str) -> None:
    (flag,) = flags.datastore_flags(asked(plan, durability=durability))
    assert flag.startswith(f"--datastore-endpoint=sqlite://{plan.folder.path}/k3s/server/db/state.db?")
    assert flag.endswith(f"&_synchronous={synchronous}")
    assert flags.datastore_flags(plan) == []


def test_the_users_flags_replace_ours_or_are_added(plan: Plan) -> None:
    told = flags.flags(asked(plan, k3s_args=("--node-name=mine", "disable=metrics", "--debug")))
    assert [flag for flag in told if flag.startswith("--node-name")] == ["--node-name=mine"]
    assert len([flag for flag in told if flag.startswith("--disable=")]) == 2
    assert told[-1] == "--debug"


def test_flags_for_the_components(plan: Plan) -> None:
    told = flags.flags(asked(plan, api_server_args=("--v=4",), scheduler_args=("v=5",)))
    assert "--kube-apiserver-arg=v=4" in told
    assert "--kube-scheduler-arg=v=5" in told


@pytest.mark.parametrize("flag", sorted(flags.REFUSED))
def test_what_would_break_it_is_refused(plan: Plan, flag: str) -> None:
    with pytest.raises(UsageError, match="cannot be set for k3s"):
        k3s.settle(asked(plan, k3s_args=(f"{flag}=x",)).spec, None, plan.folder)


def test_every_flag_of_ours_but_lists_is_refused_or_may_be_replaced(plan: Plan) -> None:
    for flag in flags.flags(plan):
        assert flag.startswith("--")


@pytest.mark.parametrize("name", ["a~b", "$HOME", "${HOME}", "a?b"])
def test_a_folder_that_k3s_would_misread(plan: Plan, name: str) -> None:
    folder = ClusterFolder.of(Path("/x") / name, "demo")
    with pytest.raises(UsageError, match="in its path"):
        k3s.settle(plan.spec, None, folder)


def test_the_users_data_folder_is_for_new_clusters(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K3S_DATA_DIR", "/data/x/../k3s")
    settled = k3s.settle(plan.spec, None, plan.folder)
    assert settled.data_dir == "/data/k3s"
    assert flags.data_dir(plan.folder, settled) == Path("/data/k3s")
    assert Path("/data/k3s/sandkube.lock") in flags.locks(plan.folder, settled)
    assert k3s.settle(plan.spec, plan.spec, plan.folder).data_dir is None


def test_the_data_of_a_foreign_k3s(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K3S_DATA_DIR", str(tmp_path))
    (tmp_path / "server" / "db").mkdir(parents=True)
    with pytest.raises(UsageError, match="the data of a k3s that sandkube did not start"):
        k3s.settle(plan.spec, None, plan.folder)
    (tmp_path / "sandkube.lock").touch()
    assert k3s.settle(plan.spec, None, plan.folder).data_dir == str(tmp_path)


def test_encryption_is_for_new_clusters(plan: Plan) -> None:
    on = replace(plan.spec, encrypt_secrets=True)
    assert "--secrets-encryption" in flags.flags(replace(plan, spec=k3s.settle(on, None, plan.folder)))
    for before, now in ((on, plan.spec), (plan.spec, on)):
        with pytest.raises(UsageError, match="from its first start on"):
            k3s.settle(now, before, plan.folder)


def test_service_range(plan: Plan) -> None:
    assert k3s.service_range(plan.spec) == "10.43.0.0/16"
    theirs = asked(plan, k3s_args=("--service-cidr=10.1.0.0/16,fd00::/112",)).spec
    assert k3s.service_range(theirs) == "10.1.0.0/16"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('time="x" level=fatal msg="Error: failed to find host-local: exec: \\"a\\": no"',
         'failed to find host-local: exec: "a": no'),
        ('time="x" level=fatal msg="flag provided but not defined: -x"', "flag provided but not defined: -x"),
        ('time="x" level=error msg="Shutdown request received: \\"scheduler exited\\""', "scheduler exited"),
        ('time="x" level=fatal msg="starting" error="no disk"', "starting: no disk"),
        ("F1124 11:00:00.000000       7 server.go:1] no address", "no address"),
        ("panic: runtime error", "panic: runtime error"),
        ('time="x" level=error msg="something else"', None),
        ("I1124 11:00:00.000000       7 server.go:1] fine", None),
    ],
)  # fmt: skip
def test_why_k3s_gives_up(line: str, reason: str | None) -> None:
    assert lines.fatal(line) == reason


def test_the_log_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    turned = log.TurnedLog(path, limit=100, backups=2)
    for number in range(20):
        turned.write(f"{number:039}\n".encode())
    older = sorted(tmp_path.glob("server-*.log"))
    assert len(older) == 2
    last = [line for file in [*older, path] for line in file.read_text().splitlines()]
    assert [int(line) for line in last] == list(range(14, 20))
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_log_that_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    turned = log.TurnedLog(path, limit=10, backups=2)
    turned.write(b"12345678\n")
    path.unlink()
    turned.write(b"after\n")
    assert path.read_bytes() == b"after\n"


def test_a_log_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text("before\n")
    log.TurnedLog(path, limit=100, backups=2).write(b"after\n")
    assert path.read_text() == "before\nafter\n"
