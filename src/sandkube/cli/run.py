"""Running the command line as a process: signals, errors, exit status. Errors are printed here alone."""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from sandkube.cli import output
from sandkube.cli.lazy import ReaderGone
from sandkube.errors import SandkubeError

EXIT_FAILED = 2
EXIT_INTERRUPTED = 130
# What a full disk or a lost terminal does to what is printed.
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def run(command: click.Command) -> NoReturn:
    """Run ``command`` with this process's arguments, and end the process with its exit status."""
    _open_standard_streams()
    # Like Ctrl-C: whatever is being made is undone. `nohup` has the second one ignored, and it stays so.
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _terminate)
    sys.exit(exit_status(command, sys.argv[1:]))


def exit_status(command: click.Command, arguments: list[str]) -> int:  # noqa: PLR0911 -- a kind of end each
    """Run ``command``; errors are printed to stderr. Gives the exit status."""
    try:
        status = command.main(arguments, prog_name="sandkube", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.exceptions.Abort:
        output.talk("Interrupted.")
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        try:
            error.show()
        except OSError:
            output.let_go(sys.stderr)
        return error.exit_code
    except SandkubeError as error:
        output.print_error(error)
        return error.exit_code
    except (ReaderGone, BrokenPipeError):  # `sandkube logs | head`; the second from the flush
        output.let_go(sys.stdout)
        return 0
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            return _fault(error, arguments)
        output.let_go(sys.stdout)
        output.print_error(SandkubeError(f"What this command prints cannot be written: {error.strerror}."))
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 -- a fault of ours: never a traceback, always a report
        return _fault(error, arguments)


def _fault(error: Exception, arguments: list[str]) -> int:
    from sandkube.cli.crash import write_report

    place = write_report(error, arguments)
    output.print_error(
        SandkubeError(
            f"This is a fault in sandkube: {type(error).__name__}: {error}",
            hint=f"please report it, with {place}",
        )
    )
    return EXIT_FAILED


def _open_standard_streams() -> None:
    """Put /dev/null in the place of streams that were closed (`sandkube up >&-`).

    Otherwise the next file that is opened gets the number, the server's socket for one, and Python has None
    there.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    sys.exit(128 + number)
