"""`sandkube up`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandkube.cli import invocation, output
from sandkube.cli.options import name_argument, option, quiet_option, wait_option
from sandkube.config import (
    CNIS,
    DISTRIBUTIONS,
    DURABILITIES,
    ENV_SERVER,
    OWN_POLICY,
    Cni,
    Durability,
    Request,
    from_everywhere,
)
from sandkube.errors import SandkubeError, UsageError

if TYPE_CHECKING:
    from sandkube.cluster import Report, Status, Up


@click.command()
@name_argument
@option(
    "--port",
    variable="PORT",
    type=int,
    help="The port on 127.0.0.1. Without it: the one it had, or else any free one. "
    "0 takes back a port that was asked for before.",
)
@option(
    "--durability",
    variable="DURABILITY",
    type=click.Choice(DURABILITIES),
    help="What a power cut may cost: `fast` everything, `normal` the last moments, `full` nothing. "
    "A server that is killed loses nothing in any case. A new cluster is `normal`.",
)
@wait_option("How long to wait for Ready; 0 does not wait.")
@option(
    "--apply",
    "manifests",
    variable="APPLY",
    metavar="PATH",
    multiple=True,
    help="A file, folder or URL to apply once it is Ready. May be repeated.",
)
@option(
    "--api-server-arg",
    variable="API_SERVER_ARG",
    metavar="FLAG=VALUE",
    multiple=True,
    help="A flag for kube-apiserver. May be repeated; '' takes back those of before.",
)
@option(
    "--controller-manager-arg",
    variable="CONTROLLER_MANAGER_ARG",
    metavar="FLAG=VALUE",
    multiple=True,
    help="The same for kube-controller-manager.",
)
@option(
    "--scheduler-arg",
    variable="SCHEDULER_ARG",
    metavar="FLAG=VALUE",
    multiple=True,
    help="The same for kube-scheduler.",
)
@option(
    "--encrypt-secrets/--no-encrypt-secrets",
    variable="ENCRYPT_SECRETS",
    default=None,
    help="Encrypt Secrets in the datastore, with a key in the cluster's folder.",
)
@option(
    "--audit-log",
    "audit_policy",
    variable="AUDIT_LOG",
    metavar="[POLICY]",
    is_flag=False,
    flag_value=OWN_POLICY,
    help="Write down who asks for what, in audit.log of the cluster's folder, by this policy or "
    "sandkube's own. '' takes it back.",
)
@option(
    "--node/--no-node",
    variable="NODE",
    default=None,
    help="Have a node beside it, on which pods run as processes of this user.",
)
@option(
    "--distribution",
    variable="DISTRIBUTION",
    type=click.Choice(DISTRIBUTIONS),
    help="What serves a new cluster: sandkube's own server, which is the default, or k3s.",
)
@click.option(
    "--k3s",
    metavar="PATH",
    help="For k3s: its binary. Without it: SANDKUBE_K3S, PATH, or what `sandkube k3s install` fetched.",
)
@option(
    "--k3s-arg",
    variable="K3S_ARG",
    metavar="FLAG=VALUE",
    multiple=True,
    help="A flag for `k3s server`. May be repeated; '' takes back those of before.",
)
@option(
    "--cni",
    variable="CNI",
    type=click.Choice(CNIS),
    help="For k3s: give it the CNI plugin that it looks for, which is the default, or have it need none.",
)
@option("--foreground", variable="FOREGROUND", is_flag=True, help="Stay, and stop the cluster with Ctrl-C.")
@option(
    "--dry-run",
    variable="DRY_RUN",
    is_flag=True,
    help="Start nothing: print a shell script that would. What it needs is made: certificates and keys.",
)
@quiet_option
def up(
    name: str,
    *,
    port: int | None,
    durability: Durability | None,
    wait: float,
    manifests: tuple[str, ...],
    api_server_arg: tuple[str, ...],
    controller_manager_arg: tuple[str, ...],
    scheduler_arg: tuple[str, ...],
    encrypt_secrets: bool | None,
    audit_policy: str | None,
    node: bool | None,
    distribution: str | None,
    k3s: str | None,
    k3s_arg: tuple[str, ...],
    cni: Cni | None,
    foreground: bool,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Start a cluster, and wait until it is Ready.

    A cluster keeps its settings, its port and what is in it; options change the settings of one that is not
    running. If it runs already, nothing is done.
    """
    from sandkube import cluster

    _check(manifests, wait=wait, foreground=foreground, dry_run=dry_run)
    request = Request(
        port=port,
        durability=durability,
        api_server_args=_arguments(api_server_arg),
        controller_manager_args=_arguments(controller_manager_arg),
        scheduler_args=_arguments(scheduler_arg),
        encrypt_secrets=encrypt_secrets,
        audit_policy=from_everywhere(audit_policy, OWN_POLICY),
        node=node,
        distribution=distribution,
        k3s=from_everywhere(k3s),
        k3s_args=_arguments(k3s_arg),
        cni=cni,
    )

    def work(report: Report) -> None:
        if dry_run:
            script = cluster.prepare(name, request, report=report)
            report.say(f"Nothing was started. What the script needs is in {cluster.folder_of(name).path}")
            click.echo(script, nl=False)
        elif foreground:

            def ready(done: Up) -> None:
                _ready(done, manifests, report, quiet=quiet, stays=True)

            cluster.serve(name, request, wait=wait, report=report, on_ready=ready)
        else:
            done = cluster.up(name, request, wait=wait, report=report)
            _ready(done, manifests, report, quiet=quiet, stays=False)

    if quiet:
        _quietly(work, name, request, seconds=None if foreground or dry_run or wait == 0 else wait)
    else:
        with _causes_named(name, request.port), output.Teller() as teller:
            work(teller)


