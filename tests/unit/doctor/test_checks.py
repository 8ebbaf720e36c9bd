"""Single checks, in surroundings that are made up: what cannot be had on every machine."""

from __future__ import annotations

import datetime as dt
import fcntl
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from sandkube import cluster
from sandkube.cluster import state as cluster_state
from sandkube.config import ClusterSpec
from sandkube.doctor import Finding, Surroundings, file_system
from sandkube.doctor.checks import (
    cache_folder,
    certificates,
    clients,
    clock,
    go,
    k3s,
    leftovers,
    limits,
    loopback,
    memory,
    ports,
    proxies,
    sandbox,
    server,
    state_folder,
)
from sandkube.plane import process
from sandkube.plane.folder import ClusterFolder
from sandkube.plane.process import Identity
from sandkube.server import checkout
from unit.waiting import until

MEMINFO = "MemTotal: 8000000 kB\nMemAvailable: {} kB\nSwapFree: 0 kB\n"


def kinds(found: Iterable[Finding]) -> list[str]:
    return [one.kind for one in found]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


# gVisor


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016\n", ["gvisor"]),
        ("Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)\n", [""]),
    ],
)
def test_gvisor(
    around: Surroundings, version: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "_kernel_log", lambda: "")
    write(around.proc / "version", version)
    assert kinds(sandbox.look(around)) == expected


def test_gvisor_by_its_log_alone(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_kernel_log", lambda: "<6>[   0.000000] Starting gVisor...\n")
    assert kinds(sandbox.look(around)) == ["gvisor"]


# memory and cores


@pytest.mark.parametrize(
    ("megabytes", "expected"), [(8000, [""]), (400, ["memory-low"]), (200, ["memory-too-little"])]
)
def test_memory_of_the_machine(around: Surroundings, megabytes: int, expected: list[str]) -> None:
    write(around.proc / "meminfo", MEMINFO.format(megabytes * 1000))
    assert kinds(memory.look(around)) == expected


def test_memory_that_a_running_cluster_has_taken(around: Surroundings, stand_in: Path) -> None:
    write(around.proc / "meminfo", MEMINFO.format(100_000))
    assert kinds(memory.look(around)) == ["memory-too-little"]
    cluster.up("one")
    assert kinds(memory.look(around)) == ["memory-low"]


def test_memory_of_a_cgroup_of_version_2(around: Surroundings) -> None:
    """The limit may be that of a group above; page cache gives way."""
    write(around.proc / "meminfo", MEMINFO.format(8_000_000))
    write(around.proc / "self" / "cgroup", "0::/a/b\n")
    write(around.cgroup / "a" / "b" / "memory.max", "max\n")
    write(around.cgroup / "a" / "memory.max", "900000000\n")
    write(around.cgroup / "a" / "memory.current", "800000000\n")
    write(around.cgroup / "a" / "memory.stat", "anon 1\ninactive_file 700000000\nactive_file 0\n")
    assert kinds(memory.look(around)) == [""]
    write(around.cgroup / "a" / "memory.stat", "anon 1\n")
    (found,) = memory.look(around)
    assert found.kind == "memory-too-little"
    assert found.found.startswith("100 MB")
    assert "900 MB" in found.found


def test_memory_of_a_cgroup_of_version_1(around: Surroundings) -> None:
    """In a container the path is one of the host's, and what is mounted is its own group."""
    write(around.proc / "meminfo", MEMINFO.format(8_000_000))
    write(around.proc / "self" / "cgroup", "11:cpu,cpuacct:/docker/1f\n4:memory:/docker/1f\n")
    write(around.cgroup / "memory" / "memory.limit_in_bytes", "200000000\n")
    write(around.cgroup / "cpu,cpuacct" / "cpu.cfs_quota_us", "50000\n")
    write(around.cgroup / "cpu,cpuacct" / "cpu.cfs_period_us", "100000\n")
    assert kinds(memory.look(around)) == ["memory-too-little", "cores-few"]
    write(around.cgroup / "memory" / "memory.limit_in_bytes", f"{2**63 - 4096}\n")
    write(around.cgroup / "cpu,cpuacct" / "cpu.cfs_quota_us", "-1\n")
    assert kinds(memory.look(around)) == [""]


def test_cores_of_a_cgroup_of_version_2(around: Surroundings) -> None:
    write(around.proc / "self" / "cgroup", "0::/\n")
    write(around.cgroup / "cpu.max", "20000 100000\n")
    (found,) = memory.look(around)
    assert found.found == "The cgroup gives 0.20 of a core."
    write(around.cgroup / "cpu.max", "max 100000\n")
    assert kinds(memory.look(around)) == [""]


def test_processes_of_a_cgroup(around: Surroundings) -> None:
    write(around.proc / "self" / "cgroup", "0::/\n")
    write(around.cgroup / "pids.max", "50\n")
    write(around.cgroup / "pids.current", "30\n")
    assert "processes-too-few" in kinds(limits.look(around))
    write(around.cgroup / "pids.max", "max\n")
    assert "processes-too-few" not in kinds(limits.look(around))


# file systems


def test_the_mount_of_a_path(around: Surroundings) -> None:
    write(
        around.proc / "self" / "mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "2 1 0:5 / /mnt rw,noexec - tmpfs none rw,size=4k\n"
        "3 1 0:6 / /mnt/with\\040space ro - nfs4 host:/x rw\n"
        "4 1 0:7 / /mnt rw - xfs /dev/sdb rw\n"
        "half a line\n",
    )

    def mount(path: str) -> file_system.Mount | None:
        return file_system.mount_of(Path(path), around.proc)

    assert mount("/opt/x") == file_system.Mount(Path("/"), "ext4", frozenset({"rw"}))
    assert mount("/mnt/with space/x") == file_system.Mount(
        Path("/mnt/with space"), "nfs4", frozenset({"ro", "rw"})
    )
    assert mount("/mnt/x") == file_system.Mount(Path("/mnt"), "xfs", frozenset({"rw"}))  # over the tmpfs


def test_trying_out_leaves_nothing(tmp_path: Path) -> None:
    assert file_system.try_out(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
    assert set(file_system.try_out(tmp_path / "missing")) == {"write"}


@pytest.mark.parametrize(
    ("call", "kind"),
    [("_lock", "state-no-locks"), ("_map", "state-no-shared-memory"), ("_listen", "state-no-sockets")],
)
def test_what_a_file_system_lacks(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch, call: str, kind: str
) -> None:
    """Stands in for file systems that are not to be had here."""

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(file_system, call, refuse)
    (found,) = state_folder.look(around)
    assert found.kind == kind
    assert "Operation not supported" in found.found


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("nfs4 host:/x rw", ["state-shared"]),
        ("9p none rw,trans=fd,rfdno=3,directfs", [""]),  # gVisor's
        ("9p none rw,trans=virtio", ["state-shared"]),
    ],
)
def test_file_systems_of_several_machines(around: Surroundings, row: str, expected: list[str]) -> None:
    write(around.proc / "self" / "mountinfo", f"1 0 8:1 / / rw - {row}\n")
    assert kinds(state_folder.look(around)) == expected


