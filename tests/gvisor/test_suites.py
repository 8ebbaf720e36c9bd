"""Other tests of this project, run in gVisor: those of the foundation, of the note, and k3s' stand-in."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from gvisor.conftest import SUMMARY
from gvisor.inside import CHECKOUT, Inside
from k3s.conftest import write_stand_in

pytestmark = [pytest.mark.gvisor, pytest.mark.slow]

MINUTES = 60
Record = Callable[[str, object], None]


def run_tests(inside: Inside, record: Record, *arguments: str, minutes: int) -> None:
    """Run pytest in the sandbox, its folders on gVisor's own files; keep its last line for the summary."""
    assert inside.is_gvisor()
    workers = min(4, os.cpu_count() or 1)
    options = (
        "-q",
        "-pno:cacheprovider",
        f"-n{workers}",
        "--color=no",
        "--tb=short",
        f"--rootdir={CHECKOUT}",
        f"--basetemp={inside.box.tmpfs}/p",
    )
    command = [*inside.python, "-m", "pytest", *options, *arguments]
    done = inside.box(*command, status=None, seconds=minutes * MINUTES, environ=inside.environ)
    record(SUMMARY, done.stdout.strip().rpartition("\n")[2].strip("= "))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.timeout(15 * MINUTES)
def test_integration(as_root: Inside, record_property: Record) -> None:
    run_tests(as_root, record_property, str(CHECKOUT / "tests" / "integration"), minutes=14)


@pytest.mark.timeout(8 * MINUTES)
def test_the_notes_tables(as_user: Inside, record_property: Record) -> None:
    run_tests(as_user, record_property, str(CHECKOUT / "tests" / "note"), minutes=7)


@pytest.mark.timeout(4 * MINUTES)
def test_k3s_by_its_stand_in(apart: Inside) -> None:
    """`up --distribution k3s`, as a plain user, with loopback alone and no plugin on PATH."""
    assert apart.is_gvisor()
    apart.environ["SANDKUBE_K3S"] = str(write_stand_in(apart.box.files / "k3s", apart))
    apart("up", "--distribution", "k3s")
    found = apart.status()
    assert (found["distribution"], found["state"]) == ("k3s", "running")
    apart("kubectl", "create", "deployment", "web", "--image=nginx")
    apart("kubectl", "wait", "--for=create", "pods", "--selector=app=web", "--timeout=60s")
    apart("down")
    assert apart.status(status=1)["state"] == "stopped"
    apart("up")
    apart("kubectl", "get", "deployment", "web")
    apart("delete")
