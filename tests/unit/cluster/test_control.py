"""The class for Python, with a stand-in for the server."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandkube import Cluster, cluster
from sandkube.config import Request
from sandkube.errors import ClusterNotRunning, CommandFailed, ServerNotFound, StartFailed, UsageError
from sandkube.plane import process
from unit.waiting import until

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def clients(stand_in: Path) -> None:
    """Have the stand-in answer as kubectl and helm: it prints its arguments, its input and its kubeconfig."""
    lines = stand_in.read_text().splitlines()
    lines[1:1] = [
        'case "$0" in */kubectl|*/helm)',
        '  printf "%s\\n" "${0##*/}" "$KUBECONFIG" "$@"; cat',
        '  if [ "$1" = fail ]; then echo no >&2; exit 3; fi; exit 0',
        "esac",
    ]
    stand_in.write_text("\n".join(lines))


def test_without_a_name_it_is_thrown_away(state: Path) -> None:
    with Cluster() as one, Cluster() as two:
        assert one.name != two.name
        assert one.status.running
        assert one.status.durability == "fast"
        assert one.url.startswith("https://127.0.0.1:")
        assert one.kubeconfig_path.exists()
    assert list((state / "clusters").iterdir()) == []


def test_with_a_name_it_stays_and_what_ran_before_runs_on() -> None:
    with Cluster("demo") as first:
        assert first.status.running
    assert cluster.status("demo").state == "stopped"
    cluster.up("demo")
    with Cluster("demo"):
        pass
    assert cluster.status("demo").running


def test_it_is_gone_after_an_error_too(state: Path) -> None:
    def failing() -> None:
        with Cluster():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert list((state / "clusters").iterdir()) == []


def test_a_start_that_fails_leaves_nothing(state: Path) -> None:
    with pytest.raises(StartFailed):
        Cluster(api_server_args=["--stand-in=dies"]).up()
    assert list((state / "clusters").iterdir()) == []


def test_without_a_block_it_ends_with_the_object(state: Path) -> None:
    one = Cluster().up()
    pid = one.status.pid or 0
    assert one.up() is one
    del one
    gc.collect()
    assert process.identity(pid) is None
    assert list((state / "clusters").iterdir()) == []


def test_one_whose_server_died_begins_anew() -> None:
    with Cluster() as one:
        pid = one.status.pid or 0
        os.kill(pid, signal.SIGKILL)
        until(lambda: process.identity(pid) is None)
        assert one.up().status.running
        assert one.status.pid != pid


CODE = "from sandkube import Cluster; c = Cluster().up(); print(c.status.pid, flush=True); {}"


def test_it_ends_with_python(state: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CODE.format("")], capture_output=True, text=True, check=True)
    assert process.identity(int(done.stdout)) is None
    assert list((state / "clusters").iterdir()) == []
    assert done.stderr == ""


def test_it_ends_when_python_is_killed_and_the_next_command_tidies_up(state: Path) -> None:
    code = CODE.format("import signal; signal.pause()")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as python:
        assert python.stdout is not None
        pid = int(python.stdout.readline())
        python.send_signal(signal.SIGKILL)
    until(lambda: process.identity(pid) is None)
    assert len(cluster.list_clusters()) == 1
    cluster.up("demo")
    assert [found.name for found in cluster.list_clusters()] == ["demo"]


def test_a_forked_child_does_not_end_it() -> None:
    code = CODE.format(
        "import os; pid = os.fork() or exit(); os.waitpid(pid, 0); print(c.status.state, flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[1:] == ["running"]


@pytest.mark.usefixtures("clients")
def test_kubectl_and_helm() -> None:
    with Cluster() as one:
        done = one.kubectl("get", "ns", input="text")
        assert done.stdout == f"kubectl\n{one.kubeconfig_path}\nget\nns\ntext"
        assert one.helm("list").stdout.startswith("helm\n")
        assert one.kubectl("fail", check=False).returncode == 3
        with pytest.raises(CommandFailed, match="`kubectl fail x` ended with status 3") as caught:
            one.kubectl("fail", "x")
        assert (caught.value.returncode, caught.value.stderr) == (3, "no\n")
        assert str(caught.value).endswith("\nno")


def test_before_up_there_is_nothing_to_ask() -> None:
    with pytest.raises(ClusterNotRunning):
        Cluster("demo").kubectl("get", "ns")
    cluster.up("demo")
    cluster.down("demo")
    with pytest.raises(ClusterNotRunning):
        _ = Cluster("demo").url


def test_it_waits() -> None:
    with pytest.raises(UsageError, match="wait"):
        Cluster(wait=0)


def test_settings_are_those_of_up() -> None:
    with Cluster("demo", durability="full", scheduler_args=["--v=4"]) as one:
        assert one.status.durability == "full"
        cluster.up("demo", Request(durability="full", scheduler_args=("--v=4",)))


def test_delete_and_down() -> None:
    one = Cluster("demo").up()
    one.down()
    assert one.status.state == "stopped"
    one.delete()
    one.delete()
    assert not one.kubeconfig_path.exists()


def test_output_that_is_no_text_is_given_as_far_as_it_is(stand_in: Path) -> None:
    lines = stand_in.read_text().splitlines()
    lines[1:1] = ['case "$0" in */kubectl) printf "a\\377b"; exit 0;; esac']
    stand_in.write_text("\n".join(lines))
    with Cluster() as one:
        assert one.kubectl("get").stdout == "a\ufffdb"


def test_a_binary_that_is_gone_is_an_error_of_ours(clients: None) -> None:
    with Cluster() as one:
        link = one.kubeconfig_path.parent / "bin" / "kubectl"
        link.unlink()
        link.symlink_to("/no/such/binary")
        with pytest.raises(ServerNotFound, match="cannot be run"):
            one.kubectl("get")
