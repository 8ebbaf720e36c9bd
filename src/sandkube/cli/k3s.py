"""`sandkube k3s`: where the k3s binary is, and installing and removing one."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from sandkube.cli import output
from sandkube.cli.options import option, output_option, quiet_option

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from typing_extensions import Self

    from sandkube.k3s.listing import Listed

_MB = 10**6
_INTERVAL = 15.0  # seconds between two plain lines about a download


@click.group()
def k3s() -> None:
    """Find, install and remove the k3s binary, for the distribution k3s.

    It is looked for at the path of --k3s, at the path in SANDKUBE_K3S, on PATH, and in the cache, which
    `sandkube k3s install` fills. Nothing else fetches one.
    """


@k3s.command()
@click.argument("wanted", required=False, metavar="[VERSION|CHANNEL]")
@option(
    "--from",
    "source",
    variable="K3S_FROM",
    metavar="URL|FOLDER",
    help="A mirror that is laid out as k3s' releases are, or a folder with the files of one release.",
)
@option(
    "--insecure-http",
    variable="K3S_INSECURE_HTTP",
    is_flag=True,
    help="Allow plain HTTP to other machines: whoever is on the way can replace k3s.",
)
@option(
    "--timeout",
    variable="K3S_TIMEOUT",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=30.0,
    show_default=True,
    help="How long a server may be silent.",
)
@quiet_option
def install(
    wanted: str | None,
    source: str | None,
    insecure_http: bool,  # noqa: FBT001 -- as click calls it
    timeout: float,
    quiet: bool,  # noqa: FBT001
) -> None:
    """Put a k3s into the cache, and use it from now on.

    Takes a version, such as v1.35.1+k3s1, or a channel: `stable` (the default), `latest`, or such as `v1.35`.
    What is fetched must have the SHA-256 that its release lists. HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are
    respected. Prints the path of the binary.
    """
    from sandkube.k3s.downloads import Patience
    from sandkube.k3s.install import install as install_k3s

    with _Display(quiet=quiet) as display:
        entry = install_k3s(
            wanted,
            display,
            source=source,
            insecure_http=insecure_http,
            patience=Patience(silent=timeout),
        )
    click.echo(entry.binary)


@k3s.command(name="list")
@output_option
@click.option("--verify", is_flag=True, help="Compare the SHA-256 of each with the recorded one.")
@click.pass_context
def list_(context: click.Context, output: str, verify: bool) -> None:  # noqa: FBT001 -- as click calls it
    """List the k3s in the cache.

    `*` marks the one in use: clusters of the distribution k3s are started with it. With --verify the exit
    status is 1 if one is damaged.
    """
    from sandkube.k3s.listing import listed

    found = listed(verify=verify)
    _print_list(found, output)
    if verify and any(item.fault for item in found):
        context.exit(1)


def _in_cache(_context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The versions in the cache that a shell can complete ``begun`` to."""
    from sandkube.k3s import cache

    names = (entry.folder.name for entry in cache.entries(cache.root()))
    return [name for name in names if name.startswith(begun)]


@k3s.command()
@click.argument("version", required=False, shell_complete=_in_cache)
def path(version: str | None) -> None:
    """Print the path of the k3s in use, or of a VERSION in the cache."""
    if version is None:
        from sandkube.k3s import locate

        click.echo(locate().binary)
    else:
        from sandkube.k3s.listing import in_cache

        click.echo(in_cache(version))


@k3s.command()
@click.argument("versions", nargs=-1, metavar="[VERSION]...", shell_complete=_in_cache)
def remove(versions: tuple[str, ...]) -> None:
    """Remove k3s from the cache: the named versions, or everything.

    Clusters that run are not disturbed.
    """
    from sandkube.k3s.listing import remove as remove_versions

    gone = remove_versions(versions, output.talk)
    for folder in gone:
        output.talk(f"Removed {folder}")
    if not gone:
        output.talk("The cache holds no k3s.")


class _Display:
    """Shows how an install goes on: a bar on a terminal, plain lines at intervals elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._on_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._told_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def step(self, text: str) -> None:
        """Show what is being done now."""
        if not self._quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """Show a line that stays."""
        self._clear()
        output.talk(text)
        self._told_at = time.monotonic()

    def received(self, count: int, total: int | None) -> None:
        """Show how much is there."""
        if self._quiet:
            return
        if self._on_terminal:
            self._show(count, total)
        elif time.monotonic() - self._told_at >= _INTERVAL:
            self.say(f"{count // _MB} of {total // _MB} MB" if total else f"{count // _MB} MB")

    def _show(self, count: int, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        try:
            if self._bar is None or self._task is None:
                self._bar = Progress(
                    BarColumn(),
                    DownloadColumn(),
                    TransferSpeedColumn(),
                    TimeRemainingColumn(),
                    console=Console(stderr=True),
                    transient=True,
                )
                self._bar.start()
                self._task = self._bar.add_task("", total=total)
            self._bar.update(self._task, completed=count)
        except OSError:  # the terminal is gone
            self._on_terminal, self._bar = False, None

    def _clear(self) -> None:
        bar, self._bar, self._task = self._bar, None, None
        if bar is not None:
            try:
                bar.stop()
            except OSError:
                output.let_go(sys.stderr)


def _print_list(found: list[Listed], form: str) -> None:
    from sandkube.k3s.listing import in_use

    used = in_use()
    if form == "json":
        in_use_now = {"path": str(used.binary), "origin": used.origin} if used else None
        output.print_json({"k3s": [_as_json(item) for item in found], "used": in_use_now})
        return
    if found:
        _print_table(found)
    else:
        output.talk("The cache holds no k3s. `sandkube k3s install` puts one there.")
    if used and not any(item.used for item in found):
        output.talk(f"In use is {used.binary} ({used.origin}).")


def _as_json(item: Listed) -> dict[str, Any]:
    return {
        "version": item.version,
        "path": str(item.path),
        "source": item.source,
        "bytes": item.size,
        "sha256": item.sha256,
        "installed": item.installed,
        "used": item.used,
        "fault": item.fault,
    }


def _print_table(found: list[Listed]) -> None:
    rows = [("", "VERSION", "SIZE", "STATE", "SOURCE")]
    for item in found:
        size = f"{item.size // _MB} MB" if item.size is not None else "-"
        rows.append(("*" if item.used else "", item.version, size, item.fault or "ok", item.source or "-"))
    output.print_table(rows)
