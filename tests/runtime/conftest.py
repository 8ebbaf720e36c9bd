"""Containers without a kubelet: a zygote, and what makes bundles for it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandkube.runtime import kernel, wire
from sandkube.runtime.places import BUNDLE, CONTROL, EXIT, FILES
from sandkube.runtime.wire import Wire

SECONDS = 20.0


@dataclass
class Held:
    """A container that was started."""

    folder: Path
    log: Path
    life: int | None = None

    def control(self) -> Wire:
        """A connection to its holder."""
        return wire.connect(str(self.folder / CONTROL), SECONDS)

    def ask(self, **message: Any) -> dict[str, Any]:
        """One question, and the answer."""
        connection = self.control()
        try:
            connection.send(message)
            answer = connection.receive()
        finally:
            connection.close()
        assert answer is not None
        return answer

    def execute(self, *arguments: str, given: bytes = b"") -> tuple[int, bytes, bytes]:
        """Run a command in it: exit status, what it printed on both streams."""
        inner_in, outer_in = os.pipe()
        outer_out, inner_out = os.pipe()
        outer_err, inner_err = os.pipe()
        connection = self.control()
        connection.send({"do": "exec", "arguments": arguments}, [inner_in, inner_out, inner_err])
        for file in (inner_in, inner_out, inner_err):
            os.close(file)
        with contextlib.suppress(BrokenPipeError), os.fdopen(outer_in, "wb") as stdin:
            stdin.write(given)
        with os.fdopen(outer_out, "rb") as out, os.fdopen(outer_err, "rb") as err:
            printed = out.read(), err.read()
        answers = [connection.receive()]
        if answers[0] is not None and "started" in answers[0]:
            answers.append(connection.receive())
        connection.close()
        last = answers[-1]
        assert last is not None, "the holder ended"
        return last.get("exit", last.get("code", -1)), *printed

    def wait(self, seconds: float = SECONDS) -> dict[str, Any]:
        """How it ended."""
        deadline = time.monotonic() + seconds
        while not (self.folder / EXIT).exists():
            assert time.monotonic() < deadline, "it did not end"
            time.sleep(0.01)
        found: dict[str, Any] = json.loads((self.folder / EXIT).read_text())
        return found

    def lines(self) -> list[str]:
        """Stream, tag and text of each line of the log."""
        return [line.partition(" ")[2] for line in self.log.read_text().splitlines()]

    def printed(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until the log has a text."""
        deadline = time.monotonic() + seconds
        while text not in (self.log.read_text() if self.log.exists() else ""):
            assert time.monotonic() < deadline, f"{text!r} was not printed"
            time.sleep(0.01)


@dataclass
class Containers:
    """Starts containers, one after the other."""

    folder: Path
    connection: Wire
    held: list[Held] = field(default_factory=list)

    def bundle(self, arguments: Sequence[str], **asked: Any) -> dict[str, Any]:
        """A bundle, with what was asked for in the place of what is usual."""
        plain = os.geteuid() != 0
        return {
            "arguments": list(arguments),
            "environment": {"PATH": os.environ["PATH"], "HOME": "/"},
            "folder": "/",
            "hostname": "pod",
            "files": "shadow" if plain else "overlay",
            "image": None,
            "mounts": [],
            "hidden": [],
            "read_only": False,
            "maps": [f"0 {os.geteuid()} 1", f"0 {os.getegid()} 1"] if plain else None,
            "own_pids": True,
            "log": str(self.folder / f"log-{len(self.held)}" / "0.log"),
            "tty": False,
            "stdin": False,
            "stdin_once": False,
            "user": None,
            "group": None,
            "groups": [],
            "capabilities": list(kernel.CAPABILITIES),
            "no_new_privileges": False,
            "limits": {},
            "memory": None,
            **asked,
        }

    def start(self, *arguments: str, life: int | None = None, **asked: Any) -> tuple[Held, Mapping[str, Any]]:
        """Start one; it, and what it reported."""
        bundle = self.bundle(arguments, **asked)
        folder = Path(tempfile.mkdtemp(prefix="container-", dir=self.folder))
        (folder / FILES).mkdir(parents=True)
        (folder / BUNDLE).write_text(json.dumps(bundle))
        reading, report = os.pipe()
        pipes = [report, *([life] if life is not None else [])]
        self.connection.send({"folder": str(folder), "files": len(pipes)}, pipes)
        os.close(report)
        ready, _, _ = select.select([reading], [], [], SECONDS)
        assert ready, "nothing was reported"
        with os.fdopen(reading, "rb") as file:
            line = file.readline()
        held = Held(folder, Path(bundle["log"]))
        reported = json.loads(line)
        if "started" in reported:
            self.held.append(held)
        return held, reported

    def run(self, *arguments: str, **asked: Any) -> tuple[dict[str, Any], list[str]]:
        """Run one to its end: how it ended, and the lines of its log."""
        held, reported = self.start(*arguments, **asked)
        assert "started" in reported, reported
        return held.wait(), held.lines()


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    """A zygote, and containers of it, which end with the test."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "sandkube.runtime.zygote", str(theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()]) as zygote:
        theirs.close()
        found = Containers(tmp_path, Wire(ours))
        yield found
        for held in found.held:
            if not (held.folder / EXIT).exists():
                try:
                    held.ask(do="kill")
                except OSError:
                    continue
                held.wait()
        found.connection.close()
        assert zygote.wait(SECONDS) == 0
