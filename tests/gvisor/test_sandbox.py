"""The launcher itself: nothing is left of a sandbox, however it ends, and why there is none is said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import NOBODY, public_folder, python_of_all, until
from gvisor.sandbox import CannotRunError, Sandbox, find_runsc, running

pytestmark = pytest.mark.gvisor

HELD = """
import sys, time
from pathlib import Path
sys.path[:0] = [{tests!r}]
from gvisor.sandbox import running
with running(Path({runsc!r})) as box:
    print(box.root, flush=True)
    box("sleep", "600", seconds=600)
"""

TRIED = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from gvisor.sandbox import CannotRunError, running
try:
    with running(Path({runsc!r})) as box:
        print(box("id", "-u").stdout, end="")
except CannotRunError as error:
    print("cannot run:", error)
"""


def parts_of(root: Path) -> list[int]:
    """The processes of a sandbox that live."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(f"--root={root}/") in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture
def box(runsc: Path) -> Iterator[Sandbox]:
    try:
        with running(runsc) as box:
            yield box
    except CannotRunError as error:
        pytest.skip(str(error))


def test_output_exit_status_and_input_are_passed_on(box: Sandbox) -> None:
    done = box("sh", "-c", "cat; echo to the other >&2; exit 3", stdin="typed", status=3)
    assert (done.stdout, done.stderr) == ("typed", "to the other\n")


def test_what_is_on_the_hosts_files_is_seen_on_both_sides_and_tmpfs_is_not(box: Sandbox) -> None:
    box("sh", "-c", f"echo a > {box.files}/a; echo b > {box.tmpfs}/b; cat {box.tmpfs}/b")
    assert (box.files / "a").read_text() == "a\n"
    assert list(box.tmpfs.iterdir()) == []


def test_a_command_that_takes_too_long_ends_the_sandbox(box: Sandbox) -> None:
    with pytest.raises(AssertionError, match=r"took over 0\.5 s"):
        box("sleep", "600", seconds=0.5)
    until(lambda: not box.is_running())


def test_nothing_is_left(runsc: Path) -> None:
    before = Path("/proc/mounts").read_text()
    try:
        with running(runsc) as box:
            box("sh", "-c", "sleep 600 > /dev/null 2>&1 &")
            assert parts_of(box.root)
    except CannotRunError as error:
        pytest.skip(str(error))
    until(lambda: not parts_of(box.root))
    assert not box.root.exists()
    assert Path("/proc/mounts").read_text() == before


def test_a_plain_user_starts_one_and_is_root_in_it(runsc: Path, box: Sandbox) -> None:
    """`runsc --rootless`, in a user namespace."""
    if os.getuid() != 0:
        assert box("id", "-u").stdout == "0\n"
        return
    with public_folder(NOBODY) as folder:
        shutil.copy(runsc, folder / "runsc")
        shutil.copytree(Path(__file__).parent, folder / "gvisor")
        script = TRIED.format(tests=str(folder), runsc=str(folder / "runsc"))
        done = subprocess.run(
            [*python_of_all()[0], "-c", script],
            env={"TMPDIR": str(folder), "PATH": os.defpath},
            capture_output=True,
            text=True,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            check=False,
        )
        if "cannot run" in done.stdout:
            pytest.skip(f"a plain user may not: {done.stdout}")
        assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
        assert list(folder.glob("skg-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_sandbox_ends_with_the_tests(runsc: Path, box: Sandbox, number: signal.Signals) -> None:
    """After Ctrl-C nothing is left; after `kill -9` no process is."""
    script = HELD.format(tests=str(Path(__file__).resolve().parents[1]), runsc=str(runsc))
    popen = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with popen:
        assert popen.stdout is not None
        root = Path(popen.stdout.readline().decode().strip())
        until(lambda: any(b"exec" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in parts_of(root)))
        popen.send_signal(number)
        popen.communicate(timeout=60)
    until(lambda: not parts_of(root))
    assert root.exists() == (number == signal.SIGKILL)
    if root.exists():
        subprocess.run(["rm", "-r", str(root)], check=True)


def test_why_there_is_no_runsc(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"tools/install_runsc\.py"):
        find_runsc({"PATH": str(tmp_path), "HOME": str(tmp_path)})
    with pytest.raises(CannotRunError, match="SANDKUBE_RUNSC names"):
        find_runsc({"SANDKUBE_RUNSC": str(tmp_path / "missing")})


def test_a_runsc_that_the_machine_does_not_let_run(tmp_path: Path) -> None:
    program = tmp_path / "runsc"
    program.write_text("#!/bin/sh\necho 'cannot set up namespaces' >&2\nexit 128\n")
    program.chmod(0o755)
    with pytest.raises(CannotRunError, match="cannot set up namespaces"), running(program):
        raise AssertionError("it ran")
