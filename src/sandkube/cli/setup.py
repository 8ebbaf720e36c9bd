"""`sandkube setup`: the piece that a host needs to start a cluster, printed, or put into its file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sandkube.cli import invocation, output
from sandkube.config import DEFAULT_NAME, check_name
from sandkube.errors import UsageError

if TYPE_CHECKING:
    from sandkube.setup.files import Change
    from sandkube.setup.host import Host

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _file_options(function: _Function) -> _Function:
    """The options that every host has."""
    for decorate in (
        click.option("--file", type=click.Path(path_type=Path), metavar="PATH", help="The file to change."),
        click.option("--remove", is_flag=True, help="Take out of the file what --write put there."),
        click.option("--write", is_flag=True, help="Put it into the file, beside all that is there."),
    ):
        function = decorate(function)
    return function


_sandkube_option = click.option(
    "--sandkube",
    metavar="WORDS",
    help="What calls sandkube there, such as `uv run sandkube`. Without it: what called it now.",
)


@click.group()
def setup() -> None:
    """Have a coding sandbox, a dev container or a workflow start a cluster.

    Each command prints what is to be put where. With --write it does so itself: nothing else in the file is
    touched, and --remove gives the file back byte for byte.
    """


@setup.command()
@_file_options
@_sandkube_option
@click.pass_context
def sessionstart(
    context: click.Context,
    *,
    write: bool,
    remove: bool,
    file: Path | None,
    sandkube: str | None,
) -> None:
    """A hook that starts a cluster when a session of a coding sandbox begins.

    It goes into Claude Code's settings of the project, .claude/settings.json, and leaves plain kubectl and
    helm in the session's shells.
    """
    from sandkube.setup.sessionstart import SessionStart

    words = "sandkube" if remove else _words(sandkube, '"$CLAUDE_PROJECT_DIR"/')
    _do(SessionStart(words, _cluster(context)), write=write, remove=remove, file=file)


@setup.command()
@_file_options
@_sandkube_option
@click.pass_context
def devcontainer(
    context: click.Context,
    *,
    write: bool,
    remove: bool,
    file: Path | None,
    sandkube: str | None,
) -> None:
    """A `postStartCommand` that starts a cluster with a dev container.

    It goes into .devcontainer/devcontainer.json, or .devcontainer.json where that is there instead, beside a
    command that is there already.
    """
    from sandkube.setup.devcontainer import DevContainer

    words = "sandkube" if remove else _words(sandkube, "")
    host = DevContainer(words, _cluster(context))
    other = Path(".devcontainer.json")
    if file is None and not host.file.exists() and other.exists():
        file = other
    _do(host, write=write, remove=remove, file=file)


@setup.command()
@_file_options
@click.option("--job", metavar="NAME", help="The job, where several check out.")
@click.option(
    "--ref", metavar="REF", help="The tag, branch or commit of the action, instead of this version's."
)
@click.pass_context
def github(
    context: click.Context,
    *,
    write: bool,
    remove: bool,
    file: Path | None,
    job: str | None,
    ref: str | None,
) -> None:
    """A step of a GitHub Actions workflow that starts a cluster.

    With --write it goes behind the job's checkout in the workflow that --file names.
    """
    from sandkube.setup.github import VERSION, GitHub

    if ref is not None and (not ref.isprintable() or not ref or set(ref) & set(" #")):
        raise UsageError(f"`{ref}` is no tag, branch or commit.")
    host = GitHub(job, ref or VERSION, _cluster(context))
    _do(host, write=write, remove=remove, file=file)


def _do(host: Host, *, write: bool, remove: bool, file: Path | None) -> None:
    """Print the piece, or change the file, and say what was done."""
    from sandkube.setup import editing

    if write and remove:
        raise UsageError("--write and --remove exclude one another.")
    if not write and not remove:
        if file is not None:
            raise UsageError("--file is for --write and --remove; without them the piece is printed.")
        click.echo(host.piece(), nl=False)
        return
    path = file or host.file
    if path is None:
        raise UsageError(
            "Which workflow is it to be?", hint="--file .github/workflows/NAME.yml, or paste what is printed"
        )
    done = (editing.add if write else editing.remove)(host, path)
    output.talk(_said(done, path, write=write))


def _said(done: Change, path: Path, *, write: bool) -> str:
    """What was done, in a line."""
    if done == "unchanged":
        why = "has it already" if write else "has nothing of `sandkube setup`"
        return f"Nothing was changed: {path} {why}."
    return {
        "made": f"Made {path}.",
        "changed": f"Changed {path}." if write else f"Took it out of {path} again.",
        "removed": f"Removed {path}, which held nothing else.",
    }[done]


def _cluster(context: click.Context) -> str | None:
    """The cluster to name in a command; None for the one that it takes by default."""
    name = check_name(str(context.obj))
    return None if name == DEFAULT_NAME else name


def _words(given: str | None, project: str) -> str:
    """What is to call sandkube in a shell of the host.

    A path in the project's folder is made one that begins with ``project``, since the file is shared by all
    who work on it. Of any other path it is said that it holds for this machine.
    """
    if given is not None:
        if not given.strip() or not given.isprintable():
            raise UsageError("--sandkube takes the words that call sandkube, on one line.")
        return given.strip()
    words = _called()
    if words[0] == "uv":
        return "uv run --quiet sandkube"
    program = Path(words[0])
    if not program.is_absolute():
        return shlex.join(words)
    rest = "".join(f" {shlex.quote(word)}" for word in words[1:])
    if rest and _is_python_of_path(program):
        return f"python3{rest}"
    program = Path(os.path.normpath(program))
    if program.is_relative_to(Path.cwd()):
        return f"{project}{shlex.quote(str(program.relative_to(Path.cwd())))}{rest}"
    output.talk(f"{program} may be elsewhere on another machine; --sandkube names another way to call it.")
    return f"{shlex.quote(str(program))}{rest}"


def _called() -> list[str]:
    """What called sandkube, as words; where that holds only in an activated environment, the path in it."""
    words = shlex.split(invocation.words())
    script = invocation.script_folder() / "sandkube"
    active = os.environ.get("VIRTUAL_ENV")
    if words == ["sandkube"] and active and script.is_relative_to(active):
        return [str(script)]
    return words


def _is_python_of_path(program: Path) -> bool:
    """Whether `python3` in the person's shell is this very Python, with what is installed for it."""
    import shutil

    found = shutil.which("python3", path=os.pathsep.join(invocation.path_of_shell(os.environ)))
    if found is None or Path(found).absolute().parent != program.parent:
        return False
    return os.path.realpath(found) == os.path.realpath(program)
