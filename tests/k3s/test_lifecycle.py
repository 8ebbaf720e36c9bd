"""The life of a k3s cluster, with the stand-in, by the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from command_line import Sandkube, kill, until
from k3s.conftest import pointed, write_stand_in
from sandkube.plane import process

NAMESPACES = {"default", "kube-node-lease", "kube-public", "kube-system"}


def namespaces(sandkube: Sandkube, name: str = "default") -> set[str]:
    done = sandkube("--cluster", name, "kubectl", "get", "namespaces", "-o", "name")
    return {line.removeprefix("namespace/") for line in done.stdout.split()}


def parts(sandkube: Sandkube, name: str = "default") -> list[int]:
    """The processes below the one that serves: k3s, and what it started."""
    found: list[int] = []
    waiting = [sandkube.pid(name)]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
            children = [int(pid) for pid in (task / "children").read_text().split()]
            found += children
            waiting += children
    return found


def gone(pids: list[int]) -> bool:
    return not any(process.identity(pid) for pid in pids)


def test_from_up_to_delete(sandkube: Sandkube) -> None:
    done = sandkube("up")
    assert "Cluster `default` is Ready after" in done.stderr
    assert "Preparing k3s" in done.stderr
    status = sandkube.status()
    assert status["state"] == "running"
    assert status["distribution"] == "k3s"
    assert status["details"]["CNI plugin"].startswith("host-local")
    assert namespaces(sandkube) == NAMESPACES
    assert "level=info msg=" in sandkube("logs").stdout
    assert sandkube("kubectl", "create", "deployment", "web", "--image=nginx").stdout
    assert (
        "deployed"
        in sandkube.shell(
            'eval "$(sandkube env)"; cd "$HOME"; helm create c >/dev/null && helm install r ./c', shell="bash"
        ).stdout
    )
    assert sandkube("up").stderr.startswith("Cluster `default` is running already")
    served = parts(sandkube)
    assert len(served) >= 2
    assert "stopped after" in sandkube("down").stderr
    assert gone(served)
    assert sandkube.status(status=1)["state"] == "stopped"
    sandkube("up")
    assert "deployment.apps/web" in sandkube("kubectl", "get", "deployments", "-o", "name").stdout
    assert sandkube.events()[-1].event == "ready"
    sandkube("delete")
    assert not sandkube.folder().path.exists()
    assert sandkube.servers() == []


def test_straight_after_up_a_pod_can_be_made(sandkube: Sandkube) -> None:
    sandkube("up")
    sandkube("kubectl", "create", "namespace", "first")
    sandkube("kubectl", "run", "pod", "--image=nginx")


def test_two_side_by_side_and_one_embedded(sandkube: Sandkube) -> None:
    sandkube("up", "one")
    sandkube("up", "two")
    sandkube("up", "ours", "--distribution=embedded")
    listed = json.loads(sandkube("list", "-o", "json").stdout)["clusters"]
    assert {(one["name"], one["distribution"], one["state"]) for one in listed} == {
        ("one", "k3s", "running"),
        ("two", "k3s", "running"),
        ("ours", "embedded", "running"),
    }
    sandkube("--cluster", "one", "kubectl", "create", "namespace", "only-here")
    assert "only-here" in namespaces(sandkube, "one")
    assert namespaces(sandkube, "two") == namespaces(sandkube, "ours") == NAMESPACES
    sandkube("delete", "one")
    assert namespaces(sandkube, "two") == NAMESPACES


def test_a_failing_start_says_why(behaving: Callable[[str], Sandkube]) -> None:
    done = behaving("dies")("up", status=2)
    assert "did not start: k3s: preparing server: the stand-in was told to" in done.stderr
    assert "  | time=" in done.stderr


def test_a_component_that_fails_ends_k3s_with_status_0(behaving: Callable[[str], Sandkube]) -> None:
    done = behaving("shuts-down")("up", status=2)
    assert "did not start: k3s: scheduler exited: the stand-in was told to" in done.stderr


def test_one_that_never_gets_ready(behaving: Callable[[str], Sandkube]) -> None:
    sandkube = behaving("never-ready")
    done = sandkube("up", "--wait=1", status=2)
    assert "was not Ready within 1 second" in done.stderr
    assert sandkube.servers() == []


def test_a_k3s_that_is_no_program(sandkube: Sandkube) -> None:
    broken = sandkube.root / "broken"
    broken.write_text("#!/nonexistent/interpreter\n")
    broken.chmod(0o755)
    done = sandkube("up", f"--k3s={broken}", status=2)
    assert f"`{broken}` cannot be run" in done.stderr


def test_without_any_k3s(sandkube: Sandkube) -> None:
    done = sandkube("up", status=2, environ={"SANDKUBE_K3S": None})
    assert "sandkube k3s install" in done.stderr
    assert not sandkube.folder().path.exists()


def test_killed_with_all_that_it_started(sandkube: Sandkube) -> None:
    sandkube("up")
    sandkube("kubectl", "create", "configmap", "kept")
    served = parts(sandkube)
    sandkube.kill()
    until(lambda: gone(served))
    assert sandkube.status(status=1)["state"] == "crashed"
    sandkube("up")
    assert "configmap/kept" in sandkube("kubectl", "get", "configmaps", "-o", "name").stdout


def test_k3s_killed_alone(sandkube: Sandkube) -> None:
    sandkube("up")
    sandkube("kubectl", "create", "configmap", "kept")
    keeper = sandkube.pid()
    kill(parts(sandkube)[0])
    until(lambda: gone([keeper]))
    found = sandkube.status(status=1)
    assert found["state"] == "crashed"
    assert found["reason"] == "k3s: it was ended by signal SIGKILL"
    sandkube("up")
    assert "configmap/kept" in sandkube("kubectl", "get", "configmaps", "-o", "name").stdout


def test_up_killed_before_it_could_write_anything_down(sandkube: Sandkube) -> None:
    sandkube("up")
    sandkube.folder().run.unlink()
    assert sandkube.status()["state"] == "running"
    sandkube("down")
    assert sandkube.servers() == []


def test_on_another_port_its_own_parts_find_it(sandkube: Sandkube) -> None:
    sandkube("up")
    port = sandkube.status()["port"]
    sandkube("down")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))  # that of the API server itself
        taken.listen()
        done = sandkube("up")
    assert f"Port {port} is taken" in done.stderr
    moved = sandkube.status()["port"]
    assert moved != port
    written = sandkube.folder().path / "k3s" / "server" / "cred" / "controller.kubeconfig"
    assert f"https://127.0.0.1:{moved + 1}" in written.read_text()
    assert namespaces(sandkube) == NAMESPACES


def test_needing_no_plugin(behaving: Callable[[str], Sandkube]) -> None:
    sandkube = behaving("fatal-without-plugin")
    sandkube("up", "--cni=none")
    assert sandkube.status()["details"]["CNI plugin"] == "none (--flannel-backend=none)"
    assert not (sandkube.folder().path / "cni").exists()
    assert "CNI plugin:    none" in sandkube("status").stdout


def test_it_is_the_plugin_that_k3s_needs(behaving: Callable[[str], Sandkube]) -> None:
    sandkube = behaving("fatal-without-plugin")
    sandkube("up")
    told = json.loads(sandkube.folder().server_config.read_text())
    sandkube("down")
    without = {**told["environment"], "PATH": "/usr/bin:/bin"}
    done = subprocess.run(told["command"], env=without, capture_output=True, text=True, check=False)
    assert "failed to find host-local" in done.stderr
    assert done.returncode == 1


def test_settings_are_kept_and_can_be_taken_back(sandkube: Sandkube) -> None:
    sandkube("up", "--k3s-arg=--service-cidr=10.99.0.0/16", "--api-server-arg=v=1", "--durability=fast")
    assert sandkube("kubectl", "get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}").stdout == (
        "10.99.0.1"
    )
    done = sandkube("up", "--cni=none", status=2)
    assert "cannot be changed meanwhile: cni none (now host-local)" in done.stderr
    sandkube("down")
    command = json.loads(sandkube.folder().server_config.read_text())["command"]
    assert "--kube-apiserver-arg=v=1" in command
    assert any(word.endswith("&_synchronous=OFF") for word in command)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--k3s-arg=--data-dir=/x"], "`--data-dir` cannot be set for k3s: set K3S_DATA_DIR"),
        (["--k3s-arg=-data-dir=/x"], "`--data-dir` cannot be set for k3s"),
        (["--k3s-arg=--token=x"], "a secret does not belong into arguments"),
        (["--k3s-arg=--service-cidr=x"], "`--service-cidr` must be a network"),
        (["--k3s-arg=-"], "`-` is no flag"),
        (["--distribution=embedded", "--k3s-arg=--debug"], "is for the distribution k3s"),
    ],
)
def test_bad_settings(sandkube: Sandkube, arguments: list[str], words: str) -> None:
    assert words in sandkube("up", *arguments, status=2).stderr
    assert not sandkube.folder().path.exists()


def test_the_distribution_of_a_cluster_stays(sandkube: Sandkube) -> None:
    sandkube("up", "--distribution=embedded")
    sandkube("down")
    done = sandkube("up", status=2)
    assert "is of the distribution embedded" in done.stderr
    assert "sandkube delete default" in done.stderr


def test_the_users_data_folder(sandkube: Sandkube) -> None:
    theirs = sandkube.home / "data"
    environ = {"K3S_DATA_DIR": str(theirs)}
    sandkube("up", environ=environ)
    assert (theirs / "server" / "db" / "state.db").exists()
    assert sandkube.status()["details"]["data folder"] == str(theirs)
    done = sandkube("up", "other", status=2, environ=environ)
    assert "another server uses the data folder" in done.stderr
    sandkube("down")
    sandkube("up")  # it was written down
    assert namespaces(sandkube) == NAMESPACES
    assert str(theirs) in sandkube("delete").stderr
    assert (theirs / "server" / "db" / "state.db").exists()


def test_nothing_of_the_persons_environment_reaches_k3s(sandkube: Sandkube) -> None:
    secrets = {
        "K3S_TOKEN": "secret-token",
        "K3S_URL": "https://192.0.2.1:6443",
        "AWS_SECRET_ACCESS_KEY": "not-a-key",
    }
    sandkube("up", environ=secrets)
    k3s = parts(sandkube)[0]
    environ = Path(f"/proc/{k3s}/environ").read_bytes() + Path(f"/proc/{k3s}/cmdline").read_bytes()
    assert not [value for value in secrets.values() if value.encode() in environ]


def test_as_a_plain_user(as_nobody: Sandkube) -> None:
    sandkube = pointed(as_nobody)
    sandkube("up")
    assert namespaces(sandkube) == NAMESPACES
    sandkube("delete")


def test_only_the_owner_can_read_what_is_written(sandkube: Sandkube) -> None:
    sandkube.shell("umask 022; sandkube up")
    folder = sandkube.folder().path
    open_to_others = [
        path for path in folder.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077
    ]
    readable = [path for path in open_to_others if folder / "cache" not in path.parents]
    assert [path for path in readable if path.name not in ("host-local", "cache")] == []


def test_a_throw_away_cluster_ends_with_its_python(sandkube: Sandkube) -> None:
    code = """
