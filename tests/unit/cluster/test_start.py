"""Starting clusters with a stand-in for the server: what `up` does in every state that it may find."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sandkube import cluster
from sandkube.cluster import state as states
from sandkube.config import Request
from sandkube.errors import PortTaken, StartFailed, StateCorrupt, StateUnusable, UsageError
from sandkube.plane import process
from sandkube.plane.folder import ClusterFolder
from unit.waiting import until

pytestmark = pytest.mark.usefixtures("stand_in")


def told(what: str) -> Request:
    return Request(api_server_args=(f"--stand-in={what}",))


def sandkube(*arguments: str) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "sandkube", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_line(command: subprocess.Popen[str], words: str) -> None:
    """Read what the command says up to a line with these words."""
    assert command.stderr is not None
    assert any(words in line for line in command.stderr), "it ended without saying so"


def events_of(name: str) -> list[str]:
    path = cluster.folder_of(name).events
    return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []


def pid_of(name: str) -> int:
    pid = cluster.status(name).pid
    assert pid is not None
    return pid


class Heard:
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.said: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def say(self, text: str) -> None:
        self.said.append(text)


# --- from nothing to Ready


def test_up_makes_a_cluster_and_waits_for_ready() -> None:
    heard = Heard()
    done = cluster.up("demo", report=heard)
    assert done.started
    assert done.status.state == "running"
    assert done.status.url == f"https://127.0.0.1:{done.status.port}"
    assert done.status.ready_since
    assert "Starting the server" in heard.steps
    assert "Starting the server: api-server is ready" in heard.steps
    with socket.create_connection(("127.0.0.1", done.status.port or 0)):
        pass


def test_up_again_does_nothing() -> None:
    first = cluster.up("demo").status
    again = cluster.up("demo")
    assert not again.started
    assert again.status.pid == first.pid


def test_everything_in_the_folder_is_private() -> None:
    before = os.umask(0o022)
    try:
        cluster.up("demo")
    finally:
        os.umask(before)
    folder = cluster.folder_of("demo").path
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_the_server_gets_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    cluster.up("demo")
    environ = Path(f"/proc/{pid_of('demo')}/environ").read_text()
    assert "SECRET" not in environ
    assert "10.96.0.0/16" in environ


def test_without_waiting_it_is_only_started() -> None:
    done = cluster.up("demo", told("never-ready"), wait=0)
    assert done.status.state == "starting"
    assert done.status.pid


def test_two_clusters_side_by_side_share_nothing() -> None:
    one, two = cluster.up("one").status, cluster.up("two").status
    assert one.port != two.port
    assert one.pid != two.pid
    assert [found.name for found in cluster.list_clusters()] == ["one", "two"]


def test_two_ups_at_once_start_one_server() -> None:
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: sandkube("up", "demo").communicate()[1], range(2)))
    assert events_of("demo").count("starting") == 1
    assert sorted("running already" in said for said in both) == [False, True]


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDKUBE_STATE_DIR", str(tmp_path / ("long and deep " * 10) / "state"))
    cluster.up("demo")
    socket_path = Path(json.loads(cluster.folder_of("demo").server_config.read_text())["datastore"]["socket"])
    assert socket_path.parent.exists()
    cluster.delete("demo")
    assert not socket_path.parent.exists()


# --- settings


def test_settings_stay_until_they_are_changed() -> None:
    cluster.up("demo", Request(durability="full"))
    cluster.down("demo")
    assert cluster.up("demo").status.durability == "full"
    cluster.down("demo")
    assert cluster.up("demo", Request(durability="fast")).status.durability == "fast"


def test_a_running_cluster_cannot_be_changed() -> None:
    status = cluster.up("demo").status
    cluster.up("demo", Request(durability="normal", port=status.port))  # no change
    with pytest.raises(UsageError, match=r"durability full \(now normal\)") as caught:
        cluster.up("demo", Request(durability="full"))
    assert "sandkube down demo" in (caught.value.hint or "")
    assert pid_of("demo") == status.pid


def test_what_makes_no_sense_leaves_no_folder() -> None:
    with pytest.raises(UsageError):
        cluster.up("demo", Request(api_server_args=("--etcd-servers=x",)))
    assert not cluster.folder_of("demo").exists()


# --- ports


def test_the_port_and_the_kubeconfig_survive_down_and_up() -> None:
    before = cluster.up("demo").status
    text = before.kubeconfig.read_text()
    cluster.down("demo")
    assert cluster.status("demo").port == before.port
    after = cluster.up("demo").status
    assert after.port == before.port
    assert after.kubeconfig.read_text() == text


def test_a_port_that_was_not_asked_for_may_change() -> None:
    port = cluster.up("demo").status.port
    cluster.down("demo")
    heard = Heard()
    with socket.create_server(("127.0.0.1", port or 0)):
        assert cluster.up("demo", report=heard).status.port != port
    assert any(f"Port {port} is taken" in said for said in heard.said)


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTaken, match="is taken by"):
        cluster.up("demo", Request(port=other.getsockname()[1]))
    assert not cluster.folder_of("demo").exists()


# --- failures


@pytest.mark.parametrize(
    ("what", "words", "tail"),
    [
        ("dies", r"api-server: the stand-in was told to \(the server ended with status 1\)", "begins"),
        ("panics", "the server ended with status 2", "panic: the stand-in"),
    ],
)
def test_a_server_that_dies_is_explained_and_leaves_nothing(what: str, words: str, tail: str) -> None:
    with pytest.raises(StartFailed, match=words) as caught:
        cluster.up("demo", told(what))
    assert tail in (caught.value.tail or "")
    assert not cluster.folder_of("demo").exists()


def test_a_server_that_is_not_ready_in_time_is_stopped() -> None:
    with pytest.raises(StartFailed, match=r"not Ready within 0\.3 seconds"):
        cluster.up("demo", told("never-ready"), wait=0.3)
    assert cluster.list_clusters() == []


def test_a_failure_puts_the_settings_back_and_says_crashed() -> None:
    cluster.up("demo")
    cluster.down("demo")
    spec = cluster.folder_of("demo").spec.read_bytes()
    with pytest.raises(StartFailed):
        cluster.up("demo", told("dies"))
    assert cluster.folder_of("demo").spec.read_bytes() == spec
    found = cluster.status("demo")
    assert (found.state, found.reason) == ("crashed", "api-server: the stand-in was told to")
    assert found.log_tail
    assert cluster.up("demo").status.running


def test_a_binary_that_cannot_be_run(stand_in: Path) -> None:
    stand_in.write_text("#!/no/such/interpreter\n")
    with pytest.raises(StartFailed, match="cannot be run"):
        cluster.up("demo")
    assert not cluster.folder_of("demo").exists()


def test_a_read_only_state_folder(state: Path) -> None:
    state.mkdir()
    state.chmod(0o500)
    if os.access(state, os.W_OK):
        pytest.skip("root writes to folders that are read-only: run the tests as another user")
    with pytest.raises(StateUnusable, match="permission denied"):
        cluster.up("demo")


@pytest.mark.parametrize("name", ["spec", "run"])
def test_a_corrupt_file_is_an_error_with_a_remedy(name: str) -> None:
    cluster.up("demo")
    pid = pid_of("demo")
    path: Path = getattr(cluster.folder_of("demo"), name)
    path.write_text("{")
    with pytest.raises(StateCorrupt, match=str(path)) as caught:
        cluster.up("demo")
    assert "sandkube d" in (caught.value.hint or "")
    assert cluster.list_clusters()[0].state == "unreadable"
    assert cluster.down("demo").stop
    assert process.identity(pid) is None


# --- crashes and interruptions


def test_ctrl_c_while_waiting_leaves_nothing() -> None:
    with sandkube("up", "demo", "--api-server-arg=stand-in=never-ready") as command:
        until(lambda: "starting" in events_of("demo"))
        pid = until(lambda: cluster.status("demo").pid)
        command.send_signal(signal.SIGINT)
        assert command.wait() == 130
    assert process.identity(pid) is None
    assert not cluster.folder_of("demo").exists()


def test_term_is_like_ctrl_c() -> None:
    with sandkube("up", "demo", "--api-server-arg=stand-in=never-ready") as command:
        until(lambda: "starting" in events_of("demo"))
        command.terminate()
        assert command.wait() == 143
    assert not cluster.folder_of("demo").exists()


@pytest.mark.parametrize("step", ["Making certificates", "Starting the server"])
def test_an_interrupt_at_any_step_leaves_nothing(step: str) -> None:
    class Interrupting(Heard):
        def step(self, text: str) -> None:
            if text == step:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cluster.up("demo", report=Interrupting())
    assert cluster.list_clusters() == []
    cluster.up("demo")


def test_an_interrupt_between_start_and_run_json_comes_after_both(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn, seen = process.spawn, []

    def interrupted(*args: object, **kwargs: object) -> process.Child:
        child = spawn(*args, **kwargs)  # type: ignore[arg-type]
        seen.append(child.identity)
        signal.raise_signal(signal.SIGINT)
        return child

    monkeypatch.setattr(process, "spawn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cluster.up("demo")
    assert not process.is_alive(seen[0])
    assert cluster.list_clusters() == []


@pytest.mark.parametrize("written", [True, False])
def test_an_up_that_was_killed_is_taken_over(tmp_path: Path, *, written: bool) -> None:
    gate = tmp_path / "gate"
    with sandkube("up", "demo", f"--api-server-arg=stand-in=waits-for={gate}") as command:
        pid = until(lambda: cluster.folder_of("demo").exists() and cluster.status("demo").pid)
        until(lambda: "listening" in events_of("demo"))
        command.kill()
    if not written:
        cluster.folder_of("demo").run.unlink()
    assert cluster.status("demo").state == "starting"
    heard = Heard()

    class Opening(Heard):
        def step(self, text: str) -> None:
            heard.step(text)
            if "starting already" in text:
                gate.touch()

    done = cluster.up("demo", report=Opening())
    assert done.status.pid == pid
    assert not done.started
    assert "Cluster `demo` is starting already: waiting for it" in heard.steps


def test_who_only_waits_for_a_server_does_not_end_it(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slow = Request(api_server_args=(f"--stand-in=waits-for={gate}",))
    pid = cluster.up("demo", slow, wait=0).status.pid
    with pytest.raises(StartFailed):
        cluster.up("demo", slow, wait=0.01)
    assert cluster.status("demo").pid == pid
    gate.touch()
    assert cluster.up("demo", slow).status.running


def test_a_running_server_that_nobody_wrote_down_is_written_down() -> None:
    cluster.up("demo")
    cluster.down("demo")
    before = cluster.up("demo").status
    folder = cluster.folder_of("demo")
    written = states.read_run(folder)
    assert written is not None
    folder.run.unlink()
    assert cluster.up("demo").status == before
    assert states.read_run(folder) == replace(written, log_offset=0)


def test_a_server_that_nobody_wrote_down_is_found_before_it_says_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `up` was killed between the start and run.json: the next one sees only that the datastore is held.
    gate = tmp_path / "gate"
    gate.touch()
    cluster.up("demo", told(f"waits-for={gate}"))
    pid = pid_of("demo")
    folder = cluster.folder_of("demo")
    folder.run.unlink()
    told_so_far = folder.events.read_text()
    folder.events.write_text("")
    observe = states.observe
    seen: list[states.Found] = []

    def observing(of: ClusterFolder) -> states.Found:
        seen.append(observe(of))
        if len(seen) == 3:
            folder.events.write_text(told_so_far)
        return seen[-1]

    monkeypatch.setattr(states.find_server, "__defaults__", (observing,))
    done = cluster.up("demo")
    assert (done.status.pid, done.started) == (pid, False)


def test_after_a_kill_up_starts_again() -> None:
    before = cluster.up("demo").status
    os.kill(before.pid or 0, signal.SIGKILL)
    until(lambda: cluster.status("demo").state == "crashed")
    assert cluster.status("demo").reason == "it ended without saying why, and its exit status is unknown"
    after = cluster.up("demo").status
    assert (after.running, after.port) == (True, before.port)


def test_a_stale_number_that_is_another_process_now_is_left_alone() -> None:
    cluster.up("demo")
    cluster.down("demo")
    folder = cluster.folder_of("demo")
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as other:
        run = states.Run(process.Identity(other.pid, "1@before"), 1, 0)
        states.write_run(folder, run)
        assert cluster.status("demo").state == "stopped"
        assert cluster.up("demo").status.pid != other.pid
        cluster.down("demo")
        states.write_run(folder, run)
        assert cluster.down("demo").stop is None
        assert other.poll() is None
        other.kill()


def test_a_server_started_by_hand_after_a_crash_is_seen() -> None:
    pid = cluster.up("demo").status.pid
    folder = cluster.folder_of("demo")
    states.write_run(folder, states.Run(process.Identity(1, "1@before"), 1, 0))
    assert (cluster.status("demo").pid, cluster.status("demo").state) == (pid, "running")


def test_a_server_that_is_stopping_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    first = cluster.up("demo").status
    folder = cluster.folder_of("demo")
    with folder.events.open("a") as file:
        file.write('{"event": "stopping"}\n')
    assert cluster.status("demo").state == "stopping"
    after = cluster.up("demo").status
    assert after.running
    assert after.pid != first.pid


# --- foreground and dry run


def test_foreground_stays_until_ctrl_c() -> None:
    with sandkube("up", "demo", "--foreground") as command:
        await_line(command, "Ctrl-C stops it")
        pid = pid_of("demo")
        command.send_signal(signal.SIGINT)
        assert command.wait() == 130
    assert process.identity(pid) is None
    assert cluster.status("demo").state == "stopped"


def test_foreground_ends_with_down() -> None:
    with sandkube("up", "demo", "--foreground") as command:
        await_line(command, "Ctrl-C stops it")
        cluster.down("demo")
        assert command.wait() == 0


def test_foreground_is_killed_and_the_server_goes_too() -> None:
    with sandkube("up", "demo", "--foreground") as command:
        await_line(command, "Ctrl-C stops it")
        pid = pid_of("demo")
        command.kill()
    until(lambda: process.identity(pid) is None)
    assert cluster.status("demo").state == "stopped"


def test_foreground_tells_of_a_server_that_ends_by_itself() -> None:
    with sandkube("up", "demo", "--foreground") as command:
        await_line(command, "Ctrl-C stops it")
        os.kill(pid_of("demo"), signal.SIGKILL)
        _, said = command.communicate()
    assert command.returncode == 2
    assert "signal SIGKILL" in said


def test_a_dry_run_starts_nothing_and_prints_what_can_be_started() -> None:
    script = cluster.prepare("demo", Request(durability="full"))
    assert cluster.status("demo").state == "stopped"
    assert cluster.folder_of("demo").kubeconfig.exists()
    with subprocess.Popen(["sh"], stdin=subprocess.PIPE, text=True, stderr=subprocess.PIPE) as shell:
        assert shell.stdin is not None
        shell.stdin.write(script)
        shell.stdin.close()
        refused = until(lambda: shell.poll() is not None and shell.returncode)
        assert refused  # the stand-in takes no address, so it ends; the real server stays
    cluster.up("demo")
    with pytest.raises(UsageError, match="running already"):
        cluster.prepare("demo")
