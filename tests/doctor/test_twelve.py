"""Twelve broken surroundings: `doctor` names what is broken, and so does an `up` that fails of it.

Each begins in surroundings in which nothing is found (the fixture sees to that), so that what is found then
comes from what was broken.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import sandkube as package
from command_line import Sandkube, until
from doctor.conftest import causes, examined, needs_root, unshared, well, words, write_program
from faults.test_ports import taken
from sandkube.plane import pki

ROOT = Path(__file__).resolve().parents[2]


def test_1_a_read_only_home(healthy: Sandkube) -> None:
    needs_root("mount a file system")
    del healthy.environ["SANDKUBE_STATE_DIR"], healthy.environ["SANDKUBE_CACHE_DIR"]
    assert examined(healthy) == {}
    script = 'mount --bind "$HOME" "$HOME" && mount -o remount,ro,bind "$HOME"\n'
    found, done = unshared(healthy, "-m --propagation private", script)
    assert found.keys() == {"state-read-only"}
    assert str(healthy.home) in found["state-read-only"]["found"]
    assert "read-only file system" in causes(done)[0]


def removed(cgroup: Path) -> bool:
    """Remove a cgroup; it stays busy for a moment after its last process was killed."""
    with contextlib.suppress(OSError):
        cgroup.rmdir()
    return not cgroup.exists()


def test_2_a_memory_limit_of_200_mb(healthy: Sandkube) -> None:
    """In a real cgroup. Whether a start survives 200 MB hangs on the page cache; with 150 it dies."""
    with cgroup(200_000_000) as enter:
        done = healthy.shell(f"{enter}\nsandkube doctor", status=1)
    assert "problem:  memory: " in done.stdout
    assert "the cgroup's limit is 199 MB" in done.stdout or "the cgroup's limit is 200 MB" in done.stdout
    with cgroup(150_000_000) as enter:
        done = healthy.shell(f"{enter}\nsandkube up --durability fast", status=2)
    assert "SIGKILL" in done.stderr
    assert len(causes(done)) == 1
    assert "the cgroup's limit is 1" in causes(done)[0]


@pytest.mark.parametrize(("flag", "kilobytes"), [("v", 1_000_000), ("d", 150_000)])
def test_2_a_memory_limit_of_the_shell(healthy: Sandkube, flag: str, kilobytes: int) -> None:
    """No cgroup is needed, and no root: `ulimit` bounds addresses, or data."""
    done = healthy.shell(f"ulimit -{flag} {kilobytes}; sandkube doctor", status=1)
    assert f"`ulimit -{flag}` is" in done.stdout
    done = healthy.shell(f"ulimit -{flag} {kilobytes}; sandkube up --wait 15", status=2)
    assert "did not start" in done.stderr
    assert [f"`ulimit -{flag}` is" in cause for cause in causes(done)] == [True]


def test_3_a_port_that_is_taken(healthy: Sandkube) -> None:
    with taken() as port:
        pass
    healthy("up", "--port", str(port), "--durability", "fast")
    healthy("down")
    assert examined(healthy) == {}
    with taken(port):
        found = examined(healthy)
        done = healthy("up", status=2)
    assert found.keys() == {"port-taken"}
    assert f"Port {port}, of cluster `default`, is taken by " in found["port-taken"]["found"]
    assert f"(pid {os.getpid()})" in found["port-taken"]["found"]
    assert causes(done) == [found["port-taken"]["found"]]
    healthy.shell(found["port-taken"]["remedy"])
    assert examined(healthy) == {}


def test_3_a_port_that_was_just_asked_for(healthy: Sandkube) -> None:
    with taken() as port:
        done = healthy("up", "--port", str(port), status=2)
    assert f"Port {port}, of cluster `default`, is taken by " in causes(done)[0]


@pytest.mark.parametrize("options", ["-n", "-rn"])
def test_4_no_loopback(healthy: Sandkube, options: str) -> None:
    """A network namespace of its own, whose `lo` is down: binding works there, and connecting does not."""
    found, done = unshared(healthy, options, "")
    assert found.keys() == {"loopback-down"}
    assert "the interface `lo` is down" in found["loopback-down"]["found"]
    assert "was not Ready within" in done.stderr
    assert "hint:" not in done.stderr  # to wait longer would not help
    assert causes(done) == [found["loopback-down"]["found"]]


def test_5_a_cache_from_which_nothing_may_be_run(healthy: Sandkube) -> None:
    needs_root("mount a file system")
    healthy("server", "install", str(healthy.server))
    del healthy.environ["SANDKUBE_SERVER"]
    cache = healthy.root / "cache"
    binary = healthy("server", "path").stdout.strip()
    assert binary.startswith(str(cache))
    assert examined(healthy) == {}
    script = f"mount --bind {cache} {cache} && mount -o remount,noexec,bind {cache}\n"
    found, done = unshared(healthy, "-m --propagation private", script)
    assert found.keys() == {"cache-noexec"}
    assert "mounted noexec" in found["cache-noexec"]["found"]
    assert str(cache) in found["cache-noexec"]["found"]
    assert "cannot be run: Permission denied" in done.stderr
    assert causes(done) == [found["cache-noexec"]["found"]]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_6_a_proxy_without_no_proxy(healthy: Sandkube, name: str) -> None:
    """`up` does not fail of it, since it tells its own server; Python's clients do."""
    environ = {name: "http://127.0.0.1:1", "NO_PROXY": "example.org"}
    found = examined(healthy, environ=environ)
    assert found.keys() == {"proxy-catches-loopback"}
    assert name in found["proxy-catches-loopback"]["found"]
    healthy("up", "--durability", "fast", environ=environ)
    healthy.environ |= environ
    ask = f"'{sys.executable}' -c 'import urllib.request as r; print(bool(r.proxy_bypass(\"127.0.0.1\")))'"
    assert healthy.shell(ask).stdout == "False\n"
    remedy = found["proxy-catches-loopback"]["remedy"]
    done = healthy.shell(f'{remedy}\n{ask}\necho "$NO_PROXY"\nsandkube doctor >"$HOME/said"; echo $?')
    assert done.stdout == "True\n127.0.0.1,localhost,example.org\n0\n"