def test_a_state_folder_that_others_can_write_to(around: Surroundings, state: Path) -> None:
    (state / "clusters").mkdir(parents=True)
    state.chmod(0o700)
    (state / "clusters").chmod(0o770)
    (found,) = state_folder.look(around)
    assert found.kind == "state-not-private"
    assert found.remedy.startswith(f"chmod go-w {state}/clusters  #")
    (state / "clusters").chmod(0o700)
    assert kinds(state_folder.look(around)) == [""]
    state.chmod(0o777)
    assert kinds(state_folder.look(around)) == ["state-not-private"]


@pytest.mark.parametrize(("below", "words"), [("", "is not a folder"), ("/x", "is not a folder")])
def test_a_file_in_the_place_of_the_folder(
    around: Surroundings, tmp_path: Path, below: str, words: str
) -> None:
    (tmp_path / "file").touch()
    environ = {**around.environ, "SANDKUBE_STATE_DIR": f"{tmp_path}/file{below}"}
    (found,) = state_folder.look(replace(around, environ=environ))
    assert found.kind == "state-unreadable"
    assert words in found.found
    assert found.remedy == "export SANDKUBE_STATE_DIR=/some/folder"  # and no chmod of what is no folder


def test_a_link_that_leads_nowhere(around: Surroundings, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    environ = {**around.environ, "SANDKUBE_STATE_DIR": f"{tmp_path}/loop"}
    looped = replace(around, environ=environ)
    assert kinds(state_folder.look(looped)) == ["state-unreadable"]
    for look in (ports.look, certificates.look, k3s.look, leftovers.look, clock.look):
        assert kinds(look(looped)) == [""]


def test_no_home(around: Surroundings) -> None:
    """A path that KUBECONFIG cannot name stands in for a user without a home: both have no place."""
    nowhere = replace(around, environ={"SANDKUBE_STATE_DIR": "/a:b"})
    (found,) = state_folder.look(nowhere)
    assert found.kind == "state-no-place"
    for look in (ports.look, certificates.look, k3s.look, leftovers.look, clock.look):
        assert kinds(look(nowhere)) == [""]


def test_a_cache_that_cannot_be_made(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It matters only where there is no server binary yet."""
    environ = {**around.environ, "SANDKUBE_CACHE_DIR": "/proc/nothing/here"}
    monkeypatch.setattr(os, "access", lambda path, _: not str(path).startswith("/proc"))
    assert kinds(cache_folder.look(replace(around, environ=environ))) == ["cache-unwritable"]


# network


def test_loopback_is_there(around: Surroundings) -> None:
    assert kinds(loopback.look(around)) == [""]


def test_a_port_that_a_cluster_had(around: Surroundings, state: Path) -> None:
    """Nobody asked for it, so it is no problem."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        known_cluster(state, ClusterSpec("one", last_port=port))
        (found,) = ports.look(around)
        assert found.kind == "port-moves"
        assert found.remedy == 'sandkube up one && eval "$(sandkube env one)"'
        assert kinds(ports.look(replace(around, name="other"))) == [""]
    assert kinds(ports.look(around)) == [""]


@pytest.mark.parametrize(
    ("environ", "caught"),
    [
        ({}, False),
        ({"HTTP_PROXY": "http://p"}, False),  # a cluster is https
        ({"HTTPS_PROXY": ""}, False),
        ({"HTTPS_PROXY": "http://p"}, True),
        ({"https_proxy": "http://p", "NO_PROXY": "localhost"}, True),
        ({"https_proxy": "http://p", "NO_PROXY": "localhost, 127.0.0.1"}, False),
        ({"HTTPS_PROXY": "http://p", "no_proxy": "127.0.0.0/8"}, False),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "*"}, False),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "127.0.0.1", "no_proxy": "example.org"}, True),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "10.0.0.0/8,127.0.0.10"}, True),
    ],
)
def test_proxies(around: Surroundings, environ: dict[str, str], caught: bool) -> None:  # noqa: FBT001 -- a row
    assert (kinds(proxies.look(replace(around, environ=environ))) == ["proxy-catches-loopback"]) is caught


