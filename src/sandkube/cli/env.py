"""`sandkube env`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from sandkube.cli import invocation, output
from sandkube.cli.options import name_argument, option
from sandkube.config import ENV_CLUSTER
from sandkube.errors import ClusterNotFound, ClusterNotRunning
from sandkube.plane.folder import ELSEWHERE

SHELLS = ("sh", "bash", "zsh", "fish")


@click.command()
@name_argument
@option(
    "--shell",
    type=click.Choice(SHELLS),
    variable="SHELL",
    help="The shell that will read it; from $SHELL where it is not given.",
)
def env(name: str, shell: str | None) -> None:
    """Print what a shell needs to use a cluster with plain kubectl and helm.

    \b
    In sh, bash and zsh:  eval "$(sandkube env)"
    In fish:              sandkube env | source
    """  # noqa: D301 -- click takes the character itself for "leave the lines"
    from sandkube.cluster import state

    found = state.status(name)
    if not found.kubeconfig.exists() and found.state == "starting":
        raise ClusterNotRunning(
            f"Cluster `{name}` is not Ready yet.", hint=f"sandkube up {name}, which waits"
        )
    if not found.kubeconfig.exists():
        raise ClusterNotFound(f"Cluster `{name}` was never started.", hint=f"sandkube up {name}")
    if not found.running:
        command = invocation.with_name(f"{invocation.words()} up", name)
        output.talk(f"Cluster `{name}` is {found.state}. To start it: {command}")
    kind = shell or shell_of(os.environ)
    variables = settings(name)
    path = path_with(os.environ.get("PATH", ""), found.folder / "bin")
    click.echo(render(kind, variables, path, unset(os.environ)), nl=False)


def settings(name: str) -> dict[str, str]:
    """The variables, but for PATH, of a shell that uses the cluster."""
    from sandkube.cluster import folder_of

    return {**folder_of(name).client_environment, ENV_CLUSTER: name}


def unset(environ: Mapping[str, str]) -> list[str]:
    """The variables in ``environ`` that would point helm elsewhere, past the kubeconfig."""
    return sorted(key for key in environ if key.startswith(ELSEWHERE) and key.isidentifier())


def path_with(path: str, bin_folder: Path) -> tuple[str, str]:
    """What to put before and behind the PATH there is: kubectl and helm win, sandkube's script gives way.

    (Its folder has a python, too, that must not take the place of the person's own.) Nothing is added twice.
    """
    parts = invocation.path_of_shell({**os.environ, "PATH": path})
    scripts = str(invocation.script_folder())
    before = "" if parts[:1] == [str(bin_folder)] else str(bin_folder)
    behind = "" if scripts in parts else scripts
    return before, behind


def render(
    shell: str, variables: Mapping[str, str], path: tuple[str, str], without: Sequence[str] = ()
) -> str:
    """The lines for ``shell``."""
    before, behind = path
    if shell == "fish":
        lines = [f"set -e {key};" for key in without]
        lines += [f"set -gx {key} {_fish(value)};" for key, value in variables.items()]
        parts = [_fish(before), "$PATH", _fish(behind)] if before else ["$PATH", _fish(behind)]
        lines.append(f"set -gx PATH {' '.join(part for part in parts if part != _fish(''))};")
    else:
        lines = [f"unset {key}" for key in without]
        lines += [f"export {key}={shlex.quote(value)}" for key, value in variables.items()]
        parts = [shlex.quote(before) if before else "", '"$PATH"', shlex.quote(behind) if behind else ""]
        lines.append(f"export PATH={':'.join(part for part in parts if part)}")
    return "\n".join(lines) + "\n"


def shell_of(environ: Mapping[str, str]) -> str:
    """The kind of the person's login shell, as far as it matters here."""
    name = Path(environ.get("SHELL", "")).name
    return name if name in SHELLS else "sh"


def _fish(text: str) -> str:
    """``text`` in fish's single quotes, in which only these two are escaped."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
