"""The whole life of a cluster in surroundings that are not a developer's own machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from command_line import Sandkube, fresh, public_folder, python_of_all, reachable
from lengths import some_of

LIFE = """
set -e
sandkube up --durability fast
sandkube status
sandkube kubectl create namespace lived
sandkube kubectl get namespaces --output name
sandkube down
sandkube up
sandkube kubectl get namespace lived --output name
sandkube helm list
sandkube list
sandkube delete
"""

# The same without a second start, where all that matters is how names and words are passed on.
SHORT_LIFE = """
set -e
sandkube up --durability fast
sandkube status
sandkube kubectl create namespace lived
sandkube kubectl get namespaces --output name
sandkube helm list
sandkube list
sandkube delete
"""


def lived(done: subprocess.CompletedProcess[str]) -> None:
    assert "namespace/lived\n" in done.stdout, done.stdout
    assert "state:         running" in done.stdout
    assert "Cluster `default` is deleted." in done.stderr


def test_a_plain_user(as_nobody: Sandkube) -> None:
    lived(as_nobody.shell(LIFE))
    assert not list(as_nobody.home.glob(".local"))


LOOPBACK_UP = """
import fcntl, socket, struct
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
"""
ADDRESS_V6 = """
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
    address = socket.inet_pton(socket.AF_INET6, "2001:db8::2")
    fcntl.ioctl(s, 0x8916, struct.pack("16sIi", address, 64, socket.if_nametoindex("lo")))  # SIOCSIFADDR
"""


WAYS = {"root": ("-n", ""), "root, an IPv6 address": ("-n", ADDRESS_V6), "plain user": ("-rn", "")}


@pytest.mark.parametrize("way", some_of(list(WAYS), "root, an IPv6 address", "plain user"))
def test_no_network_but_loopback(sandkube: Sandkube, way: str) -> None:
    """No route, no name server, no address that others could reach, or an IPv6 address alone.

    As root where we are it, and as nobody in particular, who has become root of their own namespace.
    """
    options, more = WAYS[way]
    if subprocess.run(["unshare", options, "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"needs `unshare {options}`")
    up = sandkube.root / "lo.py"
    up.write_text(LOOPBACK_UP + more)
    words = " ".join(f"'{word}'" for word in sandkube.command)
    python = f"'{sandkube.python[0]}'"
    script = f'sandkube() {{ {words} "$@"; }}\n{python} {up}\n{SHORT_LIFE}'
    lived(sandkube.run(["unshare", options, "sh", "-c", script]))


@pytest.mark.parametrize("upper", some_of([True, False], False))
def test_a_proxy_that_is_dead(sandkube: Sandkube, upper: bool) -> None:  # noqa: FBT001
    """Nothing of ours asks it; the server is told of it, for what leaves the machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        sandkube.environ[name.upper() if upper else name] = "http://127.0.0.1:1"
    lived(sandkube.shell(SHORT_LIFE))


def test_no_home(sandkube: Sandkube) -> None:
    del sandkube.environ["HOME"]
    lived(sandkube.shell(SHORT_LIFE))


