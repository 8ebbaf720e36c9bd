"""env, shell, kubeconfig, logs, kubectl, helm, version, completion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandkube import __version__, cluster
from sandkube.cli import env, invocation
from unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What this process would have become."""
    became: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda *call: became.extend(call))
    return became


# --- env


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
@pytest.mark.parametrize("name", ["plain", 'it\'s $HOME `id` \\ "x"'])
def test_what_env_prints_is_understood(shell: str, name: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    text = env.render(shell, {"KUBECONFIG": f"/{name}/kubeconfig"}, (f"/{name}/bin", f"/{name}/scripts"))
    show = f'{text}printf "%s\\n" "$KUBECONFIG"; command env | grep ^PATH='
    done = subprocess.run(
        [shell, "-c", show], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        f"/{name}/kubeconfig",
        f"PATH=/{name}/bin:/usr/bin:/bin:/{name}/scripts",
    ]


def test_env_twice_adds_nothing_twice(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    run("up", "-q")
    text = run("env").out
    again = 'eval "$(cat)"; eval "$TEXT"; echo "$PATH"'
    scripts = str(invocation.script_folder())
    folder = cluster.folder_of("default")
    assert env.path_with("/usr/bin", folder.bin) == (str(folder.bin), scripts)
    assert env.path_with(f"{folder.bin}:/usr/bin:{scripts}", folder.bin) == ("", "")
    environ = {"PATH": "/usr/bin:/bin", "TEXT": ""}
    done = subprocess.run(
        ["sh", "-c", again], input=text, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{folder.bin}:/usr/bin:/bin:{scripts}"


def test_env_again_under_uv_run_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = str(invocation.script_folder())
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    path = f"{scripts}:{tmp_path}:/usr/bin"
    assert env.path_with(path, tmp_path) == ("", scripts)
    assert env.path_with(f"{path}:{scripts}:/bin", tmp_path) == ("", "")


def test_env_says_that_a_cluster_is_down_on_stderr(run: Run) -> None:
    assert run("env").status == 2
    run("up", "-q")
    run("down", "-q")
    done = run("env")
    assert "is stopped" in done.err
    assert "export SANDKUBE_CLUSTER=default" in done.out


def test_env_in_the_persons_shell(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("up", "-q")
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert run("env").out.startswith("set -gx KUBECONFIG")
    assert run("env", "--shell", "sh").out.startswith("export KUBECONFIG")
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert run("env").out.startswith("export KUBECONFIG")


def test_nothing_points_helm_elsewhere(
    run: Run, replaced: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("up", "-q")
    monkeypatch.setenv("HELM_KUBECONTEXT", "production")
    assert run("env", "--shell", "sh").out.startswith("unset HELM_KUBECONTEXT\n")
    assert run("env", "--shell", "fish").out.startswith("set -e HELM_KUBECONTEXT;\n")
    for command in ("helm", "shell"):
        replaced.clear()
        run(command)
        assert "HELM_KUBECONTEXT" not in replaced[2]


def test_shell(run: Run, replaced: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    assert run("shell").status == 2
    run("up", "-q")
    run("shell")
    program, arguments, environ = replaced
    assert (program, arguments) == ("/bin/sh", ["/bin/sh"])
    folder = cluster.folder_of("default")
    assert environ["KUBECONFIG"] == str(folder.kubeconfig)
    assert environ["PATH"].startswith(f"{folder.bin}:")
    run("down", "-q")
    assert "sandkube up" in run("shell").err


# --- how sandkube is called


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "venv" / "bin" / "sandkube"
    path.parent.mkdir(parents=True)
    path.touch()
    path.chmod(0o700)
    return path


def test_on_path_it_is_just_sandkube(script: Path) -> None:
    assert invocation.words({"PATH": f"/usr/bin:{script.parent}"}, str(script)) == "sandkube"


def test_under_uv_run_it_is_uv_run(script: Path) -> None:
    environ = {"PATH": f"{script.parent}:/usr/bin", "UV_RUN_RECURSION_DEPTH": "1"}
    assert invocation.words(environ, str(script)) == "uv run sandkube"
    environ["PATH"] = f"{script.parent}:{script.parent}:/usr/bin"  # the person's shell has it, too
    assert invocation.words(environ, str(script)) == "sandkube"


def test_elsewhere_it_is_the_script(script: Path) -> None:
    assert invocation.words({"PATH": "/usr/bin"}, str(script)) == str(script)


def test_as_a_module_it_is_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/opt/my python")
    called = str(tmp_path / "__main__.py")
    assert invocation.words({"PATH": "/usr/bin"}, called) == "'/opt/my python' -m sandkube"


def test_a_hint_names_the_cluster_unless_the_shell_does() -> None:
    assert invocation.with_name("sandkube up", "default", {}) == "sandkube up"
    assert invocation.with_name("sandkube up", "demo", {"SANDKUBE_CLUSTER": "demo"}) == "sandkube up"
    assert invocation.with_name("sandkube up", "default", {"SANDKUBE_CLUSTER": "x"}) == "sandkube up default"


# --- kubeconfig


def test_kubeconfig(run: Run, home: Path) -> None:
    assert run("kubeconfig").status == 2
    run("up", "-q")
    folder = cluster.folder_of("default")
    assert run("kubeconfig").out == folder.kubeconfig.read_text()
    assert run("kubeconfig", "--path").out == f"{folder.kubeconfig}\n"
    file = home / ".kube" / "config"
    assert f"Merged into {file}" in run("kubeconfig", "--merge").err
    assert "sandkube" in file.read_text()
    said = run("delete").err
    assert f"{file} still names it" in said
    assert said.strip().endswith("kubeconfig --unmerge")
    assert f"Removed from {file}" in run("kubeconfig", "--unmerge").err
    assert "no entries" in run("kubeconfig", "--unmerge").err


@pytest.mark.parametrize("options", [["--merge", "--path"], ["--merge", "--unmerge"], ["--use"]])
def test_kubeconfig_options_that_exclude_one_another(run: Run, options: list[str]) -> None:
    assert run("kubeconfig", *options).status == 2


# --- logs


def test_logs(run: Run) -> None:
    assert run("logs").status == 2
    run("up", "-q")
    log = cluster.folder_of("default").log
    log.write_text("I0101 00:00:00.000000 1 a] old\nI1124 09:45:43.000000 1 a] new\nmore\nlast\n")
    assert len(run("logs").out.splitlines()) == 4
    assert run("logs", "--tail", "1").out == "last\n"
    assert run("logs", "--tail", "0").out == ""
    assert run("logs", "--tail", "-1").status == 2
    assert run("logs", "--since", "soon").status == 2
    assert run("logs", "--since", "100000d").out.count("\n") == 4
    assert run("logs", "--since", "100000d", "--tail", "2").out == "more\nlast\n"


def test_following_the_log_ends_with_the_server(run: Run) -> None:
    run("up", "-q")
    run("down", "-q")
    assert run("logs", "-f", "--tail", "1").out.endswith("begins\n")


# --- kubectl, helm


@pytest.mark.parametrize("client", ["kubectl", "helm"])
def test_the_clients_get_everything_as_it_is(
    run: Run, client: str, replaced: list[Any], stand_in: Path
) -> None:
    run("up", "-q", "demo")
    arguments = ["--", "-n", "x", "--help", "exec", "--cluster", "other", "--", "-it", ""]
    run("--cluster", "demo", client, *arguments)
    program, called_with, environ = replaced
    assert program == stand_in.resolve()
    assert called_with == [client, *arguments]
    assert environ["KUBECONFIG"] == str(cluster.folder_of("demo").kubeconfig)
    assert environ["KUBECACHEDIR"].startswith(str(cluster.folder_of("demo").path))


def test_without_a_cluster_the_clients_run_and_say_so(run: Run, replaced: list[Any], stand_in: Path) -> None:
    assert "is not running; to start it" in run("kubectl", "version", "--client").err
    assert replaced[0] == stand_in


def test_the_clients_are_not_run_from_a_folder_that_others_write_to(run: Run, replaced: list[Any]) -> None:
    run("up", "-q")
    cluster.folder_of("default").path.chmod(0o777)
    assert "Others can write" in run("kubectl", "version").err
    assert replaced == []


# --- version, completion


def test_version(run: Run, stand_in: Path) -> None:
    assert f"sandkube: {__version__}" in run("version").out
    document = json.loads(run("version", "-o", "json").out)
    assert (document["version"], document["sandkube"]) == (1, __version__)
    assert document["server"]["kubernetes"] == "stand-in"
    assert run("--version").out == f"sandkube, version {__version__}\n"


def test_version_without_a_server(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDKUBE_SERVER", "/no/such/binary")
    done = run("version", "-o", "json")
    assert json.loads(done.out)["server"] is None
    assert "/no/such/binary" in done.err


def test_names_are_completed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("demo", "other"):
        cluster.folder_of(name).create()
    environ = {
        **os.environ,
        "_SANDKUBE_COMPLETE": "bash_complete",
        "COMP_WORDS": "sandkube up de",
        "COMP_CWORD": "2",
    }
    code = "from sandkube.cli import cli; cli(prog_name='sandkube')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "plain,demo\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run: Run, shell: str) -> None:
    assert "_SANDKUBE_COMPLETE" in run("completion", shell).out
