"""The scripts of `action.yml`, run as a runner runs them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import Sandkube
from sandkube.setup.github import GitHub

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


@pytest.fixture
def runner(sandkube: Sandkube) -> Sandkube:
    """A runner of GitHub's, whose PATH has `sandkube`."""
    for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT"):
        file = sandkube.home / name
        file.touch()
        sandkube.environ[name] = str(file)
    program = sandkube.home / "bin" / "sandkube"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sandkube "$@"\n')
    program.chmod(0o700)
    sandkube.environ["PATH"] = f"{program.parent}:{sandkube.environ['PATH']}"
    sandkube.environ["RUNNER_TEMP"] = str(sandkube.temporary)
    sandkube.environ["GITHUB_ACTION_PATH"] = str(ROOT)
    return sandkube


def run_step(runner: Sandkube, name: str, **inputs: str) -> None:
    """Run a step's script with these inputs, or the ones it has by default."""
    step = STEPS[name]
    environ = {}
    for variable, expression in step.get("env", {}).items():
        match = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", expression)
        assert match is not None, expression
        environ[variable] = inputs.get(match[1], ACTION["inputs"][match[1]]["default"])
    runner.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], environ=environ)


def written(runner: Sandkube, name: str) -> list[str]:
    return Path(runner.environ[name]).read_text().splitlines()


def in_later_step(runner: Sandkube, script: str) -> str:
    """What a later step of the job says."""
    variables = dict(line.split("=", 1) for line in written(runner, "GITHUB_ENV"))
    path = ":".join([*reversed(written(runner, "GITHUB_PATH")), runner.environ["PATH"]])
    return runner.run(["bash", "-c", script], environ={**variables, "PATH": path}).stdout


def test_later_steps_have_kubectl_and_helm(runner: Sandkube) -> None:
    (runner.home / "a b.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n")
    (runner.home / "c.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: two}\n")
    run_step(runner, "Have the server, built where there is none")
    run_step(runner, "Start the cluster", cluster="ci", apply="a b.yaml\n\nc.yaml\n")
    names = in_later_step(runner, "kubectl get namespaces -o name").splitlines()
    assert {"namespace/one", "namespace/two"} <= set(names)
    in_later_step(runner, "helm list")
    assert in_later_step(runner, 'sandkube status -o json | grep \'"name": "ci"\'')
    [output] = written(runner, "GITHUB_OUTPUT")
    assert output == f"kubeconfig={runner.folder('ci').kubeconfig}"


def test_a_cluster_that_does_not_start_ends_the_step(runner: Sandkube) -> None:
    with pytest.raises(AssertionError, match="durability"):
        run_step(runner, "Start the cluster", durability="none")
    assert written(runner, "GITHUB_ENV") == []


def test_it_is_an_action() -> None:
    """Every script names its shell, no input reaches a script but by a variable, nothing is unknown."""
    assert ACTION["runs"]["using"] == "composite"
    for step in ACTION["runs"]["steps"]:
        assert ("run" in step) == ("shell" in step) != ("uses" in step)
        assert "${{" not in step.get("run", "")
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    ids = {step["id"] for step in ACTION["runs"]["steps"] if "id" in step}
    assert set(re.findall(r"steps\.(\w+)\.", text)) <= ids


def test_the_piece_uses_this_repository() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    source = re.search(r'^Source = "https://github.com/(.+)"$', project, re.MULTILINE)
    assert source is not None
    [step] = yaml.safe_load(GitHub().piece())
    assert step["uses"].split("@")[0] == source[1]


def test_the_scripts_are_sound(tmp_path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("needs `shellcheck`")
    for number, step in enumerate(step for step in ACTION["runs"]["steps"] if "run" in step):
        script = tmp_path / f"{number}.sh"
        script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step['run']}")
        done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