def test_a_user_without_any_home() -> None:
    """A number that no user has, as containers use it."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    number = 54321
    with public_folder(number) as root:
        python, path = python_of_all()
        with fresh(root, python=python, user=number, environ={"PYTHONPATH": path}) as sandkube:
            sandkube.environ["SANDKUBE_SERVER"] = str(reachable(sandkube.server, root))
            del sandkube.environ["HOME"]
            none = {"SANDKUBE_STATE_DIR": None, "SANDKUBE_CACHE_DIR": None}
            done = sandkube("up", status=2, environ=none)
            assert "This user has no home folder" in done.stderr
            assert "hint: name a folder: export SANDKUBE_STATE_DIR=" in done.stderr
            lived(sandkube.shell(SHORT_LIFE))


def test_the_users_own_state_folder(sandkube: Sandkube) -> None:
    """XDG_STATE_HOME where it is set, and else ~/.local/state."""
    del sandkube.environ["SANDKUBE_STATE_DIR"]
    sandkube.with_state(sandkube.home / ".local" / "state" / "sandkube")
    del sandkube.environ["SANDKUBE_STATE_DIR"]
    sandkube("up", "--dry-run")
    assert sandkube.folder().kubeconfig.exists()
    elsewhere = sandkube.root / "xdg"
    environ = {"XDG_STATE_HOME": str(elsewhere)}
    sandkube("up", "--dry-run", environ=environ)
    assert (elsewhere / "sandkube" / "clusters" / "default" / "kubeconfig").exists()


def test_variables_of_xdg_that_name_what_is_not_there(sandkube: Sandkube) -> None:
    nowhere = str(sandkube.root / "nowhere")
    names = ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    sandkube.environ |= dict.fromkeys(names, nowhere)
    lived(sandkube.shell(SHORT_LIFE))


ODD = [
    "with  spaces",
    "percent%20%s%%",
    "hash#question?a=b&c",
    "quotes'\"`",
    "dollar$HOME;\\back",
    "überall-日本",
    "line\nbreak",
]
ALL_ODD = "-dash " + "".join(ODD)  # what one of them breaks, this does


@pytest.mark.parametrize("name", some_of([*ODD, ALL_ODD, "x" * 180, "deep/" * 40], ALL_ODD, "deep/" * 40))
def test_a_state_folder_of_any_name(sandkube: Sandkube, name: str) -> None:
    sandkube.with_state(sandkube.root / name)
    lived(sandkube.shell(SHORT_LIFE))
    assert [path.name for path in (sandkube.state / "clusters").iterdir()] == ["default.lock"]
    assert not list(sandkube.temporary.iterdir())


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish", "dash"])
def test_env_in_a_shell(sandkube: Sandkube, shell: str) -> None:
    if subprocess.run(["which", shell], capture_output=True, check=False).returncode:
        pytest.skip(f"needs {shell}")
    sandkube.with_state(sandkube.root / 'o\'dd "$HOME" `id` \\ 100% ü')
    sandkube("up", "--durability", "fast")
    words = " ".join(f"'{word}'" for word in sandkube.command)
    take = f"{words} env --shell fish | source" if shell == "fish" else f'eval "$({words} env)"'
    done = sandkube.run([shell, "-c", f"{take}\nkubectl get namespaces --output name\nhelm list --short\n"])
    assert "namespace/kube-system" in done.stdout
    # What the shell had is still found, and taking it twice adds nothing.
    done = sandkube.run([shell, "-c", f"{take}\nenv >first\n{take}\nenv >second; ls {words.split()[0]}"])
    first, second = ((sandkube.home / file).read_text() for file in ("first", "second"))
    line = [line for line in first.splitlines() if line.startswith("PATH=")]
    assert line == [line for line in second.splitlines() if line.startswith("PATH=")]
    assert sandkube.environ["PATH"] in line[0]


def test_kubectl_is_exec_d(sandkube: Sandkube) -> None:
    """So that the file descriptors of a shell's `<(…)` reach it, and its exit status comes back."""
    sandkube("up", "--durability", "fast")
    manifest = "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: piped}\\n"
    done = sandkube.shell(f"sandkube kubectl apply -f <(printf '{manifest}')", shell="bash")
    assert done.stdout == "configmap/piped created\n"
    done = sandkube.shell(f"eval \"$(sandkube env)\"; kubectl apply -f <(printf '{manifest}')", shell="bash")
    assert done.stdout == "configmap/piped unchanged\n"
    assert "NotFound" in sandkube("kubectl", "get", "configmap", "absent", status=1).stderr


@pytest.mark.parametrize("closed", some_of(["<&-", ">&-", "2>&-", "<&- >&- 2>&-"], "<&-", "<&- >&- 2>&-"))
def test_closed_standard_streams(sandkube: Sandkube, closed: str) -> None:
    """Their numbers are given to the next files that are opened: the listener may be number 0."""
    done = sandkube.shell(f"sandkube up {closed}; echo $?", status=None)
    assert done.stdout == "0\n", done
    assert sandkube.api()("GET", "/readyz") == (200, "ok")
    done = sandkube.shell(f"sandkube status {closed} >/dev/null; echo $?; sandkube down {closed}; echo $?")
    assert done.stdout == "0\n0\n", done
    assert sandkube.servers() == []


C_LOCALE, POSIX_LOCALE = {"LANG": "C", "LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("environ", some_of([C_LOCALE, POSIX_LOCALE], POSIX_LOCALE))
def test_a_locale_without_unicode(sandkube: Sandkube, environ: dict[str, str]) -> None:
    sandkube.with_state(sandkube.root / "überall-日本")
    sandkube.environ |= environ
    sandkube("up", "--durability", "fast")
    for command in ("env", "kubeconfig --path", "status", "status -o json", "list", "up"):
        sandkube(*command.split())
    sandkube.kill()
    sandkube("status", status=1)


def test_programs_that_are_out_of_a_plain_users_reach(as_nobody: Sandkube, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for variable, arguments in {"SANDKUBE_SERVER": [], "SANDKUBE_K3S": ["--distribution=k3s"]}.items():
        done = as_nobody("up", *arguments, status=2, environ={variable: str(closed / "program")})
        assert (
            f"{variable} says `{closed}/program`, which cannot be looked at: Permission denied" in done.stderr
        )