def test_7_a_dead_cluster(healthy: Sandkube) -> None:
    """`up` does not fail of it either: it serves the cluster again."""
    healthy("up", "--durability", "fast")
    assert examined(healthy) == {}
    healthy.kill()
    found = examined(healthy)
    assert found.keys() == {"cluster-crashed"}
    assert found["cluster-crashed"]["fix"] is True
    assert "Cluster `default` crashed: " in found["cluster-crashed"]["found"]
    done = healthy("doctor", "--fix")
    assert "mended: cluster `default`:" in done.stderr
    assert healthy.status(status=1)["state"] == "stopped"
    assert examined(healthy) == {}
    healthy("up")
    healthy.kill()
    healthy("up")
    assert examined(healthy) == {}


def test_8_a_kubectl_four_minors_off(healthy: Sandkube) -> None:
    """`up` has nothing to do with it."""
    server = healthy.run([str(healthy.server), "version", "-o", "json"]).stdout
    minor = int(server.split('"kubernetes":')[1].split(".")[1])
    kubectl = healthy.root / "bin" / "kubectl"
    write_program(kubectl, f"""echo '{{"clientVersion": {{"gitVersion": "v1.{minor - 4}.3"}}}}'""")
    assert examined(healthy) == {}  # a note, as long as there is no cluster to use it with
    healthy("up", "--durability", "fast")
    for apart, kinds in ((4, {"kubectl-skew"}), (1, set()), (-1, set()), (2, {"kubectl-skew"})):
        answer = f'{{"clientVersion": {{"gitVersion": "v1.{minor - apart}.3"}}}}'
        write_program(kubectl, f"[ \"$*\" = 'version --client -o json' ] && echo '{answer}'")
        found = examined(healthy)
        assert found.keys() == kinds, apart
        if apart == 4:
            said = found["kubectl-skew"]["found"]
            assert str(kubectl) in said
            assert f"v1.{minor - 4}.3" in said
            assert "4 minor releases apart" in said
    healthy.shell('eval "$(sandkube env)"; sandkube doctor')


