"""Containers as processes: what runs in one, what it prints, and how it ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from runtime.conftest import SECONDS, Containers
from sandkube.runtime.places import HOLDER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="containers are processes of Linux")


def test_a_command_runs_to_its_end(containers: Containers) -> None:
    ended, lines = containers.run("sh", "-c", "echo one; echo two >&2; printf three; exit 3")
    assert (ended["code"], ended["signal"]) == (3, 0)
    assert sorted(lines) == ["stderr F two", "stdout F one", "stdout F three"]


def test_the_end_by_a_signal(containers: Containers) -> None:
    held, _ = containers.start("sleep", "1000")
    assert held.ask(do="signal", number=int(signal.SIGTERM)) == {}
    assert held.wait()["code"] == 128 + signal.SIGTERM


def test_a_signal_that_is_caught(containers: Containers) -> None:
    held, _ = containers.start(
        "sh", "-c", "trap 'echo got it; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    )
    held.printed("up")
    held.ask(do="signal", number=int(signal.SIGTERM))
    assert held.wait()["code"] == 0
    assert "stdout F got it" in held.lines()


@pytest.mark.parametrize(
    ("argument", "code", "said"),
    [
        ("no-such-program", 127, 'exec "no-such-program": executable file not found in $PATH'),
        ("/etc/passwd", 126, 'exec "/etc/passwd": Permission denied'),
    ],
)
def test_what_cannot_be_executed(containers: Containers, argument: str, code: int, said: str) -> None:
    _, reported = containers.start(argument)
    assert reported == {"error": said, "code": code}


def test_everything_ends_with_the_command(containers: Containers) -> None:
    """Also what has left its session, and ignores signals; and nothing of it waits for ever."""
    script = (
        "trap '' TERM; (setsid sh -c 'trap \"\" TERM HUP; echo child; exec sleep 1000' &) ; sleep 0.2; exit 7"
    )
    ended, lines = containers.run("sh", "-c", script)
    assert ended["code"] == 7
    assert lines == ["stdout F child"]


def test_kill_ends_all_of_it(containers: Containers) -> None:
    held, _ = containers.start("sh", "-c", "trap '' TERM; echo up; sleep 1000 & wait")
    held.printed("up")
    held.ask(do="kill")
    assert held.wait()["code"] == 128 + signal.SIGKILL


def test_the_end_of_the_life_pipe_ends_it(containers: Containers) -> None:
    reading, life = os.pipe()
    held, _ = containers.start("sleep", "1000", life=reading)
    os.close(reading)
    assert not select.select([], [], [], 0.1)[0]
    os.close(life)
    assert held.wait()["code"] == 128 + signal.SIGKILL


def test_it_outlives_who_started_it(containers: Containers, tmp_path: Path) -> None:
    held, _ = containers.start("sh", "-c", "echo up; sleep 1000")
    held.printed("up")
    containers.connection.close()  # and the zygote with it
    time.sleep(0.1)
    assert held.execute("echo", "here")[:2] == (0, b"here\n")
    assert (held.folder / HOLDER).exists()


def test_further_commands(containers: Containers) -> None:
    held, _ = containers.start("sh", "-c", "echo inside > /tmp/there; echo up; sleep 1000")
    held.printed("up")
    assert held.execute("cat", "/tmp/there") == (0, b"inside\n", b"")
    assert held.execute("cat", given=b"given\n") == (0, b"given\n", b"")
    assert held.execute("sh", "-c", "echo no >&2; exit 4") == (4, b"", b"no\n")
    assert held.execute("absent")[0] == 127
    assert held.execute("sh", "-c", "kill -9 $$")[0] == 137


def test_a_further_command_ends_with_its_connection(containers: Containers) -> None:
    held, _ = containers.start("sleep", "1000")
    pipes = os.pipe()
    connection = held.control()
    connection.send({"do": "exec", "arguments": ["sleep", "999"]}, [pipes[0], pipes[1], pipes[1]])
    assert "started" in (connection.receive() or {})
    assert held.ask(do="usage")["processes"] == 2
    connection.close()
    deadline = time.monotonic() + SECONDS
    while held.ask(do="usage")["processes"] != 1:
        assert time.monotonic() < deadline
    for pipe in pipes:
        os.close(pipe)


def test_a_terminal(containers: Containers) -> None:
    held, _ = containers.start("sleep", "1000")
    connection = held.control()
    connection.send(
        {"do": "exec", "arguments": ["sh", "-c", "read x; tty; stty size; echo got $x"], "tty": True}
    )
    answer = connection.receive()
    assert answer is not None
    assert "started" in answer
    (master,) = connection.take(1)
    connection.send({"do": "resize", "rows": 33, "columns": 77})
    time.sleep(0.1)
    os.write(master, b"word\n")
    assert connection.receive() == {"exit": 0}
    seen = b""
    while select.select([master], [], [], 0.2)[0]:
        try:
            seen += os.read(master, 4096)
        except OSError:
            break
    os.close(master)
    connection.close()
    assert b"/dev/pts/" in seen
    assert b"33 77" in seen
    assert b"got word" in seen


def test_attaching(containers: Containers) -> None:
    script = "read x; echo heard $x; echo aside >&2; sleep 1000"
    held, _ = containers.start("sh", "-c", script, stdin=True)
    inner_in, outer_in = os.pipe()
    outer_out, inner_out = os.pipe()
    outer_err, inner_err = os.pipe()
    connection = held.control()
    files = [inner_in, inner_out, inner_err]
    connection.send({"do": "attach", "streams": ["stdin", "stdout", "stderr"]}, files)
    for file in files:
        os.close(file)
    assert connection.receive() == {"tty": False}
    os.write(outer_in, b"this\n")
    assert os.read(outer_out, 100) == b"heard this\n"
    assert os.read(outer_err, 100) == b"aside\n"
    for file in (outer_in, outer_out, outer_err):
        os.close(file)
    connection.close()
    assert sorted(held.lines()) == ["stderr F aside", "stdout F heard this"]


def test_a_client_that_reads_nothing_holds_nobody_up(containers: Containers) -> None:
    held, _ = containers.start("sh", "-c", "read x; yes | head -c 3000000; echo done", stdin=True)
    inner, outer = os.pipe()
    reading, stdout = os.pipe()
    connection = held.control()
    connection.send({"do": "attach", "streams": ["stdin", "stdout"]}, [inner, stdout])
    os.close(inner)
    os.close(stdout)
    assert connection.receive() == {"tty": False}
    os.write(outer, b"go\n")
    assert held.wait()["code"] == 0
    assert held.lines()[-1] == "stdout F done"
    connection.close()
    for file in (outer, reading):
        os.close(file)


def test_long_lines_come_in_pieces(containers: Containers) -> None:
    _, lines = containers.run("sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo end")
    kinds = [line[:9] for line in lines]
    assert kinds == ["stdout P ", "stdout P ", "stdout F ", "stdout F "]
    assert "".join(line[9:] for line in lines[:3]) == "x" * 40000


def test_a_log_that_is_turned(containers: Containers) -> None:
    held, _ = containers.start("sh", "-c", "read x; echo before; read x; echo behind; sleep 1000", stdin=True)
    inner, outer = os.pipe()
    connection = held.control()
    connection.send({"do": "attach", "streams": ["stdin"]}, [inner])
    os.close(inner)
    connection.receive()
    os.write(outer, b"\n")
    held.printed("before")
    older = held.log.rename(held.log.with_suffix(".old"))
    held.ask(do="reopen")
    os.write(outer, b"\n")
    held.printed("behind")
    assert "before" in older.read_text()
    assert held.lines() == ["stdout F behind"]
    connection.close()
    os.close(outer)


def test_its_own_name_and_processes(containers: Containers) -> None:
    _, lines = containers.run("sh", "-c", "hostname; echo $$; ls -d /proc/[0-9]* | wc -l", hostname="web-0")
    assert lines[0] == "stdout F web-0"
    assert int(lines[1].split()[-1]) < 10
    assert int(lines[2].split()[-1]) < 10


def test_a_folder_to_begin_in_is_made(containers: Containers) -> None:
    _, lines = containers.run("pwd", folder="/tmp/made/for/it")
    assert lines == ["stdout F /tmp/made/for/it"]


def test_limits(containers: Containers) -> None:
    _, lines = containers.run("sh", "-c", "ulimit -n", limits={"NOFILE": 123})
    assert lines == ["stdout F 123"]


def test_a_user_of_its_own(containers: Containers) -> None:
    if os.geteuid() == 0:
        asked = {"user": 3000, "group": 3001, "groups": [3002]}
        _, lines = containers.run("id", **asked)
        assert lines == ["stdout F uid=3000 gid=3001 groups=3001,3002"]
    else:
        maps = [f"3000 {os.geteuid()} 1", f"3001 {os.getegid()} 1"]
        _, lines = containers.run("sh", "-c", "id -u; id -g", user=3000, group=3001, maps=maps)
        assert lines == ["stdout F 3000", "stdout F 3001"]