import sys
from sandkube import Cluster
with Cluster(distribution="k3s") as cluster:
    print(cluster.status.pid, flush=True)
    sys.stdin.read()
"""
    python = subprocess.Popen(
        [*sandkube.python, "-c", code],
        env=sandkube.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert python.stdout is not None
    pid = int(python.stdout.readline())
    assert sandkube.servers() == [pid, *[other for other in sandkube.servers() if other != pid]]
    os.kill(python.pid, signal.SIGKILL)
    python.communicate()
    until(lambda: not sandkube.servers())


def test_in_the_foreground(sandkube: Sandkube) -> None:
    command = sandkube.start("up", "--foreground")
    until(lambda: any(event.whole_ready for event in sandkube.events()))
    os.kill(command.pid, signal.SIGINT)
    command.communicate()
    assert command.returncode == 130
    assert sandkube.servers() == []


def test_encrypted_secrets(sandkube: Sandkube) -> None:
    sandkube("up", "--encrypt-secrets")
    sandkube("kubectl", "create", "secret", "generic", "s", "--from-literal=a=not-to-be-seen")
    sandkube("down")
    database = sandkube.folder().path / "k3s" / "server" / "db" / "state.db"
    assert b"not-to-be-seen" not in database.read_bytes()
    done = sandkube("up", "--no-encrypt-secrets", status=2)
    assert "k3s encrypts Secrets from its first start on" in done.stderr
    sandkube("up")
    assert "secret/s" in sandkube("kubectl", "get", "secrets", "-o", "name").stdout


def test_after_a_start_that_failed_on_another_port(sandkube: Sandkube) -> None:
    sandkube("up")
    k3s = sandkube.environ["SANDKUBE_K3S"]
    port = sandkube.status()["port"]
    sandkube("down")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        broken = write_stand_in(sandkube.root / "broken", sandkube, "dies")
        sandkube("up", f"--k3s={broken}", status=2)
    sandkube("up", f"--k3s={k3s}")
    assert namespaces(sandkube) == NAMESPACES


def test_the_data_of_another_cluster_is_refused(sandkube: Sandkube) -> None:
    sandkube("up", "one")
    data = sandkube.folder("one").path / "k3s"
    done = sandkube("up", "two", status=2, environ={"K3S_DATA_DIR": str(data)})
    assert "another server uses the data folder" in done.stderr


def test_a_data_folder_that_was_left_serves_another_cluster(sandkube: Sandkube) -> None:
    environ = {"K3S_DATA_DIR": str(sandkube.home / "data")}
    sandkube("up", "one", environ=environ)
    sandkube("--cluster", "one", "kubectl", "create", "namespace", "kept")
    sandkube("delete", "one")
    sandkube("up", "two", environ=environ)
    assert "kept" in namespaces(sandkube, "two")


def test_a_k3s_that_is_a_script_leaves_nothing_behind(sandkube: Sandkube) -> None:
    wrapper = sandkube.root / "wrapper"
    wrapper.write_text(f'#!/bin/sh\n{sandkube.environ["SANDKUBE_K3S"]} "$@"\n')
    wrapper.chmod(0o755)
    sandkube("up", f"--k3s={wrapper}")
    served = parts(sandkube)
    sandkube("down")
    until(lambda: gone(served))
    sandkube("up")
    served = parts(sandkube)
    kill(served[0])
    until(lambda: gone(served))


def test_a_kubeconfig_that_cannot_be_written_is_told_of(sandkube: Sandkube) -> None:
    sandkube("up")
    sandkube("down")
    sandkube.folder().kubeconfig.unlink()
    (sandkube.folder().kubeconfig / "in-the-way").mkdir(parents=True)
    done = sandkube("up", status=2)
    assert "cannot be written" in done.stderr
    assert sandkube.servers() == []


@pytest.mark.parametrize("port", ["65535", "65534"])
def test_the_last_ports(sandkube: Sandkube, port: str) -> None:
    done = sandkube("up", f"--port={port}", status=2 if port == "65535" else 0)
    if port == "65535":
        assert "65535 is the last" in done.stderr


def test_env_of_one_that_is_not_ready_yet(behaving: Callable[[str], Sandkube]) -> None:
    sandkube = behaving("never-ready")
    sandkube("up", "--wait=0")
    assert "is not Ready yet" in sandkube("env", status=2).stderr


def test_with_modules_that_only_this_python_finds(sandkube: Sandkube) -> None:
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from sandkube import Cluster
print(Cluster(distribution="k3s").up().url)
"""
    done = sandkube.run([sys.executable, "-I", "-S", "-c", code])
    assert done.stdout.startswith("https://127.0.0.1:")
