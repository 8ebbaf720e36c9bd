"""What the server's process shows to others, and what it listens on."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import NOBODY, Sandkube

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which is Linux's")


def secrets_of(sandkube: Sandkube) -> dict[str, str]:
    """What must be seen nowhere, by what it is: each private key, as it is and in base64; any token."""
    found = {}
    for path in sandkube.folder().pki.glob("*.key"):
        pem = path.read_text()
        found[path.name] = max(pem.splitlines(), key=len)
        found[f"{path.name} in base64"] = base64.b64encode(pem.encode()).decode()[48:112]
    found["a private key"] = "PRIVATE KEY"
    found["a token"] = "eyJhbGciOi"  # how every JWT begins
    return found


def seen(secrets: dict[str, str], data: bytes) -> list[str]:
    """Those of ``secrets`` that are in ``data``."""
    return [name for name, text in secrets.items() if text.encode() in data]


def test_the_search_finds_what_is_there(running: Sandkube) -> None:
    """In the kubeconfig the administrator's key is, and in the database a secret would be."""
    secrets = secrets_of(running)
    assert len(secrets) > 15
    assert "admin.key in base64" in seen(secrets, running.folder().kubeconfig.read_bytes())
    assert "sa.key" in seen(secrets, (running.folder().pki / "sa.key").read_bytes())


@pytest.mark.parametrize("what", ["cmdline", "environ"])
def test_no_secret_in_arguments_and_environment(running: Sandkube, what: str) -> None:
    data = Path(f"/proc/{running.pid()}/{what}").read_bytes()
    assert (b"run" if what == "cmdline" else b"PATH=") in data
    assert seen(secrets_of(running), data) == []


def test_no_secret_of_the_persons_shell_goes_along(running: Sandkube) -> None:
    data = Path(f"/proc/{running.pid()}/environ").read_bytes()
    names = {entry.partition(b"=")[0].decode() for entry in data.split(b"\0") if entry}
    assert "AWS_SECRET_ACCESS_KEY" in running.environ
    assert names <= {"PATH", "HOME", "LANG", "TMPDIR"}


@pytest.mark.parametrize(
    "name",
    [
        "events.jsonl",
        "server.log",
        "server.err",
        "run.json",
        "cluster.json",
        "server.json",
        "authentication.yaml",
    ],
)
def test_no_secret_in_what_is_written_down(running: Sandkube, name: str) -> None:
    # So that there is something to be seen: tokens asked for, a secret made.
    path = "/api/v1/namespaces/kube-system/serviceaccounts/default/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    status, answer = running.api()("POST", path, body)
    assert status == 201, answer
    secrets = {**secrets_of(running), "the token": answer["status"]["token"].rpartition(".")[2]}
    data = (running.folder().path / name).read_bytes()
    assert data or name == "server.err"
    assert seen(secrets, data) == []


