"""`doctor` runs wherever it is called, whatever is missing."""

from __future__ import annotations

import json
import os
import signal

import pytest

from command_line import Sandkube, fresh, public_folder, python_of_all, until
from doctor.conftest import doctor, examined, problems, write_program


def test_a_user_without_any_home() -> None:
    """A number that no user has, as containers use it; `up` fails of the same, and names it."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    with public_folder(54321) as root:
        python, path = python_of_all()
        with fresh(root, python=python, user=54321, environ={"PYTHONPATH": path}) as sandkube:
            for name in ("HOME", "SANDKUBE_STATE_DIR", "SANDKUBE_CACHE_DIR"):
                del sandkube.environ[name]
            found = examined(sandkube)
            done = sandkube("up", status=2)
    assert "state-no-place" in found
    assert "unchecked" not in found
    assert f"cause: {found['state-no-place']['found']}\n" in done.stderr


def test_nothing_at_all(sandkube: Sandkube) -> None:
    """No variable, no PATH, and standard streams that are closed."""
    command = " ".join(f"'{word}'" for word in sandkube.command)
    done = sandkube.run(
        ["/usr/bin/env", "-i", "/bin/sh", "-c", f"{command} doctor -o json <&- 2>&-"], status=None
    )
    assert "unchecked" not in problems(done)


def test_it_changes_nothing(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    sandkube("down")

    def files() -> dict[str, int]:
        return {str(path): path.lstat().st_size for path in sorted(sandkube.root.rglob("*"))}

    before = files()
    doctor(sandkube)
    assert files() == before


def test_one_that_is_interrupted(sandkube: Sandkube) -> None:
    """A program on PATH that hangs is not waited for after Ctrl-C."""
    folder = sandkube.root / "bin"
    folder.mkdir()
    started = sandkube.root / "started"
    write_program(folder / "kubectl", f"echo >{started}; exec sleep 600")
    popen = sandkube.start("doctor", environ={"PATH": f"{folder}{os.pathsep}{sandkube.environ['PATH']}"})
    until(started.exists)
    os.killpg(popen.pid, signal.SIGINT)
    _, stderr = popen.communicate()
    assert "Traceback" not in stderr
    assert popen.returncode == 130


def test_what_hangs_is_bounded_and_told(sandkube: Sandkube) -> None:
    """A kubectl that never answers, and a pipe in the place of a cluster's file."""
    folder = sandkube.root / "bin"
    folder.mkdir()
    write_program(folder / "kubectl", "exec sleep 600")
    sandkube.environ["PATH"] = f"{folder}{os.pathsep}{sandkube.environ['PATH']}"
    cluster = sandkube.folder("odd")
    cluster.path.mkdir(parents=True, mode=0o700)
    os.mkfifo(cluster.spec)
    document = json.loads(doctor(sandkube).stdout)
    unchecked = [one for one in document["findings"] if one["kind"] == "unchecked"]
    assert "leftovers" in {one["check"] for one in unchecked}
    assert all("takes longer than" in one["found"] for one in unchecked)
    assert {"kubectl-silent"} < {one["kind"] for one in document["findings"]}
    assert {"server", "memory"} <= {one["check"] for one in document["findings"] if one["state"] == "ok"}


def test_a_server_that_runs_and_does_not_answer(sandkube: Sandkube) -> None:
    sandkube("up", "--durability", "fast")
    assert "server-silent" not in problems(doctor(sandkube))
    pid = sandkube.pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        found = problems(doctor(sandkube))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert f"(process {pid}) and does not answer" in found["server-silent"]["found"]


def test_a_binary_in_the_cache_that_was_changed(sandkube: Sandkube) -> None:
    del sandkube.environ["SANDKUBE_SERVER"]
    sandkube("server", "install", str(sandkube.server))
    (binary,) = (sandkube.root / "cache" / "server").glob("installed-*/sandkube-server")
    assert "server-changed" not in problems(doctor(sandkube))
    os.utime(binary, (1, 1))
    found = problems(doctor(sandkube))["server-changed"]
    assert str(binary) in found["found"]
    sandkube.shell(found["remedy"])
    assert "server-changed" not in problems(doctor(sandkube))
