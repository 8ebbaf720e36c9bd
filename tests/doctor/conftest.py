"""What the tests of `doctor` share: a sandkube in surroundings in which all is well."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from command_line import Done, Sandkube, as_nobody, sandkube

__all__ = ["as_nobody", "sandkube"]

Finding = dict[str, Any]


@pytest.fixture
def healthy(sandkube: Sandkube) -> Sandkube:
    """All is well: kubectl and helm on PATH are the server's own, and there is no proxy."""
    return well(sandkube)


def well(sandkube: Sandkube) -> Sandkube:
    """Put the fitting kubectl and helm first on PATH, as `sandkube env` does; then nothing is amiss."""
    programs = sandkube.root / "bin"
    programs.mkdir()
    programs.chmod(0o755)
    for name in ("kubectl", "helm"):
        (programs / name).symlink_to(sandkube.server)
    sandkube.environ["PATH"] = f"{programs}{os.pathsep}{sandkube.environ['PATH']}"
    assert problems(doctor(sandkube)) == {}
    return sandkube


def problems(done: Done) -> dict[str, Finding]:
    """The problems that `doctor -o json` found, by kind; its exit status says whether there are any."""
    document = json.loads(done.stdout)
    assert document["version"] == 1
    found = {one["kind"]: one for one in document["findings"] if one["state"] == "problem"}
    assert done.returncode == (1 if found else 0)
    for one in found.values():
        assert one["found"].endswith("."), one
        assert one["why"]
        assert one["remedy"]
    return found


def examined(sandkube: Sandkube, **settings: Any) -> dict[str, Finding]:
    """The problems that `doctor` finds."""
    return problems(doctor(sandkube, **settings))


def notes(sandkube: Sandkube) -> dict[str, Finding]:
    """The notes that `doctor` makes."""
    found = json.loads(doctor(sandkube).stdout)["findings"]
    return {one["kind"]: one for one in found if one["state"] == "note"}


def doctor(sandkube: Sandkube, **settings: Any) -> Done:
    """Run `doctor`, whatever it finds."""
    return sandkube.run([*sandkube.command, "doctor", "-o", "json"], status=None, **settings)


def causes(done: Done) -> list[str]:
    """The causes that a failed `up` names."""
    assert done.returncode == 2, done
    return [line.removeprefix("cause: ") for line in done.stderr.splitlines() if line.startswith("cause: ")]


def words(sandkube: Sandkube) -> str:
    """A shell's function that calls it."""
    called = " ".join(f"'{word}'" for word in sandkube.command)
    return f'sandkube() {{ {called} "$@"; }}\n'


def unshared(sandkube: Sandkube, options: str, script: str) -> tuple[dict[str, Finding], Done]:
    """Run ``script`` in namespaces of its own, then `doctor` and `up` there: what they found and said."""
    command = ["unshare", *options.split()]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"needs `{' '.join(command)}`")
    said = sandkube.root / "said"
    said.mkdir()
    tail = f"""
    sandkube doctor -o json >{said}/doctor; echo $? >{said}/doctor.status
    exec 2>{said}/up.err
    sandkube up --durability fast --wait 6
    """
    done = sandkube.run([*command, "sh", "-c", f"set -u\n{words(sandkube)}{script}{tail}"], status=None)
    found = Done([], int((said / "doctor.status").read_text()), (said / "doctor").read_text(), done.stderr)
    started = Done([], done.returncode, done.stdout, (said / "up.err").read_text())
    return problems(found), started


def needs_root(what: str) -> None:
    """Skip where this user may not mount or limit."""
    if os.getuid() != 0:
        pytest.skip(f"needs root, to {what}")


def write_program(path: Path, text: str) -> None:
    """A shell's script that can be run."""
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