# time


def test_a_clock_before_all_of_this(around: Surroundings) -> None:
    (found,) = clock.look(replace(around, now=0.0))
    assert found.kind == "clock-behind"
    assert "1970-01-01" in found.found


def test_a_file_from_the_future(around: Surroundings, state: Path) -> None:
    assert kinds(clock.look(around)) == [""]
    folder = known_cluster(state, ClusterSpec("one"))
    later = time.time() + 365 * 86400
    os.utime(folder.spec, (later, later))
    (found,) = clock.look(around)
    assert found.kind == "clock-behind"
    assert f"{folder.spec} was written 365 days later" in found.found


def test_certificates(around: Surroundings, state: Path) -> None:
    from sandkube.plane import pki

    now = dt.datetime.now(dt.timezone.utc)
    folder = known_cluster(state, ClusterSpec("one"))
    folder.pki.mkdir(exist_ok=True)
    pki.ensure(folder.pki, ["127.0.0.1"], now)
    for days, expected in ((0, ""), (-2, "certificates-not-yet-valid"), (366, "certificates-to-renew")):
        found = certificates.look(replace(around, now=now.timestamp() + days * 86400))
        assert kinds(found) == [expected]
    (folder.pki / "ca.crt").write_text("no certificate")
    assert kinds(certificates.look(around)) == [""]


# programs


