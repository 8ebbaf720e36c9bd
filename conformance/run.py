"""Upstream's conformance tests against a cluster of ours: `python conformance/run.py`.

The tests are those of no-node.txt, run in parallel but for the ones that upstream marks as serial; with
`--gvisor` the cluster and the suite run in a gVisor sandbox. JUnit and the suite's log go to `--output`, the
closing table to standard output. Exit status: 0 every test did as expected, 1 some did not, 2 the suite could
not be run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import listing
import outcomes
import page
import suite
from sandkube.config import cache_dir
from sandkube.errors import SandkubeError, UsageError

ROOT = listing.HERE.parent
REPORTS = ROOT / "reports" / "conformance"
MINUTES = 120
_TICK_SECONDS = 30.0
_PATIENCE = 30.0
_KEPT = ("PATH", "HOME", "PYTHONPATH", "SANDKUBE_SERVER", "LANG")


def main() -> int:
    """Read options, run, compare, print; give the exit status."""
    options = _options()
    signal.signal(signal.SIGTERM, _ended)
    try:
        return run(options)
    except SandkubeError as error:
        print(*listing.said(error), sep="\n", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="conformance/run.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--gvisor", action="store_true", help="run cluster and suite in a gVisor sandbox")
    parser.add_argument(
        "--quick", action="store_true", help="only the tests of quick.txt: a minute, as CI runs them"
    )
    parser.add_argument("--only", metavar="REGEX", help="only tests whose name this fits")
    parser.add_argument("--processes", type=int, default=4, metavar="N", help="how many at once (4)")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="for JUnit and log (reports/conformance)"
    )
    parser.add_argument(
        "--exceptions",
        type=Path,
        default=outcomes.EXCEPTIONS,
        metavar="FILE",
        help="tests known not to pass (exceptions.toml)",
    )
    parser.add_argument("--record", action="store_true", help="keep the results, and write the page in docs/")
    parser.add_argument("--build", action="store_true", help="build the suite, if need be, and run nothing")
    return parser.parse_args()


def run(options: argparse.Namespace) -> int:
    """Do what was asked; give the exit status."""
    if options.build:
        _say(f"The suite is in {suite.build(_say).folder}")
        return 0
    where: outcomes.Where = "gvisor" if options.gvisor else "native"
    wanted = _wanted(options)
    exceptions = outcomes.expected(options.exceptions)
    wrong = outcomes.unknown(exceptions, listing.names(listing.NO_NODE))
    if wrong:
        raise UsageError("\n".join(wrong), hint="take it out, or write the name as no-node.txt has it")
    if options.record and (options.quick or options.only):
        raise UsageError("`--record` is for a whole run: not with `--quick` or `--only`.")
    output = _output(options, where)
    built = suite.build(_say)
    _say(f"Running {len(wanted)} of upstream's tests, {options.processes} at once; log: {output / 'e2e.log'}")
    began = time.monotonic()
    with _ticking(output / "e2e.log", len(wanted)):
        (_in_gvisor if options.gvisor else _natively)(built, wanted, output, options.processes)
    seconds = time.monotonic() - began
    found = outcomes.read_junit(output / "junit.xml", wanted)
    surprises = outcomes.surprises(found, exceptions, where)
    print(outcomes.table(found, where))
    print(f"\n{_closing(found, exceptions, where, seconds)}")
    for line in surprises:
        print(line)
    if options.record:
        page.record(found, where, seconds)
    return 1 if surprises else 0


def _wanted(options: argparse.Namespace) -> list[str]:
    wanted = listing.names(listing.QUICK if options.quick else listing.NO_NODE)
    if options.only:
        try:
            fits = re.compile(options.only)
        except re.error as error:
            raise UsageError(f"`--only {options.only}` is no regular expression: {error}.") from error
        wanted = [name for name in wanted if fits.search(name)]
        if not wanted:
            raise UsageError(f"No test's name fits `--only {options.only}`.", hint="conformance/no-node.txt")
    if options.processes < 1:
        raise UsageError("`--processes` takes a number above 0.")
    return wanted


def _output(options: argparse.Namespace, where: str) -> Path:
    """The folder for what the run leaves, without that of an earlier one."""
    folder: Path = (options.output or REPORTS / where).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("junit.xml", "e2e.log"):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written to: {error.strerror}.", hint="--output FOLDER"
        ) from error
    return folder


def _inside(built: suite.Suite, names: Path, output: Path, processes: int) -> list[str]:
    return [
        sys.executable,
        str(listing.HERE / "inside.py"),
        str(built.folder),
        str(names),
        str(output),
        str(processes),
        str(MINUTES),
    ]


def _environ(state: Path) -> dict[str, str]:
    """For the run itself: nothing of the person's own settings, and a state folder to itself."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    found = [str(ROOT / "src"), *filter(None, [kept.get("PYTHONPATH")])]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(found),
        "SANDKUBE_STATE_DIR": str(state),
        "SANDKUBE_CACHE_DIR": str(cache_dir()),
    }


