"""`sandkube logs`."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from sandkube.cli.options import name_argument, option
from sandkube.errors import UsageError

follow_option = option(
    "-f",
    "--follow",
    is_flag=True,
    variable="LOGS_FOLLOW",
    help="Go on with what is written from now on, until it ends.",
)
tail_option = option("--tail", type=int, metavar="LINES", variable="LOGS_TAIL", help="Only the last lines.")

since_option = option(
    "--since",
    metavar="WHEN",
    variable="LOGS_SINCE",
    help="From a time (RFC 3339), or for a duration up to now (5m, 1h30m).",
)


@click.command()
@name_argument
@follow_option
@since_option
@tail_option
def logs(name: str, *, follow: bool, since: str | None, tail: int | None) -> None:
    """Print the log of a cluster's server.

    It is one log for the API server, the controller manager, the scheduler and the datastore.
    """
    from sandkube.cluster import state

    folder = state.existing(name)
    print_log(
        folder.log, follow=follow, since=since, tail=tail, ended=lambda: state.observe(folder).process is None
    )


def print_log(
    path: Path, *, follow: bool, since: str | None, tail: int | None, ended: Callable[[], bool]
) -> None:
    """Print a log of klog's, as asked; who follows it does so until ``ended`` says so."""
    from sandkube.plane import logs as log

    if tail is not None and tail < 0:
        raise UsageError("--tail takes no negative number of lines.")
    # Opened before the lines so far are read, so that none falls in between.
    coming = log.Follower(path) if follow else None
    until = coming.mark if coming else None
    now = dt.datetime.now().astimezone()
    lines: Iterable[str] = log.lines(path, until)
    if since is not None:
        lines = log.since(lines, log.parse_since(since, now), now)
        lines = lines if tail is None else deque(lines, maxlen=tail)
    elif tail is not None:
        lines = log.last_lines(path, tail, until)
    _print(lines)
    if coming is not None:
        _print(coming.lines(ended=ended))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
