from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandkube.errors import StartFailed
from sandkube.plane import detached, process
from sandkube.plane.process import Child, Identity
from unit.waiting import until

SLEEPS = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"


@pytest.fixture
def spawned(tmp_path: Path) -> Iterator[list[Child]]:
    children: list[Child] = []
    yield children
    for child in children:
        child.popen.kill()
        child.popen.wait()


def spawn(tmp_path: Path, spawned: list[Child], code: str, **environ: str) -> Child:
    child = process.spawn(
        [sys.executable, "-c", code],
        folder=tmp_path,
        stderr=tmp_path / "stderr",
        environ=environ,
        keep_fds=[],
    )
    spawned.append(child)
    return child


def test_a_child_is_alone_and_limited(tmp_path: Path, spawned: list[Child]) -> None:
    code = """
import os, resource, sys
print(os.getsid(0) == os.getpid(), os.getcwd(), file=sys.stderr)
print(os.umask(0), resource.getrlimit(resource.RLIMIT_CORE)[0], file=sys.stderr)
print(*(os.readlink(f"/proc/self/fd/{fd}") for fd in (0, 1)), dict(os.environ), file=sys.stderr)
"""
    before = os.umask(0o022)
    os.umask(before)
    child = spawn(tmp_path, spawned, code, LC_ALL="C.UTF-8")
    assert child.popen.wait() == 0
    said = (tmp_path / "stderr").read_text().splitlines()
    assert said == [f"True {tmp_path}", "63 0", "/dev/null /dev/null {'LC_ALL': 'C.UTF-8'}"]
    assert os.umask(before) == before


def test_only_the_files_that_are_named_are_passed_on(tmp_path: Path) -> None:
    read, write = os.pipe()
    other, _ = os.pipe()
    code = (
        f"import os; os.write({write}, b'x')\ntry: os.fstat({other})\nexcept OSError: os.write({write}, b'y')"
    )
    child = process.spawn(
        [sys.executable, "-c", code], folder=tmp_path, stderr=tmp_path / "e", environ={}, keep_fds=[write]
    )
    assert child.popen.wait() == 0
    assert os.read(read, 10) == b"xy"
    for fd in (read, write, other, _):
        os.close(fd)


def test_a_link_in_the_place_of_fd_2_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stderr").symlink_to(tmp_path / "theirs")
    with pytest.raises(OSError, match="symbolic"):
        process.spawn(["true"], folder=tmp_path, stderr=tmp_path / "stderr", environ={}, keep_fds=[])


def test_what_cannot_be_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="cannot be run"):
        process.spawn(["/no/such"], folder=tmp_path, stderr=tmp_path / "e", environ={}, keep_fds=[])


def test_the_limits_of_the_parent_stay(tmp_path: Path, spawned: list[Child]) -> None:
    kinds = (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)
    before = [resource.getrlimit(kind) for kind in kinds]
    spawn(tmp_path, spawned, "")
    assert [resource.getrlimit(kind) for kind in kinds] == before


def test_a_process_is_known_again(me: Identity) -> None:
    assert process.identity(os.getpid()) == me
    assert process.is_alive(me)


def test_another_process_with_its_number_is_not_it(me: Identity) -> None:
    impostor = Identity(me.pid, "1@another-boot")
    assert not process.is_alive(impostor)
    assert process.stop(impostor, term_seconds=0).how == "gone"  # we live on


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEPS]) as popen:
        found = process.identity(popen.pid)
        assert found is not None
        assert process.is_alive(found)
        popen.kill()
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)  # it is dead, and nobody has waited for it
        assert process.identity(popen.pid) is None
        assert not process.is_alive(found)