def _natively(built: suite.Suite, wanted: list[str], output: Path, processes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="skc-", ignore_cleanup_errors=True) as folder:  # short: a socket
        names = Path(folder) / "names"
        names.write_text("\n".join(wanted), encoding="utf-8")
        environ = _environ(Path(folder) / "state")
        _wait(_inside(built, names, output, processes), environ)


def _wait(command: list[str], environ: dict[str, str]) -> None:
    """Run it in a process group of its own, so that the suite's processes end when we are interrupted."""
    popen = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        status = popen.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGTERM)
            popen.wait(_PATIENCE)
        raise
    if status != 0:
        raise SandkubeError(f"The suite did not run: status {status}.")


def _in_gvisor(built: suite.Suite, wanted: list[str], output: Path, processes: int) -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from gvisor.sandbox import CannotRunError, find_runsc, running
    from sandkube.server import ensure

    server = ensure(_say)
    try:
        with running(find_runsc()) as sandbox:
            names = sandbox.files / "names"
            names.write_text("\n".join(wanted), encoding="utf-8")
            sandbox.environ = {
                **_environ(sandbox.tmpfs / "state"),
                "SANDKUBE_SERVER": str(server.binary),
                "TMPDIR": str(sandbox.tmpfs),
            }
            done = sandbox(
                *_inside(built, names, output, processes), status=None, seconds=(MINUTES + 10) * 60
            )
    except CannotRunError as error:
        raise SandkubeError(str(error)) from error
    if done.returncode != 0:
        raise SandkubeError(
            f"The suite did not run in gVisor: status {done.returncode}.\n{done.stderr.strip()}"
        )


@contextlib.contextmanager
def _ticking(log: Path, of: int) -> Iterator[None]:
    """Say every half minute how far the suite is; ginkgo prints a dot for each test that passed."""
    done = threading.Event()

    def tick() -> None:
        began = time.monotonic()
        while not done.wait(_TICK_SECONDS):
            with contextlib.suppress(OSError):
                text = log.read_text(encoding="utf-8", errors="replace")
                failed = text.count("[FAILED]") // 2
                shown = f", {failed} failed" if failed else ""
                _say(f"{time.monotonic() - began:4.0f} s: {text.count(chr(0x2022))} of {of} passed{shown}")

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _closing(
    found: list[outcomes.Outcome],
    exceptions: list[outcomes.Expected],
    where: outcomes.Where,
    seconds: float,
) -> str:
    passed = sum(one.result == "passed" for one in found)
    known = sum(where in one.where and one.test in {test.test for test in found} for one in exceptions)
    excused = f", {known} of them known not to pass" if known else ""
    return f"{passed} of {len(found)} passed{excused}, in {seconds / 60:.1f} minutes"


def _ended(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
