"""The script of `up --distribution k3s --dry-run`: the same recipe, to be read and used without us."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from command_line import Sandkube, until


def printed(sandkube: Sandkube, *arguments: str) -> Path:
    """The script in a file, as a person would keep it."""
    path = sandkube.home / "serve.sh"
    path.write_text(sandkube("up", "--dry-run", *arguments).stdout)
    return path


def test_it_brings_the_same_cluster_up(sandkube: Sandkube) -> None:
    script = printed(sandkube)
    folder = sandkube.folder().path
    served = subprocess.Popen(
        ["sh", script],
        env={"PATH": sandkube.environ["PATH"], "HOME": str(sandkube.home), "K3S_TOKEN": "the machine's own"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    sandkube.started.append(served)
    assert served.stderr is not None
    line = next(line for line in served.stderr if line.startswith("export KUBECONFIG="))
    kubeconfig = shlex.split(line)[1].partition("=")[2]
    kubectl = [str(sandkube.server), "kubectl", f"--kubeconfig={kubeconfig}"]
    sandkube.run([*kubectl, "create", "configmap", "from-the-script"])

    # While it serves, sandkube does not serve the same folder.
    assert "which sandkube did not start" in sandkube("up", status=2).stderr

    served.send_signal(signal.SIGINT)
    output, _ = served.communicate()
    assert served.returncode == 0
    assert output.count("Active") == 4
    until(lambda: not sandkube.servers())

    # What it served, `up` serves again.
    sandkube("up")
    names = sandkube("kubectl", "get", "configmaps", "-o", "name").stdout
    assert "configmap/from-the-script" in names
    assert (folder / "cni" / "host-local").is_file()


def test_it_is_what_up_does(sandkube: Sandkube) -> None:
    """The same plugin, variables and flags, but for the ports of the day."""
    script = printed(sandkube).read_text()
    sandkube("up")
    told = json.loads(sandkube.folder().server_config.read_text())
    started = script.partition("\n(\n")[2].partition("\n)")[0].replace("\\\n", "")
    words = shlex.split(started, comments=True)
    begin = words.index("exec") + 1
    assert without_ports(words[begin:]) == without_ports(told["command"])
    variables = dict(word.split("=", 1) for word in words[:begin] if "=" in word and word[0].isupper())
    assert variables.pop("NO_PROXY").endswith("10.43.0.0/16")  # `up` sets it where there is a proxy
    plugins, _, rest = variables.pop("PATH").partition(":")
    assert rest == "$PATH"
    assert plugins == told["environment"]["PATH"].partition(":")[0]
    assert {key: told["environment"][key] for key in variables} == variables
    plugin = script.partition("<<'END_OF_PLUGIN'\n")[2].partition("\nEND_OF_PLUGIN\n")[0]
    assert plugin.rstrip() == (sandkube.folder().path / "cni" / "host-local").read_text().rstrip()


def without_ports(command: list[str]) -> list[str]:
    return [word for word in command if "port=" not in word]


@pytest.mark.parametrize("arguments", [[], ["--cni=none"], ["--k3s-arg=--tls-san=a b", "--durability=fast"]])
def test_shellcheck_finds_nothing(sandkube: Sandkube, arguments: list[str]) -> None:
    script = printed(sandkube, *arguments)
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_a_k3s_that_ends_is_told_of(sandkube: Sandkube) -> None:
    script = printed(sandkube)
    Path(sandkube.environ["SANDKUBE_K3S"]).write_text("#!/bin/sh\necho no luck today >&2; exit 3\n")
    done = sandkube.run(["sh", str(script)], status=None)
    assert done.returncode == 1
    assert "no luck today" in done.stderr
    assert sandkube.servers() == []


def test_no_secret_is_in_it(sandkube: Sandkube) -> None:
    secret = "http://user:password@192.0.2.1:3128"
    script = sandkube("up", "--dry-run", environ={"HTTPS_PROXY": secret, "K3S_TOKEN": "token"}).stdout
    assert "password" not in script
    assert "token" not in script