def program(around: Surroundings, name: str, text: str) -> Path:
    path = Path(around.environ["PATH"]) / name
    write(path, f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def served(around: Surroundings, stand_in: Path) -> Surroundings:
    """With the stand-in as the server."""
    return replace(around, environ={**around.environ, "SANDKUBE_SERVER": str(stand_in)})


def test_a_server_that_is_well(served: Surroundings, stand_in: Path) -> None:
    assert kinds(server.look(served)) == ["server-without-template"]
    stand_in.with_name("template.db").touch()
    assert kinds(server.look(served)) == [""]


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("exit 3", "server-does-not-run"),
        ("echo hello", "server-does-not-run"),
        ("echo '[]'", "server-does-not-run"),
    ],
)
def test_a_server_that_is_none(served: Surroundings, stand_in: Path, script: str, kind: str) -> None:
    stand_in.write_text(f"#!/bin/sh\n{script}\n")
    (found,) = server.look(served)
    assert found.kind == kind
    assert str(stand_in) in found.found


def test_a_server_of_another_contract(served: Surroundings, stand_in: Path) -> None:
    said = subprocess.run([stand_in, "version", "-o", "json"], capture_output=True, check=True).stdout
    text = json.dumps({**json.loads(said), "contract": 99})
    stand_in.write_text(f"#!/bin/sh\necho '{text}'\n")
    assert kinds(server.look(served)) == ["server-other-contract"]


def test_a_server_that_is_named_and_not_there(around: Surroundings) -> None:
    missing = replace(around, environ={**around.environ, "SANDKUBE_SERVER": "/no/such/file"})
    (found,) = server.look(missing)
    assert found.kind == "server-missing"
    assert "/no/such/file" in found.found


def test_no_server_where_k3s_serves(
    around: Surroundings, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "find", lambda: None)
    assert kinds(server.look(around)) == ["server-missing"]
    known_cluster(state, ClusterSpec("one", distribution="k3s"))
    assert kinds(server.look(around)) == [""]
    known_cluster(state, ClusterSpec("two"))
    assert kinds(server.look(around)) == ["server-missing"]


