"""A real gVisor sandbox around commands: `runsc` with this machine's files, and users to run as.

The sandbox's first process is `cat`, with a pipe as its input that this process holds. When this process
ends, however that goes, `cat` reads the end of file and ends, and the sandbox with all that runs in it ends
with it. Commands are run beside it, by `runsc exec`, as a person would type them one after the other.

The root folder is the machine's own, without an overlay: what is written there is on the host's files. One
folder, `Sandbox.tmpfs`, is a file system of gVisor's own, and is gone with the sandbox. The network is the
machine's too, or gVisor's own with loopback alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Platform = Literal["systrap", "ptrace"]
Network = Literal["host", "none"]
Done = subprocess.CompletedProcess[str]

START_SECONDS = 30.0
# What a container engine gives root by default, as far as it is of use here.
CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)


class CannotRunError(Exception):
    """There is no `runsc`, or this machine does not let it run; the message says why."""


def find_runsc(environ: Mapping[str, str] = os.environ) -> Path:
    """`runsc` by SANDKUBE_RUNSC, on PATH, or where tools/install_runsc.py puts it. Raises CannotRunError."""
    if platform.system() != "Linux":
        raise CannotRunError("gVisor runs on Linux alone")
    if given := environ.get("SANDKUBE_RUNSC"):
        if not os.access(given, os.X_OK):
            raise CannotRunError(f"SANDKUBE_RUNSC names {given}, which is no program")
        return Path(given)
    if found := shutil.which("runsc", path=environ.get("PATH")):
        return Path(found)
    cache = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/nowhere")) / ".cache")
    installed = Path(environ.get("SANDKUBE_CACHE_DIR") or cache / "sandkube") / "runsc" / "runsc"
    if os.access(installed, os.X_OK):
        return installed
    raise CannotRunError("there is no `runsc`: python3 tools/install_runsc.py")


@dataclass
class Sandbox:
    """A sandbox that runs; made by :func:`running`. Calling it runs a command in it."""

    runsc: Path
    root: Path
    platform: Platform
    network: Network = "host"
    environ: dict[str, str] = field(default_factory=dict)
    user: int = 0
    id: str = "sandkube-test"

    @property
    def files(self) -> Path:
        """A folder on the host's files that every user can write to."""
        return self.root / "files"

    @property
    def tmpfs(self) -> Path:
        """A folder on a file system of gVisor's own."""
        return self.root / "tmpfs"

    def __call__(
        self,
        *command: str | Path,
        status: int | None = 0,
        environ: Mapping[str, str] | None = None,
        stdin: str = "",
        seconds: float = 90,
    ) -> Done:
        """Run a command and check its exit status. After ``seconds`` the whole sandbox is ended."""
        variables = [f"--env={key}={value}" for key, value in {**self.environ, **(environ or {})}.items()]
        user = f"--user={self.user}:{self.user}"
        line = [*self.base, "exec", user, f"--cwd={self.files}", *variables, self.id]
        # A process group of its own: Ctrl-C ends the tests, and they the sandbox.
        popen = subprocess.Popen(
            [*line, *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            out, err = popen.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            self.end()
            out, err = popen.communicate()
            raise AssertionError(f"{_shown(command)} took over {seconds} s\n{out}\n{err}") from None
        except BaseException:
            self.end()
            popen.communicate()
            raise
        done = subprocess.CompletedProcess(list(map(str, command)), popen.returncode, out, err)
        said = f"{_shown(command)} ended with {done.returncode}\n{out}\n{err}"
        assert status is None or done.returncode == status, said
        return done

    @property
    def base(self) -> list[str]:
        """`runsc` with the options that all its commands take here."""
        options = [f"--root={self.root / 'runsc'}", f"--platform={self.platform}"]
        if os.getuid() != 0:
            options.append("--rootless")
        return [
            str(self.runsc),
            *options,
            f"--network={self.network}",
            "--ignore-cgroups",
            "--overlay2=none",
        ]

    def is_running(self) -> bool:
        """Whether `runsc` says so."""
        done = subprocess.run([*self.base, "state", self.id], capture_output=True, text=True, check=False)
        return done.returncode == 0 and json.loads(done.stdout)["status"] == "running"

    def end(self) -> None:
        """End it with all that runs in it; more than once does no harm."""
        for words in (("kill", "--all", self.id, "KILL"), ("delete", "--force", self.id)):
            subprocess.run([*self.base, *words], capture_output=True, check=False, timeout=20)


@contextlib.contextmanager
def running(
    runsc: Path,
    *,
    user: int = 0,
    platform: Platform = "systrap",
    network: Network = "host",
    environ: Mapping[str, str] | None = None,
) -> Iterator[Sandbox]:
    """A sandbox whose commands run as ``user``; nothing of it is left afterwards, on the host either.

    Raises CannotRunError where `runsc` does not come up, with what it said.
    """
    root = Path(tempfile.mkdtemp(prefix="skg-"))  # short: sockets lie below it
    sandbox = Sandbox(runsc, root, platform, network, dict(environ or {}), user)
    try:
        _lay_out(sandbox)
        with _first_process(sandbox):
            yield sandbox
    finally:
        shutil.rmtree(root, ignore_errors=True)
        assert not root.exists(), f"{root} cannot be removed"


def _lay_out(sandbox: Sandbox) -> None:
    sandbox.root.chmod(0o755)
    for folder in (sandbox.files, sandbox.tmpfs):
        folder.mkdir()
        folder.chmod(0o1777)
    bundle = sandbox.root / "bundle"
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps(configuration(sandbox)), encoding="utf-8")


def configuration(sandbox: Sandbox) -> dict[str, Any]:
    """The OCI bundle's `config.json` (opencontainers/runtime-spec)."""
    capabilities = list(CAPABILITIES)
    kinds = ("bounding", "effective", "permitted")
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
        {"destination": str(sandbox.tmpfs), "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
    ]
    return {
        "ociVersion": "1.0.2",
        "root": {"path": "/", "readonly": False},
        "hostname": "sandbox",
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": ["cat"],
            "env": [f"PATH={os.environ.get('PATH', os.defpath)}"],
            "cwd": "/",
            "capabilities": dict.fromkeys(kinds, capabilities),
            "noNewPrivileges": True,
        },
        "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]},
    }


@contextlib.contextmanager
def _first_process(sandbox: Sandbox) -> Iterator[None]:
    """`runsc run`, from when the sandbox takes commands to when nothing of it is left.

    Its output is a pipe: into a file `runsc` writes from an offset of its own. What the sandbox's parts say
    goes there too, and no part must be left that holds it.
    """
    popen = subprocess.Popen(
        [*sandbox.base, "run", f"--bundle={sandbox.root / 'bundle'}", sandbox.id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not sandbox.is_running():
            if popen.poll() is not None:
                said = (popen.communicate()[0] or "nothing").strip()
                raise CannotRunError(f"`runsc` does not run here ({sandbox.platform}): {said}")
            if time.monotonic() > deadline:
                raise CannotRunError(f"`runsc` did not start within {START_SECONDS:.0f} s")
            time.sleep(0.02)
        yield
    finally:
        sandbox.end()
        try:
            popen.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(popen.pid, signal.SIGKILL)
            popen.communicate()


def _shown(command: Sequence[str | Path]) -> str:
    return " ".join(map(str, command))