def _quietly(work: Callable[[Report], None], name: str, request: Request, *, seconds: float | None) -> None:
    """Do the work silently, in at most ``seconds``; what goes wrong is one line."""
    from sandkube.cli.quiet import or_one_line
    from sandkube.cluster.report import SILENT

    def silent() -> None:
        _refuse_to_build(name, request)
        work(SILENT)

    def cause(error: SandkubeError) -> str | None:
        from sandkube.doctor import explain

        return next((found.found for found in explain(error, name, port=request.port)), None)

    late = f"Cluster `{name}` was not Ready within {seconds or 0:g} seconds."
    or_one_line(silent, cause, seconds=seconds, too_late=late)


def _refuse_to_build(name: str, request: Request) -> None:
    """ServerNotFound where the server would be built first: that takes minutes, and nobody would know why."""
    from sandkube.cluster import state
    from sandkube.errors import ServerNotFound
    from sandkube.server import locate

    spec = state.read_spec(state.folder_of(name))
    if (request.distribution or (spec and spec.distribution)) == "k3s" or os.environ.get(ENV_SERVER):
        return
    try:
        locate()
    except ServerNotFound:
        if not (state.folder_of(name).exists() and state.status(name).running):
            raise ServerNotFound(
                "There is no sandkube server on this machine yet.", hint=f"{invocation.words()} prepare"
            ) from None


@contextlib.contextmanager
def _causes_named(name: str, port: int | None) -> Iterator[None]:
    """Print an error with what can explain it here, as far as the checks of `doctor` find something."""
    try:
        yield
    except SandkubeError as error:
        from sandkube.doctor import explain

        causes = explain(error, name, port=port)
        if not causes:
            raise
        if error.hint and "--wait" in error.hint:  # no waiting helps then
            error.hint = None
        output.print_error(error)
        for cause in causes:
            output.talk(f"{click.style('cause:', fg='red', bold=True)} {cause.found}")
            output.talk(f"       {cause.remedy}")
        raise click.exceptions.Exit(error.exit_code) from error


def _arguments(given: tuple[str, ...]) -> tuple[str, ...] | None:
    """What was given for a component: None if nothing was; an empty one alone takes back those of before."""
    return tuple(argument for argument in given if argument) if given else None


def _check(manifests: Sequence[str], *, wait: float, foreground: bool, dry_run: bool) -> None:
    if foreground and dry_run:
        raise UsageError("--foreground and --dry-run exclude one another.")
    if wait < 0:
        raise UsageError("--wait takes no negative number of seconds.")
    if manifests and wait == 0:
        raise UsageError("--apply needs a cluster that is Ready, so it needs --wait above 0.")
    for path in manifests:
        if not path:
            raise UsageError("--apply needs the path of a file or folder, or a URL.")
        if not (path == "-" or "://" in path or Path(path).exists()):
            raise UsageError(f"There is no `{path}` to apply.")


def _ready(done: Up, manifests: Sequence[str], report: Report, *, quiet: bool, stays: bool) -> None:
    """Apply what is to be applied, and say what was done and what comes next."""
    for path in manifests:
        report.step(f"Applying {path}")
        _apply(done.status, path, quiet=quiet, stays=stays)
    report.say(summary(done))
    if stays:
        report.say("Ctrl-C stops it. In another shell:")
    for line in next_lines(done.status.name, invocation.words()):
        report.say(f"  {line}")


def summary(done: Up) -> str:
    """What `up` did, in one line."""
    status = done.status
    if not done.started:
        return f"Cluster `{status.name}` is running already: {status.url}"
    if not status.running:
        return f"Cluster `{status.name}` was started, and is not Ready yet: {status.url}"
    return f"Cluster `{status.name}` is Ready after {done.seconds:.1f} s: {status.url}"


def next_lines(name: str, words: str) -> list[str]:
    """What a newcomer needs next, to be pasted in the same shell."""
    return [
        f'eval "$({invocation.with_name(f"{words} env", name)})"',
        "kubectl get namespaces",
        invocation.with_name("sandkube down", name),
    ]


def apply_arguments(path: str) -> list[str]:
    """Give kubectl's arguments that apply ``path``; a folder with a kustomization is built first."""
    names = ("kustomization.yaml", "kustomization.yml", "Kustomization")
    built = any((Path(path) / name).is_file() for name in names)
    return ["apply", "-k" if built else "-f", path]


def _apply(status: Status, path: str, *, quiet: bool, stays: bool) -> None:
    import subprocess

    from sandkube.cluster import folder_of

    folder = folder_of(status.name)
    done = subprocess.run(
        [str(folder.kubectl), *apply_arguments(path)],
        env=folder.clients_environ(os.environ),
        # What was applied is talk; `up` has no data.
        stdout=subprocess.DEVNULL if quiet else 2,
        stderr=subprocess.PIPE if quiet else None,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or b"").decode("utf-8", "replace").strip()
        why = f" ({said.splitlines()[0].removeprefix('error: ')})" if said else ""
        if stays:  # what is served in the foreground ends with this command
            raise SandkubeError(
                f"`{path}` could not be applied{why}, so cluster `{status.name}` was stopped."
            )
        raise SandkubeError(
            f"`{path}` could not be applied{why}. Cluster `{status.name}` is running.",
            hint=invocation.with_name(f"{invocation.words()} down", status.name),
        )
