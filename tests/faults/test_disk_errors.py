"""A disk that answers with errors, or late: strace has the server's system calls on its database fail."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checker.recorder import PATH
from command_line import Sandkube, until
from faults.loading import COMPACTING, UNCACHED, compactions, judged, load, progress

SYNCS = "fsync,fdatasync"


@contextlib.contextmanager
def injected(sandkube: Sandkube, calls: str, fault: str) -> Iterator[Path]:
    """Have these system calls on the database and its log fail; the file in which each is told."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace, to have system calls fail")
    told = sandkube.root / "strace"
    told.unlink(missing_ok=True)
    database = sandkube.folder().database
    command = ["strace", "-f", "-qq", "-o", str(told), "-P", str(database), "-P", f"{database}-wal"]
    command += ["-e", f"trace={calls}", "-e", f"inject={calls}:{fault}", "-p", str(sandkube.pid())]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        try:
            until(lambda: told.exists() or strace.poll() is not None)
            if strace.poll() is not None:
                said = strace.stderr.read().strip() if strace.stderr else ""
                pytest.skip(f"needs the right to debug the server, to have its system calls fail: {said}")
            yield told
        finally:
            strace.send_signal(signal.SIGINT)  # it lets the server go


def faults(told: Path) -> int:
    """How many system calls failed, or were late."""
    text = told.read_text(errors="replace")
    return text.count("(INJECTED)") + text.count("(DELAYED)")


def test_a_disk_that_fails(sandkube: Sandkube) -> None:
    """Writes, syncs, reads, one after the other: what is answered is true, and all is well afterwards."""
    sandkube("up", UNCACHED, COMPACTING, "--durability", "full")
    pid = sandkube.pid()
    with load(sandkube.api(), seed=70, size=3000, keys=60) as recorder:
        for calls, fault in (
            ("pwrite64", "error=EIO"),
            (SYNCS, "error=EIO"),
            ("pread64", "error=EIO:when=3+7"),
        ):
            with injected(sandkube, calls, fault) as told:
                before = recorder.tried
                until(lambda: recorder.tried > before + 30 and faults(told) > 3)  # noqa: B023
            mended = time.monotonic()
            progress(recorder, 30)
            print(f"{calls}: {faults(told)} failed; writing again after {time.monotonic() - mended:.2f} s")
        log = sandkube.folder().log
        seen = compactions(log)
        until(lambda: compactions(log) > seen)
        recorder.stop()
    judged(recorder)
    assert sandkube.pid() == pid
    sandkube("down")
    sandkube("up")
    assert sandkube.api()("GET", PATH)[0] == 200


def test_a_disk_that_is_slow(sandkube: Sandkube) -> None:
    """Each sync takes a third of a second, and each write waits for one."""
    sandkube("up", UNCACHED, "--durability", "full")
    with load(sandkube.api(), seed=71) as recorder:
        with injected(sandkube, SYNCS, "delay_exit=300000") as told:
            until(lambda: faults(told) >= 6)
            progress(recorder, 1)
        recorder.stop()
        recorder.again()
    judged(recorder, least=50)
    assert recorder.breaks == 0


def test_a_list_that_breaks_off_is_not_taken_for_a_whole_one(sandkube: Sandkube) -> None:
    """kine leaves such an error unseen at other places than this one."""
    sandkube("up", UNCACHED, "--durability", "fast")
    api = sandkube.api()
    for number in range(40):  # more than SQLite keeps in memory
        assert api.put_config_map(f"large-{number}", "x" * 100_000, create=True)[0] == 201
    whole = len(api("GET", PATH)[1]["items"])
    answers = []
    with injected(sandkube, "pread64", "error=EIO:when=20+701"):
        for _ in range(8):
            status, body = api("GET", PATH)
            answers.append((status, len(body["items"]) if status == 200 else whole))
    print(f"{sum(status == 500 for status, _ in answers)} of {len(answers)} lists broke off")
    assert {status for status, _ in answers} <= {200, 500}
    assert 500 in dict(answers), "no list broke off"
    assert {found for _, found in answers} == {whole}
    assert len(api("GET", PATH)[1]["items"]) == whole