def test_go_is_looked_for_where_it_is_needed(
    around: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kinds(go.look(replace(around, environ={**around.environ, "SANDKUBE_SERVER": "/x"}))) == [""]
    write(tmp_path / "server" / "go.mod", "module x\n\ngo 1.26.5\n")
    monkeypatch.setattr(checkout, "find", lambda: checkout.Checkout(tmp_path))
    monkeypatch.setattr(checkout.Checkout, "key", lambda _: "key")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    (found,) = go.look(around)
    assert (found.kind, "1.26.5" in found.remedy) == ("go-missing", True)
    program(around, "uv", "true")
    for version, expected in (("1.25.9", "go-to-fetch"), ("1.26.5", ""), ("1.30", "")):
        path = program(around, "go", f"echo go version go{version} linux/amd64")
        (found,) = go.look(around)
        assert found.kind == expected
        assert str(path) in found.found


def test_clients_that_answer_oddly(served: Surroundings, stand_in: Path) -> None:
    said = dict.fromkeys(("version", "kine", "go", "platform"), "x")
    text = json.dumps({**said, "contract": 1, "kubernetes": "v1.37.2", "helm": "v4.3.1"})
    stand_in.write_text(f"#!/bin/sh\necho '{text}'\n")
    assert kinds(clients.look(served)) == ["", ""]
    program(served, "kubectl", "echo hello")
    program(served, "helm", "exit 1")
    assert kinds(clients.look(served)) == ["kubectl-silent", "helm-other"]
    program(served, "kubectl", """echo '{"clientVersion": {"gitVersion": "v2.37.0"}}'""")
    program(served, "helm", "echo v3.17.0+g301108e")
    assert kinds(clients.look(served)) == ["kubectl-unfit", "helm-other"]


def test_a_kubectl_that_hangs_is_ended(served: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandkube.doctor.asking.SECONDS", 0.3)
    program(served, "kubectl", f"exec {sys.executable} -c 'import time; time.sleep(60)'")
    (found, _) = clients.look(served)
    assert found.kind == "kubectl-silent"
    assert "does not answer within" in found.found


def test_a_cluster_of_k3s_without_k3s(around: Surroundings, state: Path) -> None:
    known_cluster(state, ClusterSpec("one"))
    assert kinds(k3s.look(around)) == [""]
    known_cluster(state, ClusterSpec("two", distribution="k3s"))
    (found,) = k3s.look(around)
    assert found.kind == "k3s-missing"
    assert "Cluster `two`" in found.found
    path = program(around, "k3s", "true")
    (found,) = k3s.look(around)
    assert (found.kind, str(path) in found.found) == ("", True)


# leftovers


def test_what_is_left_of_throw_away_clusters(around: Surroundings, state: Path, me: Identity) -> None:
    gone = known_cluster(state, ClusterSpec("throwaway-1"))
    cluster_state.write_owner(gone, replace(me, started="before"))
    wanted = known_cluster(state, ClusterSpec("throwaway-2"))
    cluster_state.write_owner(wanted, me)
    doomed = state / "clusters" / "x.removing-1234"
    doomed.mkdir()
    found = list(leftovers.look(around))
    assert kinds(found) == ["throw-away-left", "removal-broken-off"]
    assert gone.path.exists()
    for one in found:
        assert one.fix is not None
        one.fix()
    assert not gone.path.exists()
    assert not doomed.exists()
    assert wanted.path.exists()
    assert kinds(leftovers.look(around)) == [""]


def test_a_cluster_that_cannot_be_read(around: Surroundings, state: Path) -> None:
    known_cluster(state, ClusterSpec("one")).spec.write_text("{")
    (found,) = leftovers.look(around)
    assert found.kind == "cluster-unreadable"
    assert found.remedy.startswith("sandkube delete one  #")


def test_a_server_whose_folder_is_gone(around: Surroundings, state: Path) -> None:
    """Told of, and left alone: what is in it may still be wanted."""
    folder = state / "clusters" / "removed"
    folder.mkdir(parents=True)
    code = "import sys; sys.stdin.read()"
    command = [sys.executable, "-c", code, "run", f"--config={folder}/server.json"]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE) as server_process:
        real = replace(around, proc=Path("/proc"))
        until(lambda: process.command_line(server_process.pid))
        assert kinds(leftovers.look(real)) == [""]
        folder.rmdir()
        (found,) = leftovers.look(real)
        assert found.kind == "server-without-folder"
        assert found.remedy.startswith(f"kill {server_process.pid}  #")
        assert found.fix is None
        environ = {**around.environ, "SANDKUBE_STATE_DIR": f"{state}-of-another"}
        assert kinds(leftovers.look(replace(real, environ=environ))) == [""]
        server_process.communicate()


def test_a_server_that_cannot_be_seen(around: Surroundings, state: Path) -> None:
    folder = known_cluster(state, ClusterSpec("one"))
    folder.database.touch()
    with Path(f"{folder.database}.lock").open("w") as held:
        assert kinds(leftovers.look(around)) == [""]
        fcntl.flock(held, fcntl.LOCK_EX)
        (found,) = leftovers.look(around)
        assert found.kind == "server-unseen"
        assert found.remedy.startswith("sandkube down one  #")
    assert kinds(leftovers.look(around)) == [""]


def test_a_lock_that_is_held(around: Surroundings, state: Path) -> None:
    folder = known_cluster(state, ClusterSpec("one"))
    folder.lock.touch()
    inode = folder.lock.stat().st_ino
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()", "sandkube", "up"], stdin=subprocess.PIPE
    ) as other:
        until(lambda: "sandkube" in process.command_line(other.pid))
        write(around.proc / "locks", f"1: FLOCK  ADVISORY  WRITE {other.pid} fe:00:{inode} 0 EOF\n2: odd\n")
        (found,) = leftovers.look(around)
        assert found.kind == "lock-held"
        assert found.remedy.startswith(f"kill {other.pid}  #")
        other.communicate()
    assert kinds(leftovers.look(around)) == [""]


def test_a_crashed_cluster_of_another_name_is_not_asked_about(around: Surroundings, stand_in: Path) -> None:
    cluster.up("one")
    pid = cluster.status("one").pid
    assert pid is not None
    os.kill(pid, 9)
    until(lambda: cluster.status("one").state == "crashed")
    assert kinds(leftovers.look(around)) == ["cluster-crashed"]
    assert kinds(leftovers.look(replace(around, name="two"))) == [""]


def known_cluster(state: Path, spec: ClusterSpec) -> ClusterFolder:
    """A cluster that was started once."""
    folder = ClusterFolder.of(state, spec.name)
    folder.create()
    cluster_state.write_spec(folder, spec)
    return folder