def test_a_name_with_anything_in_it_does_not_confuse(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    fields = ["S", *(str(number) for number in range(4, 30))]
    (tmp_path / "7" / "stat").write_text(f"7 (a) Z (b) {' '.join(fields)}\n")
    assert process._identity_from_proc(7, tmp_path) == Identity(7, "22@")
    assert process._identity_from_proc(8, tmp_path) is None


def test_without_proc_ps_is_asked(me: Identity) -> None:
    found = process._identity_from_ps(me.pid)
    assert found == process._identity_from_ps(me.pid)
    assert found is not None
    assert found.pid == me.pid


@pytest.fixture(params=["pidfd", "polling"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "polling":
        monkeypatch.setattr(process, "_pidfd", lambda _: None)


@pytest.mark.usefixtures("_way")
def test_term_ends_a_process(tmp_path: Path, spawned: list[Child]) -> None:
    child = spawn(tmp_path, spawned, SLEEPS)
    assert process.stop(child.identity, term_seconds=30).how == "stopped"
    assert not process.is_alive(child.identity)
    assert child.exit_status() == -signal.SIGTERM
    assert process.stop(child.identity, term_seconds=30).how == "gone"


@pytest.mark.usefixtures("_way")
def test_kill_ends_what_term_does_not() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as popen:
        assert popen.stdout is not None
        popen.stdout.readline()  # TERM is ignored from here on
        found = process.identity(popen.pid)
        assert found is not None
        assert process.stop(found, term_seconds=0.05).how == "killed"
        assert popen.wait() == -signal.SIGKILL


def test_an_interrupt_while_waiting_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as popen:
        assert popen.stdout is not None
        popen.stdout.readline()
        found = process.identity(popen.pid)
        assert found is not None
        main = threading.main_thread().ident
        assert main is not None
        threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            process.stop(found, term_seconds=60)
        assert popen.wait() == -signal.SIGKILL


def test_interrupts_come_after_the_block() -> None:
    done: list[str] = []

    def interrupted() -> None:
        with process.interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            done.append("the block")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_another_thread_there_is_nothing_to_defer() -> None:
    seen: list[object] = []

    def body() -> None:
        with process.interrupts_deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_the_environment_holds_no_more_than_is_needed() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/home/x",
        "LC_TIME": "C",
        "SSL_CERT_FILE": "/ca",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "KUBECONFIG": "/x",
        "SANDKUBE_PORT": "1",
    }
    assert process.environment(environ, ["localhost"]) == {
        "PATH": "/bin",
        "HOME": "/home/x",
        "LC_TIME": "C",
        "SSL_CERT_FILE": "/ca",
    }


def test_what_is_internal_is_not_asked_of_a_proxy() -> None:
    given = {"https_proxy": "http://proxy", "NO_PROXY": "example.com, localhost", "no_proxy": ".lan"}
    kept = process.environment(given, ["localhost", "10.96.0.0/16"])
    assert kept["https_proxy"] == "http://proxy"
    assert kept["NO_PROXY"] == kept["no_proxy"] == "example.com,localhost,.lan,10.96.0.0/16"


def test_the_command_line_of_a_process(tmp_path: Path, spawned: list[Child]) -> None:
    child = spawn(tmp_path, spawned, SLEEPS)
    until(lambda: SLEEPS in process.command_line(child.identity.pid))
    assert process.command_line(2**22 + 1) == ""


def test_whose_a_process_is(tmp_path: Path, spawned: list[Child], monkeypatch: pytest.MonkeyPatch) -> None:
    child = spawn(tmp_path, spawned, SLEEPS)
    assert process.is_own(child.identity.pid)
    assert not process.is_own(2**22 + 1)
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    assert not process.is_own(child.identity.pid)


def test_two_starts_at_once_leave_the_limits_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 500), hard))
    asked: list[object] = []

    def slow(*_: object, **__: object) -> None:
        asked.append(resource.getrlimit(resource.RLIMIT_NOFILE))
        time.sleep(0.05 * len(asked) ** 2)  # the second goes on for longer
        raise OSError(0, "no")

    def start(name: str) -> None:
        with contextlib.suppress(StartFailed):
            process.spawn(["x"], folder=tmp_path, stderr=tmp_path / name, environ={}, keep_fds=[])

    monkeypatch.setattr(detached, "Detached", slow)
    try:
        threads = [threading.Thread(target=start, args=[name]) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(asked) == 2
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(soft, 500), hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
