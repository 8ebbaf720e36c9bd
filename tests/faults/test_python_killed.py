"""A throw-away cluster of a Python program: gone with the program, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from command_line import PATIENCE, Sandkube, until
from lengths import some_of

PROGRAM = """
import os, sys
from sandkube import Cluster
with Cluster() as cluster:
    print(cluster.name, flush=True)
    {then}
"""


def program(sandkube: Sandkube, then: str) -> tuple[subprocess.Popen[str], str]:
    """The program, as far as its cluster is Ready, and the cluster's name."""
    popen = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(then=then)],
        env=sandkube.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    sandkube.started.append(popen)
    assert popen.stdout is not None
    name = popen.stdout.readline().strip()
    assert name.startswith("throwaway-"), popen.communicate()[1]
    return popen, name


def test_killed(sandkube: Sandkube) -> None:
    """Its server ends by itself; what lies in the state folder is removed by the next `up`."""
    popen, name = program(sandkube, "sys.stdin.read()")
    assert len(sandkube.servers()) == 1
    popen.kill()
    popen.wait()
    until(lambda: not sandkube.servers())
    assert sandkube.events(name)[-1].event == "stopped"
    assert sandkube.folder(name).exists()
    sandkube("up", "--durability", "fast")
    assert not sandkube.folder(name).exists()
    assert not sandkube.folder(name).lock.exists()


@pytest.mark.parametrize(
    ("then", "number"),
    some_of(
        [
            ("pass", None),
            ("raise SystemExit(3)", None),
            ("raise ValueError", None),
            ("sys.stdin.read()", signal.SIGINT),
        ],
        ("raise ValueError", None),
        ("sys.stdin.read()", signal.SIGINT),
    ),
)
def test_every_other_end_removes_it(sandkube: Sandkube, then: str, number: signal.Signals | None) -> None:
    popen, name = program(sandkube, then)
    if number is not None:
        popen.send_signal(number)
        popen.wait(PATIENCE)
    popen.communicate(timeout=PATIENCE)
    assert sandkube.servers() == []
    assert not sandkube.folder(name).exists()
    assert not sandkube.folder(name).lock.exists()


def test_a_child_that_was_forked_takes_nothing_away(sandkube: Sandkube) -> None:
    """A worker of `multiprocessing` ends, and the cluster of its parent stays."""
    fork = "child = os.fork(); child or sys.exit(0); os.waitpid(child, 0)"
    then = f"{fork}; print(cluster.status.state, flush=True); sys.stdin.readline()"
    popen, name = program(sandkube, then)
    assert popen.stdout is not None
    assert popen.stdout.readline() == "running\n"
    assert sandkube.status(name)["state"] == "running"
    popen.communicate("\n", timeout=PATIENCE)
    assert sandkube.servers() == []


def test_one_that_is_wanted_is_not_swept_away(sandkube: Sandkube) -> None:
    popen, name = program(sandkube, "sys.stdin.readline()")
    sandkube("up", "--durability", "fast")
    assert sandkube.status(name)["state"] == "running"
    popen.communicate("\n", timeout=PATIENCE)
    assert [sandkube.pid()] == sandkube.servers()
