from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandkube_build import gocommand
from sandkube_build.errors import BuildError
from standin_go import make_go, script


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _until(condition: object, seconds: float = 10.0) -> bool:
    assert callable(condition)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_output_is_given_and_lines_are_passed_on(tmp_path: Path) -> None:
    command = script(tmp_path / "go", "#!/bin/sh\necho one >&2; echo two >&2; echo answer\n")
    lines: list[str] = []
    given = gocommand.run([command], cwd=tmp_path, environ=os.environ, on_line=lines.append)
    assert given == "answer\n"
    assert lines == ["one", "two"]


def test_a_failure_carries_the_tail(tmp_path: Path) -> None:
    command = script(
        tmp_path / "go", "#!/bin/sh\nseq 1 100 >&2; echo 'main.go:1: undefined: x' >&2; exit 1\n"
    )
    with pytest.raises(BuildError, match="`go build` ended with status 1") as caught:
        gocommand.run([command, "build"], cwd=tmp_path, environ=os.environ)
    tail = str(caught.value.tail).splitlines()
    assert tail[-1] == "main.go:1: undefined: x"
    assert len(tail) == gocommand.TAIL_LINES


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("dial tcp: lookup x: no such host", "GOPROXY"),
        ("write /tmp/x: no space left on device", "the disk is full"),
        ("compile: signal: killed", "want of memory"),
    ],
)
def test_failures_that_a_user_can_mend_have_a_hint(tmp_path: Path, said: str, hint: str) -> None:
    command = script(tmp_path / "go", f"#!/bin/sh\necho '{said}' >&2; exit 1\n")
    with pytest.raises(BuildError) as caught:
        gocommand.run([command], cwd=tmp_path, environ=os.environ)
    assert hint in str(caught.value.hint)


def test_an_interruption_ends_the_children_too(tmp_path: Path) -> None:
    command = script(tmp_path / "go", '#!/bin/sh\nsleep 60 &\necho "$!" > "$1"\necho started >&2\nwait\n')

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gocommand.run([command, tmp_path / "pid"], cwd=tmp_path, environ=os.environ, on_line=interrupt)
    child = int((tmp_path / "pid").read_text())
    assert _until(lambda: not _alive(child))


def test_sigterm_is_raised_inside_and_only_inside() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def terminate() -> None:
        with gocommand.terminable():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    with pytest.raises(gocommand.Terminated) as caught:
        terminate()
    assert caught.value.signum == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_programs_own_handler_stays() -> None:
    def own(_number: int, _frame: object) -> None:
        raise RuntimeError

    before = signal.signal(signal.SIGTERM, own)
    try:
        with gocommand.terminable():
            assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_off_the_main_thread_signals_are_left_alone() -> None:
    ran = []

    def body() -> None:
        with gocommand.terminable():
            ran.append(True)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert ran == [True]


def test_build_py_ended_by_sigterm_leaves_nothing(tmp_path: Path) -> None:
    go = make_go(tmp_path / "go")
    environ = go.environ | {"STANDIN_SLEEP": "20"}
    build_py = Path(__file__).resolve().parents[2] / "server" / "build.py"
    output = tmp_path / "out" / "server"
    process = subprocess.Popen(
        [sys.executable, build_py, "--output", output], env=environ, stderr=subprocess.PIPE, text=True
    )
    assert _until(lambda: go.builds() == 1, 30)
    child = int((go.folder / "builds").read_text())
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "nothing was left behind" in said
    assert list((tmp_path / "out").iterdir()) == []
    assert _until(lambda: not _alive(child))
