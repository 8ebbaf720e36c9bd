"""The pieces that `setup --write` puts into files, run as their hosts run them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from command_line import Done, Sandkube
from sandkube.setup.jsonc import parse, plain

# What Claude Code gives a SessionStart hook on its standard input.
EVENT = {
    "session_id": "3f0c",
    "transcript_path": "/tmp/3f0c.jsonl",
    "hook_event_name": "SessionStart",
    "source": "startup",
}


def settings_of(sandkube: Sandkube) -> Path:
    """The settings of a project, which is the home folder here."""
    return sandkube.home / ".claude" / "settings.json"


def set_up(sandkube: Sandkube, option: str) -> None:
    sandkube("setup", "sessionstart", option, "--file", str(settings_of(sandkube)))


def run_hook(sandkube: Sandkube, env_file: Path | None) -> Done:
    """Run the project's hook: by a shell, in the project's folder, with JSON on its standard input."""
    settings = json.loads(settings_of(sandkube).read_text())
    [hook] = [hook for group in settings["hooks"]["SessionStart"] for hook in group["hooks"]]
    assert hook["type"] == "command"
    return sandkube.run(
        ["sh", "-c", 'cd "$CLAUDE_PROJECT_DIR" && exec sh -c "$0"', hook["command"]],
        status=None,
        stdin=json.dumps({**EVENT, "cwd": str(sandkube.home)}),
        environ={
            "CLAUDE_PROJECT_DIR": str(sandkube.home),
            "CLAUDE_ENV_FILE": str(env_file) if env_file else None,
        },
    )


def in_session(sandkube: Sandkube, env_file: Path, command: str) -> str:
    """What a shell command of the session says: the file's lines come before it."""
    return sandkube.run(["bash", "-c", f"{env_file.read_text()}\n{command}"]).stdout


def test_the_hook_leaves_a_working_kubectl(anywhere: Sandkube) -> None:
    anywhere("prepare", "--check")
    set_up(anywhere, "--write")
    env_file = anywhere.home / "session-env"
    for _ in range(2):  # a session begins, and goes on later
        done = run_hook(anywhere, env_file)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        names = in_session(anywhere, env_file, "kubectl get namespaces -o name")
        assert "namespace/kube-system" in names.splitlines()
        kubectl = in_session(anywhere, env_file, "command -v kubectl").strip()
        assert kubectl == str(anywhere.folder().path / "bin" / "kubectl")
        in_session(anywhere, env_file, "helm list")
    joined = " && ".join(env_file.read_text().splitlines())
    assert anywhere.run(["sh", "-c", f"{joined} && kubectl version"]).returncode == 0
    anywhere("down")
    set_up(anywhere, "--remove")
    assert not settings_of(anywhere).parent.exists()


def test_the_hook_where_the_host_has_no_file_for_variables(sandkube: Sandkube) -> None:
    sandkube("setup", "sessionstart", "--write")
    done = run_hook(sandkube, None)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sandkube.status()["state"] == "running"


def test_a_hook_that_cannot_start_says_so_in_a_line(sandkube: Sandkube) -> None:
    sandkube("setup", "sessionstart", "--write")
    env_file = sandkube.home / "session-env"
    sandkube.environ["SANDKUBE_SERVER"] = "/nowhere"
    done = run_hook(sandkube, env_file)
    assert done.returncode == 2  # which Claude Code shows to the person
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "/nowhere" in done.stderr
    assert not env_file.exists()


@pytest.mark.parametrize("before", ["", '"postStartCommand": "true"\n'])
def test_a_dev_container_runs_it(sandkube: Sandkube, before: str) -> None:
    """As a text, and beside another command in an object."""
    file = sandkube.home / ".devcontainer" / "devcontainer.json"
    file.parent.mkdir()
    text = f"{{\n  // a container\n  {before}}}\n"
    file.write_text(text)
    sandkube("setup", "devcontainer", "--write")
    found = dict(plain(parse(file.read_text())))["postStartCommand"]
    command = found if isinstance(found, str) else dict(found)["sandkube"]
    done = sandkube.run(["/bin/sh", "-c", command])
    assert (done.stdout, done.stderr) == ("", "")
    assert sandkube.status()["state"] == "running"
    sandkube("setup", "devcontainer", "--remove")
    assert file.read_text() == text


def test_a_cluster_with_its_own_name(sandkube: Sandkube) -> None:
    sandkube("--cluster", "ci", "setup", "sessionstart", "--write")
    env_file = sandkube.home / "session-env"
    assert run_hook(sandkube, env_file).returncode == 0
    assert in_session(sandkube, env_file, "echo $SANDKUBE_CLUSTER").strip() == "ci"
    sandkube_words = shlex.join(sandkube.command)
    assert json.loads(in_session(sandkube, env_file, f"{sandkube_words} status -o json"))["name"] == "ci"


def test_a_file_of_somebody_else_is_left_alone(as_nobody: Sandkube) -> None:
    file = as_nobody.home / "settings.json"
    file.write_text("{}")  # by root, and writable for all in a folder of nobody's
    file.chmod(0o666)
    done = as_nobody("setup", "sessionstart", "--write", "--file", str(file), status=2)
    assert f"{file} belongs to the user with the number 0" in done.stderr
    assert file.read_text() == "{}"
    assert sorted(path.name for path in as_nobody.home.iterdir()) == ["settings.json"]