def test_9_no_server_binary_and_no_checkout(healthy: Sandkube) -> None:
    """As a user has it who installed the wheel of sandkube alone: a copy of the package elsewhere."""
    healthy.environ["PYTHONPATH"] = str(without_server(healthy.root / "copy"))
    del healthy.environ["SANDKUBE_SERVER"]
    found = examined(healthy)
    assert found.keys() == {"server-missing"}
    assert "the cache" in found["server-missing"]["found"]
    done = healthy("up", status=2)
    assert "No sandkube server for this machine" in done.stderr
    assert "No sandkube server for this machine" in causes(done)[0]
    assert "sandkube server install FILE" in done.stderr


def test_9_no_server_binary_and_no_go(healthy: Sandkube) -> None:
    """A checkout, on a machine that has neither Go nor what could fetch it."""
    source = without_server(healthy.root / "checkout" / "src")
    server = healthy.root / "checkout" / "server"
    server.mkdir()
    for name in ("build.py", "go.mod", "pyproject.toml"):
        shutil.copy(ROOT / "server" / name, server / name)
    shutil.copytree(ROOT / "server" / "sandkube_build", server / "sandkube_build")
    # Python finds no package that could fetch Go, or that is Go.
    (source / "sitecustomize.py").write_text(
        "import sys\nsys.modules |= dict.fromkeys(('pip', 'uv', 'go'))\n"
    )
    healthy.environ |= {"PYTHONPATH": str(source), "PATH": str(healthy.root / "empty")}
    assert examined(healthy) == {}
    del healthy.environ["SANDKUBE_SERVER"]
    found = examined(healthy)
    assert found.keys() == {"go-missing"}
    assert "neither uv nor pip" in found["go-missing"]["found"]
    done = healthy("up", status=2)
    assert causes(done) == [found["go-missing"]["found"]]


def test_10_a_full_disk(healthy: Sandkube) -> None:
    needs_root("mount a file system")
    healthy.state.mkdir(mode=0o700)
    script = f"mount -t tmpfs -o size=500k,mode=0700 none '{healthy.state}'\n"
    found, done = unshared(healthy, "-m --propagation private", script)
    assert found.keys() == {"state-full"}
    assert "0.5 MB are free" in found["state-full"]["found"]
    assert str(healthy.state) in found["state-full"]["found"]
    assert ["MB are free at" in cause for cause in causes(done)] == [True]


def test_10_a_disk_without_inodes(healthy: Sandkube) -> None:
    needs_root("mount a file system")
    healthy.state.mkdir(mode=0o700)
    script = f"mount -t tmpfs -o size=500m,nr_inodes=4,mode=0700 none '{healthy.state}'\n"
    found, done = unshared(healthy, "-m --propagation private", script)
    assert found.keys() == {"state-full"}
    assert ["out of inodes" in cause for cause in causes(done)] == [True]


@pytest.mark.parametrize("part", ["", "clusters", "clusters/default"])
def test_11_an_unreadable_state_folder(as_nobody: Sandkube, part: str) -> None:
    well(as_nobody)
    as_nobody("up", "--durability", "fast")
    as_nobody("down")
    assert examined(as_nobody) == {}
    folder = as_nobody.state / part
    folder.chmod(0)
    try:
        found = examined(as_nobody)
        done = as_nobody("up", status=2)
        assert found.keys() == {"state-unreadable"}
        assert f"{folder} cannot be used: permission denied (mode 0000" in found["state-unreadable"]["found"]
        assert causes(done) == [found["state-unreadable"]["found"]]
        as_nobody.shell(found["state-unreadable"]["remedy"])
        assert examined(as_nobody) == {}
    finally:
        folder.chmod(0o700)