def test_no_core_file_is_written(running: Sandkube) -> None:
    """It would hold every key."""
    limits = Path(f"/proc/{running.pid()}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4] == "0"


def test_what_it_makes_is_closed_to_others_whatever_the_umask_of_its_starter(running: Sandkube) -> None:
    status = Path(f"/proc/{running.pid()}/status").read_text()
    assert re.search(r"^Umask:\t0?077$", status, re.MULTILINE), status


def test_no_open_file_is_inherited_but_what_is_needed(running: Sandkube) -> None:
    """What is open lies in the cluster's folder, or is a socket, or where Go reads how many cores it has."""
    fds = dict(_open_files(running.pid()))
    assert fds[0] == fds[1] == "/dev/null"
    assert fds[2] == str(running.folder().stderr)
    for fd, target in fds.items():
        own = target.startswith((f"{running.folder().path}/", "socket:", "anon_inode:", "/sys/fs/cgroup/"))
        assert own or fd < 2, f"fd {fd} is {target}"


def test_everything_it_listens_on_is_loopback_or_private(running: Sandkube) -> None:
    inodes = {target for _, target in _open_files(running.pid()) if target.startswith("socket:")}
    addresses = [address for inode, address in _tcp_listeners() if f"socket:[{inode}]" in inodes]
    assert [port for _, port in addresses] == [running.status()["port"]]
    assert all(ipaddress.ip_address(host).is_loopback for host, _ in addresses)
    assert not [inode for inode in _datagram_sockets() if f"socket:[{inode}]" in inodes]
    paths = [path for inode, path in _unix_listeners() if f"socket:[{inode}]" in inodes]
    assert [path.name for path in paths] == ["kine.sock"]
    for path in paths:
        folder = path.parent.stat()
        assert stat.S_IMODE(folder.st_mode) == 0o700
        assert folder.st_uid == os.getuid()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_short_folder_of_a_socket_is_private_and_goes_away(sandkube: Sandkube) -> None:
    """Where the state folder's path is too long for a socket, it lies elsewhere; in TMPDIR, here."""
    temporary = sandkube.temporary
    temporary.chmod(0o1777)
    sandkube.with_state(sandkube.root / ("long-" * 15))
    sandkube("up", "--durability", "fast")
    (place,) = temporary.iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "kine.sock").stat().st_mode) == 0o600
    inodes = {target for _, target in _open_files(sandkube.pid())}
    assert [path for inode, path in _unix_listeners() if f"socket:[{inode}]" in inodes] == [
        place / "kine.sock"
    ]
    sandkube("down")
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("how", ["open to all", "another user's"])
def test_a_temporary_folder_where_others_could_replace_the_socket_is_refused(
    sandkube: Sandkube, how: str
) -> None:
    """They would serve the cluster's objects."""
    if how == "open to all":
        sandkube.temporary.chmod(0o777)
    elif os.getuid() == 0:
        os.chown(sandkube.temporary, NOBODY, NOBODY)
    else:
        pytest.skip("needs root, to give a folder away")
    sandkube.with_state(sandkube.root / ("long-" * 15))
    done = sandkube("up", status=2)
    assert f"Others can write to {sandkube.temporary}, so nothing private can be kept in it." in done.stderr
    assert not list(sandkube.temporary.iterdir())
    assert not sandkube.servers()


def test_nothing_is_left_of_one_that_crashed_and_was_deleted(sandkube: Sandkube) -> None:
    """Neither a key, nor the folder of its socket, wherever it was."""
    sandkube.with_state(sandkube.root / ("long-" * 15))
    sandkube("up", "--durability", "fast")
    sandkube("kubectl", "get", "namespaces")  # which keeps what the server offers
    sandkube.kill()
    assert list(sandkube.temporary.iterdir())
    assert "crashed" in sandkube("list").stdout
    sandkube("delete")
    assert not list(sandkube.temporary.iterdir())
    assert [path.name for path in sandkube.state.rglob("*")] == ["clusters", "default.lock"]
    assert (sandkube.state / "clusters" / "default.lock").read_bytes() == b""
    assert not any(sandkube.home.iterdir())


def test_it_keeps_no_rights_that_its_starter_had_not(as_nobody: Sandkube) -> None:
    as_nobody("up", "--durability", "fast")
    status = Path(f"/proc/{as_nobody.pid()}/status").read_text()
    found = dict(re.findall(r"^(\w+):\t(.*)$", status, re.MULTILINE))
    assert set(found["Uid"].split()) == {str(as_nobody.user)}
    assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == int(found["CapAmb"], 16) == 0


def _open_files(pid: int) -> Iterator[tuple[int, str]]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield int(entry.name), str(entry.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue


def _tcp_listeners() -> Iterator[tuple[str, tuple[str, int]]]:
    """The inode and the address of every TCP socket that listens; state 0A is LISTEN (proc_net_tcp)."""
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for row in _rows(table):
            if row[3] == "0A":
                host, _, port = row[1].rpartition(":")
                words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
                yield row[9], (socket.inet_ntop(family, b"".join(words)), int(port, 16))


def _datagram_sockets() -> list[str]:
    return [row[9] for table in ("udp", "udp6", "raw", "raw6") for row in _rows(table)]


def _unix_listeners() -> Iterator[tuple[str, Path]]:
    """The inode and the path of every unix socket that listens: flag 10000, __SO_ACCEPTCON."""
    for row in _rows("unix"):
        if row[3] == "00010000":
            yield row[6], Path(row[7])


def _rows(table: str) -> list[list[str]]:
    path = Path("/proc/net") / table
    return [line.split() for line in path.read_text().splitlines()[1:]] if path.exists() else []
