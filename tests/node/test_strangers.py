"""What a node opens is its user's alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from ssl import CERT_NONE, create_default_context

import pytest

from command_line import NOBODY, Sandkube, python_of_all
from node.conftest import skip_where_none_can_be
from sandkube.plane import process

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="a node needs Linux"),
]


def test_sockets_and_the_kubelet(sandkube: Sandkube) -> None:
    skip_where_none_can_be(sandkube)
    sandkube("up", "--node")
    folder = sandkube.folder().path
    sockets = [folder / "egress.sock", *(folder / "node").glob("*.sock")]
    assert len(sockets) == 3
    for path in sockets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path
    for path in (folder / "node").rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    port = json.loads((folder / "node" / "kubelet.yaml").read_text())["port"]
    for path_ in ("pods", "run/default/x/y?cmd=id", "metrics", "healthz"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(f"https://127.0.0.1:{port}/{path_}")
        assert refused.value.code == 401
        refused.value.close()
    assert sorted(set(listening(sandkube))) == ["127.0.0.1"]


def ask(url: str) -> None:
    anybody = create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, CERT_NONE
    urllib.request.urlopen(url, context=anybody, timeout=10).close()


def listening(sandkube: Sandkube) -> list[str]:
    """The addresses at which the server's and the node's processes listen."""
    parts = [sandkube.pid(), *children(sandkube.status()["node_pid"])]
    inodes = set()
    for pid in parts:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            target = str(entry.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = []
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                raw = bytes.fromhex(fields[1].partition(":")[0])
                found.append(".".join(map(str, reversed(raw))) if name == "tcp" else raw.hex())
    assert found
    return found


def children(pid: int) -> list[int]:
    """The process and those that it started."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, below)]


@pytest.mark.skipif(os.geteuid() != 0, reason="it is tried as another user, which needs root")
def test_another_user_reaches_nothing(sandkube: Sandkube) -> None:
    skip_where_none_can_be(sandkube)
    sandkube("up", "--node")
    folder = sandkube.folder().path
    script = (
        "import socket, sys\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        socket.socket(socket.AF_UNIX).connect(path)\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )
    sockets = [str(folder / "egress.sock"), *(str(one) for one in (folder / "node").glob("*.sock"))]
    done = subprocess.run(
        [*python_of_all()[0], "-c", script, *sockets],
        user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["refused"] * len(sockets), done.stderr
    assert process.is_own(sandkube.status()["node_pid"])
