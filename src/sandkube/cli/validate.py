"""`sandkube validate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sandkube.cli import output
from sandkube.cli.options import option, quiet_option
from sandkube.cli.output import Teller
from sandkube.errors import UsageError
from sandkube.reports import FORMATS

if TYPE_CHECKING:
    from sandkube.reports import Report
    from sandkube.validation import Settings

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _several(*names: str, variable: str, metavar: str, text: str) -> Callable[[_Function], _Function]:
    """An option that may be given several times."""
    return option(*names, variable=f"VALIDATE_{variable}", multiple=True, metavar=metavar, help=text)


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@_several("-f", "--filename", variable="FILENAME", metavar="PATH", text="A path, as an option.")
@_several("-k", "--kustomize", variable="KUSTOMIZE", metavar="FOLDER", text="A folder with a kustomization.")
@option("-R", "--recursive", variable="VALIDATE_RECURSIVE", is_flag=True, help="Look into folders below.")
@_several(
    "--values",
    variable="VALUES",
    metavar="FILE[,FILE]",
    text="Values for charts. Each time it is given makes a case of its own.",
)
@_several("--set", "sets", variable="SET", metavar="NAME=VALUE", text="A value for charts, as helm has it.")
@option(
    "--release-name",
    variable="VALIDATE_RELEASE_NAME",
    metavar="NAME",
    help="The name charts are released by.",
)
@option(
    "-n",
    "--namespace",
    variable="VALIDATE_NAMESPACE",
    metavar="NAME",
    help="Where objects lie that name none.",
)
@option(
    "--cluster",
    variable="VALIDATE_CLUSTER",
    metavar="NAME",
    help="Judge by this running cluster, with dry runs, and not by a control plane started for it.",
)
@option(
    "--context",
    "of_context",
    variable="VALIDATE_CONTEXT",
    metavar="NAME",
    help="Judge by this context of your kubeconfig, with dry runs.",
)
@_several("--crds", variable="CRDS", metavar="PATH", text="Definitions that only have to be there.")
@option(
    "--upgrade-from",
    variable="VALIDATE_UPGRADE_FROM",
    metavar="PATH|REVISION",
    help="Judge as a change of what is there, or was at a git revision.",
)
@option(
    "--settle",
    variable="VALIDATE_SETTLE",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long controllers are listened to, at most.  [default: 3]",
)
@_several("--ignore", variable="IGNORE", metavar="CODE", text="Leave findings with this code out.")
@option(
    "--fail-on",
    variable="VALIDATE_FAIL_ON",
    type=click.Choice(["warning", "error"]),
    help="What makes the exit status 1.  [default: error]",
)
@option(
    "--baseline",
    variable="VALIDATE_BASELINE",
    metavar="FILE",
    help="Accept the findings that this file knows.",
)
@option(
    "--update-baseline",
    variable="VALIDATE_UPDATE_BASELINE",
    is_flag=True,
    help="Write the findings into the baseline, and accept them.",
)
@option(
    "-o",
    "--output",
    variable="VALIDATE_OUTPUT",
    type=click.Choice(FORMATS),
    default="text",
    help="What is printed.  [default: text]",
)
@_several("--report", variable="REPORT", metavar="FORMAT=FILE", text="Write a further report into a file.")
@option("--no-config", variable="VALIDATE_NO_CONFIG", is_flag=True, help="Read no configuration file.")
@quiet_option
@click.pass_context
def validate(
    context: click.Context,
    /,
    paths: tuple[str, ...],
    filename: tuple[str, ...],
    output: str,
    *,
    of_context: str | None,
    update_baseline: bool,
    no_config: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Judge manifests, charts and kustomizations by a real API server.

    PATHS are files, folders, charts (a folder with Chart.yaml, or a .tgz), kustomizations, or `-`. A control
    plane is started for it and thrown away, unless a running one is named. The exit status is 0 if all is
    well, 1 if there are findings, 2 if it could not be judged.
    """
    asked["context"] = of_context
    settings = _settings((*paths, *filename), asked, configured=not no_config)
    reports = [_target(text) for text in settings.report]
    from dataclasses import replace

    from sandkube.validation import validate as judge

    if update_baseline and settings.baseline is None:
        raise UsageError("`--update-baseline` needs to know which.", hint="name it with --baseline FILE")
    # where no person watches, what is being done is no news
    with Teller(quiet=quiet or not sys.stderr.isatty()) as teller:
        known = None if update_baseline else settings.baseline
        report = judge(settings=replace(settings, baseline=known), progress=teller)
    if update_baseline and settings.baseline is not None:
        report = _accepted(report, Path(settings.baseline))
    for form, file in reports:
        _write(report, form, file)
    _print(report, output)
    context.exit(1 if report.fails(settings.fail_on) else 0)


def _settings(paths: tuple[str, ...], asked: dict[str, Any], *, configured: bool) -> Settings:
    """What was asked for, before what a configuration file says, before what is usual."""
    from sandkube.validation import settings

    given = {
        name: value
        for name, value in asked.items()
        if value is not None and value is not False and value != ()
    }
    if paths:
        given |= {"paths": paths, "kustomize": asked["kustomize"]}
    _, found = settings.configured(Path.cwd(), given) if configured else (None, {})
    return settings.Settings(**found | given)


def _target(text: str) -> tuple[str, Path]:
    form, equals, file = text.partition("=")
    if not equals or form not in FORMATS or not file:
        raise UsageError(
            f"`--report {text}` is not of the form FORMAT=FILE.",
            hint=f"FORMAT is one of {', '.join(FORMATS)}",
        )
    path = Path(file)
    above = next(one for one in path.absolute().parents if one.exists())
    if path.is_dir() or not above.is_dir():
        raise UsageError(f"`--report {text}`: `{path if path.is_dir() else above}` is in the way.")
    return form, path


def _accepted(report: Report, file: Path) -> Report:
    from dataclasses import replace

    from sandkube.reports import baseline
    from sandkube.reports.words import counted

    baseline.write(file, report.findings)
    output.talk(f"wrote {file}: {counted(len(report.findings), 'finding')} accepted")
    return replace(report, findings=(), accepted=report.findings)


def _write(report: Report, form: str, file: Path) -> None:
    from sandkube.reports import render

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render(report, form), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"`{file}` cannot be written: {error.strerror}.") from error


def _print(report: Report, form: str) -> None:
    from sandkube.reports import render

    colored = form == "text" and output.colored(sys.stdout, os.environ)
    click.echo(render(report, form, color=colored).rstrip("\n"), color=colored)
