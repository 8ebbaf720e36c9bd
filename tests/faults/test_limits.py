"""Too little of something while clients write: disk, files, rights, the data folder itself."""

from __future__ import annotations

import contextlib
import errno
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Api, Sandkube, kill, until
from faults.loading import COMPACTING, SEED, UNCACHED, alive, compactions, judged, load, progress


@contextlib.contextmanager
def small_disk(sandkube: Sandkube, size: str) -> Iterator[Path]:
    """Have sandkube run where its state folder is a disk of that size; the disk, as seen from here."""
    sandkube.state.mkdir(mode=0o700)
    script = (
        f'mount -t tmpfs -o size={size},mode=0700 none "{sandkube.state}" && echo mounted && exec sleep 1000'
    )
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline() != "mounted\n":
                pytest.skip("needs root and `unshare -m`, to mount a file system")
            sandkube.python = ["nsenter", "-t", str(holder.pid), "-m", sys.executable]
            yield Path(f"/proc/{holder.pid}/root{sandkube.state}")
        finally:
            for pid in sandkube.servers():
                kill(pid)
            holder.kill()


def api_on(disk: Path, sandkube: Sandkube) -> Api:
    """The cluster's administrator, whose certificate lies on that disk."""
    pki = disk / "clusters" / "default" / "pki"
    return Api(int(sandkube.status()["port"]), pki / "ca.crt", pki)


def fill(disk: Path) -> Path:
    """Take all the space there is, to the last byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for block in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * block)
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017
    return ballast


@pytest.mark.parametrize("compacting", [False, True], ids=["quiet", "compacting"])
def test_no_space_and_space_again(sandkube: Sandkube, compacting: bool) -> None:  # noqa: FBT001
    """Writes are refused and nothing is lost; no revision is used up by what was refused.

    kine ends the process where a compaction finds no space when it is committed; ours goes on.
    """
    with small_disk(sandkube, "48m") as disk:
        sandkube("up", UNCACHED, *([COMPACTING] if compacting else []))
        pid = sandkube.pid()
        with load(api_on(disk, sandkube), seed=20, size=20_000, keys=400) as recorder:
            ballast = fill(disk)
            before, full = recorder.unknown, time.monotonic()
            until(lambda: recorder.unknown > before + 20 or not alive(pid))
            if compacting:
                until(lambda: time.monotonic() > full + 3 or not alive(pid))
            assert alive(pid), "the server ended on the full disk"
            ballast.unlink()
            space = time.monotonic()
            progress(recorder, 50)
            if compacting:
                log = disk / "clusters" / "default" / "server.log"
                seen = compactions(log)
                until(lambda: compactions(log) > seen)
            recorder.stop()
            if not compacting:
                recorder.again()
        history = judged(recorder, since=space)
        assert alive(pid)
    unknown = sum(write.outcome == "unknown" for write in history.writes)
    done = sum(write.outcome == "done" for write in history.writes)
    last = history.last
    assert last is not None
    used = last.version - recorder.start
    print(f"{used} revisions were used for {done} writes; {unknown} were refused")
    if not compacting:
        # Leases and events of the server's own are among them.
        assert used < done + unknown / 2 + 100


def test_just_enough_files(sandkube: Sandkube) -> None:
    """With the least that is taken for enough it serves a load."""
    sandkube.shell(f"ulimit -n 256 && sandkube up '{UNCACHED}'")
    with load(sandkube.api(), seed=21, clients=8, watchers=8) as recorder:
        progress(recorder, 200)
        recorder.stop()
        recorder.again()
    judged(recorder)


def test_the_database_folder_is_removed(sandkube: Sandkube) -> None:
    """What was in it is gone. The server goes on with the open file or ends; `down` and `up` begin anew."""
    sandkube("up", UNCACHED)
    print(f"SANDKUBE_SEED={SEED}")
    api = sandkube.api()
    with load(api, seed=22) as recorder:
        shutil.rmtree(sandkube.folder().database.parent)
        before = recorder.tried
        until(lambda: recorder.tried > before + 50 or not sandkube.servers())
        print("it goes on" if sandkube.servers() else "it ended")
    sandkube("down")
    assert sandkube.servers() == []
    sandkube("up")
    assert sandkube.api()("GET", "/readyz") == (200, "ok")
    assert not [name for name in sandkube.api().config_maps()[1] if name.startswith("load-")]


def test_the_database_folder_becomes_read_only(as_nobody: Sandkube) -> None:
    """The files are open: the server serves on. It cannot be started there, and says which file it is."""
    as_nobody("up", UNCACHED)
    folder = as_nobody.folder().database.parent
    with load(as_nobody.api(), seed=23) as recorder:
        folder.chmod(0o500)
        try:
            progress(recorder, 100)
            as_nobody.kill()
            done = as_nobody("up", status=2)
            assert "permission denied" in done.stderr.lower() or "read-only" in done.stderr.lower(), (
                done.stderr
            )
            assert str(folder) in done.stderr
        finally:
            folder.chmod(0o700)
        as_nobody("up")
        progress(recorder, 50)
        recorder.stop()
        recorder.again()
    judged(recorder)