def test_12_certificates_of_a_clock_a_year_off(healthy: Sandkube) -> None:
    """The clock cannot be set here: it is everybody's, and a time namespace does not shift it.

    So it is the other way round: the certificates are those of a clock that was a year ahead, which is what
    one that is a year behind meets. The server is real, and fails of them.
    """
    healthy("up", "--durability", "fast")
    healthy("down")
    assert examined(healthy) == {}
    reissue(healthy.folder().pki, dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=365))
    found = examined(healthy)
    assert found.keys() == {"certificates-not-yet-valid"}
    assert (
        "it is behind, or was ahead when the certificate was made"
        in found["certificates-not-yet-valid"]["found"]
    )
    done = healthy("up", "--wait", "6", status=2)
    assert causes(done) == [found["certificates-not-yet-valid"]["found"]]
    healthy.shell(found["certificates-not-yet-valid"]["remedy"])
    assert healthy.status()["state"] == "running"
    assert examined(healthy) == {}


@pytest.mark.parametrize(
    ("days", "kinds"),
    [
        (-365, {"clock-behind", "clock-jumped", "certificates-not-yet-valid"}),
        (366, {"clock-jumped", "certificates-expired"}),
        (5, set()),  # as a sandbox is that was paused: a note
        (0, set()),
    ],
)
def test_12_a_clock_a_year_off(healthy: Sandkube, days: int, kinds: set[str]) -> None:
    """Python's own clock is another for `doctor` alone; the cluster that it looks at was started before."""
    healthy("up", "--durability", "fast")
    folder = healthy.root / "clock"
    folder.mkdir()
    shifted = f"import time\n_real = time.time\ntime.time = lambda: _real() + {days} * 86400\n"
    (folder / "sitecustomize.py").write_text(shifted)
    path = os.pathsep.join([str(folder), str(Path(package.__file__).parents[1])])
    found = examined(healthy, environ={"PYTHONPATH": path})
    assert found.keys() == kinds
    if kinds:
        way = "back" if days < 0 else "ahead"
        assert (
            f"set {way} by {abs(days)} days since cluster `default` was started"
            in found["clock-jumped"]["found"]
        )


def without_server(source: Path) -> Path:
    """A copy of the package in ``source``: no checkout's, so there is nothing to build a server from."""
    shutil.copytree(
        Path(package.__file__).parent, source / "sandkube", ignore=shutil.ignore_patterns("__pycache__")
    )
    return source


def reissue(folder: Path, now: dt.datetime) -> None:
    """Make the certificates in ``folder`` anew, as of ``now``."""
    for path in (*folder.glob("*.crt"), folder / "pki.json"):
        path.unlink()
    names = pki.apiserver_names("10.43.0.1", None)
    assert pki.ensure(folder, names, now)


@contextlib.contextmanager
def cgroup(limit: int) -> Iterator[str]:
    """A cgroup with ``limit`` bytes of memory; the shell's command that enters it."""
    needs_root("limit memory")
    for root, name in (
        (Path("/sys/fs/cgroup"), "memory.max"),
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    ):
        folder = root / f"sandkube-test-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        if not (folder / name).exists():  # the other version, or memory is not handed down
            until(partial(removed, folder))
            continue
        (folder / name).write_text(str(limit))
        try:
            yield f"echo $$ >{folder}/cgroup.procs"
        finally:
            until(partial(removed, folder))
        return
    pytest.skip("needs a cgroup whose memory can be limited")


def test_the_shell_function_is_the_command(healthy: Sandkube) -> None:
    """What the scripts above call is what people call."""
    done = subprocess.run(
        ["sh", "-c", f"{words(healthy)}sandkube --version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("sandkube")
