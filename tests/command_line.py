"""The command line as the tests of safety and faults use it: the real one, in a process of its own.

Each :class:`Sandkube` has a state folder and a home folder to itself, and an environment that holds nothing
of the person's own. Whatever is left running at the end is killed, found by the state folder in its command
line.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sandkube.plane.events import Event, EventReader
from sandkube.plane.folder import ClusterFolder
from sandkube.server import locate

T = TypeVar("T")

# A loaded machine with two cores may take many times what an idle one takes. Nothing is measured here.
PATIENCE = 90.0
NOBODY = 65534

Done = subprocess.CompletedProcess[str]


def until(condition: Callable[[], T], *, seconds: float = PATIENCE) -> T:
    """Ask ``condition`` again and again until its answer is true, and give that answer back."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"after {seconds} seconds it is still {answer!r}"
        time.sleep(0.002)
    return answer


@dataclass
class Sandkube:
    """Runs ``sandkube``, as in ``sandkube("up", status=2)``: checks the exit status, gives what was said.

    ``user`` is the user and group to run it as, where that is not the one who runs the tests.
    """

    root: Path
    server: Path
    python: Sequence[str] = (sys.executable,)
    user: int | None = None
    environ: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self.root / "state"
        self.home = self.root / "home"
        self.temporary = self.root / "t"
        for folder in (self.home, self.temporary):
            folder.mkdir(exist_ok=True)
            if self.user is not None:
                os.chown(folder, self.user, self.user)
        self.environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "SANDKUBE_STATE_DIR": str(self.state),
            "SANDKUBE_CACHE_DIR": str(self.root / "cache"),
            "SANDKUBE_SERVER": str(self.server),
            **self.environ,
        }

    @property
    def command(self) -> list[str]:
        """What calls sandkube."""
        return [*self.python, "-m", "sandkube"]

    def with_state(self, state: Path) -> Sandkube:
        """The same with another state folder."""
        self.state = state
        self.environ["SANDKUBE_STATE_DIR"] = str(state)
        return self

    def __call__(
        self,
        *arguments: str,
        status: int = 0,
        environ: Mapping[str, str | None] | None = None,
        stdin: str = "",
    ) -> Done:
        """Run it; in ``environ``, None takes a variable away. Never may it show a traceback."""
        return self.run([*self.command, *arguments], status=status, environ=environ, stdin=stdin)

    def run(
        self,
        command: Sequence[str],
        *,
        status: int | None = 0,
        environ: Mapping[str, str | None] | None = None,
        stdin: str = "",
    ) -> Done:
        """Run any command in this environment, as this user."""
        done = subprocess.run(
            command,
            env=self._environ(environ),
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=PATIENCE + 20,
            check=False,
            **self._as_user(),
        )
        said = f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, said
        assert "This is a fault in sandkube" not in done.stderr, said
        assert status is None or done.returncode == status, said
        return done

    def shell(self, script: str, *, status: int | None = 0, shell: str = "sh") -> Done:
        """Run a shell's script, in which `sandkube` is a function."""
        words = " ".join(f"'{word}'" for word in self.command)
        return self.run([shell, "-c", f'sandkube() {{ {words} "$@"; }}\n{script}'], status=status)

    def start(
        self, *arguments: str, environ: Mapping[str, str | None] | None = None
    ) -> subprocess.Popen[str]:
        """Start it as the leader of a process group of its own, as a shell does, and do not wait."""
        popen = subprocess.Popen(
            [*self.command, *arguments],
            env=self._environ(environ),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **self._as_user(),
        )
        self.started.append(popen)
        return popen

    def folder(self, name: str = "default") -> ClusterFolder:
        """Where the cluster's files are."""
        return ClusterFolder(self.state / "clusters" / name)

    def status(self, name: str = "default", *, status: int = 0) -> dict[str, Any]:
        """What `status -o json` says."""
        found: dict[str, Any] = json.loads(self("status", name, "-o", "json", status=status).stdout)
        return found

    def pid(self, name: str = "default") -> int:
        """The number of the server's process."""
        return int(self.status(name)["pid"])

    def events(self, name: str = "default") -> list[Event]:
        """Every event so far."""
        return EventReader(self.folder(name).events).new()

    def servers(self) -> list[int]:
        """The processes that serve clusters of this state folder, or keep their nodes, and live.

        It does not matter what is written down of them.
        """
        return _servers_of(self.state)

    def kill(self, name: str = "default") -> int:
        """`kill -9` the server, and wait until it is gone; its number."""
        pid = self.pid(name)
        kill(pid)
        return pid

    def api(
        self, name: str = "default", *, client: ClusterFolder | None = None, port: int | None = None
    ) -> Api:
        """A client of the cluster's API server, as its administrator, or as that of ``client``."""
        folder = self.folder(name)
        port = port or int(json.loads(folder.spec.read_text())["last_port"])
        return Api(port, folder.pki / "ca.crt", (client or folder).pki)

    def clean(self) -> None:
        """Kill what is left, without asking sandkube: it is what is being tested."""
        for popen in self.started:
            if popen.poll() is None:
                os.killpg(popen.pid, signal.SIGKILL)
            popen.communicate()
        for pid in self.servers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self.servers())

    def _environ(self, changes: Mapping[str, str | None] | None) -> dict[str, str]:
        return {key: value for key, value in {**self.environ, **(changes or {})}.items() if value is not None}

    def _as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}


def kill(pid: int) -> None:
    """`kill -9`, and wait until the last thread of the process is gone."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: _has_ended(Path(f"/proc/{pid}")))


def _has_ended(entry: Path) -> bool:
    try:
        return _is_zombie(entry)
    except (FileNotFoundError, ProcessLookupError):
        return True


def _servers_of(state: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes()
            serves = b"\0run\0" in line or b".k3s.serve" in line or b"sandkube.node.keeper" in line
            if serves and os.fsencode(f"--config={state}/") in line and not _is_zombie(entry):
                found.append(int(entry.name))
    return found


def _is_zombie(entry: Path) -> bool:
    return (entry / "stat").read_bytes().rpartition(b") ")[2].startswith(b"Z")


class Api:
    """Asks an API server over HTTPS; ``pki`` holds the client's certificate, None for none."""

    def __init__(
        self, port: int, authority: Path, pki: Path | None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._port = port
        self._headers = {**(headers or {}), "Content-Type": "application/json"}
        self._context = ssl.create_default_context(cafile=authority)
        if pki is not None:
            self._context.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the body, decoded where it is JSON."""
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, context=self._context, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), self._headers)
            answer = connection.getresponse()
            data = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, json.loads(data) if is_json else data

    def put_config_map(self, name: str, value: str, *, create: bool) -> tuple[int, Any]:
        """Create or replace a ConfigMap in `default` that holds ``value``."""
        body = {"metadata": {"name": name}, "data": {"value": value}}
        path = "/api/v1/namespaces/default/configmaps"
        return self("POST", path, body) if create else self("PUT", f"{path}/{name}", body)

    def config_maps(self) -> tuple[int, dict[str, tuple[str, int]]]:
        """The list's resourceVersion, and value and resourceVersion of each ConfigMap that tests made."""
        status, found = self("GET", "/api/v1/namespaces/default/configmaps")
        assert status == 200, found
        return int(found["metadata"]["resourceVersion"]), {
            one["metadata"]["name"]: (one["data"]["value"], int(one["metadata"]["resourceVersion"]))
            for one in found["items"]
            if "value" in one["data"]
        }


@contextlib.contextmanager
def fresh(root: Path, **settings: Any) -> Iterator[Sandkube]:
    """A sandkube of its own below ``root``, and nothing left of it afterwards."""
    made = Sandkube(root, locate(os.environ).binary, **settings)
    try:
        yield made
    finally:
        made.clean()


@pytest.fixture
def sandkube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandkube]:
    """A sandkube of the test's own. The path is short: sockets lie in it."""
    with fresh(tmp_path_factory.mktemp("s")) as made:
        yield made


@contextlib.contextmanager
def public_folder(owner: int) -> Iterator[Path]:
    """A folder of ``owner``'s that they can reach, which pytest's own are not."""
    path = Path(tempfile.mkdtemp(prefix="sk-"))
    try:
        os.chown(path, owner, owner)
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
def as_nobody() -> Iterator[Sandkube]:
    """A sandkube that another user runs, who has no rights but their own. Only root may become that user."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    with public_folder(NOBODY) as root:
        python, path = python_of_all()
        with fresh(root, python=python, user=NOBODY, environ={"PYTHONPATH": path}) as made:
            made.server = reachable(made.server, root)
            made.environ["SANDKUBE_SERVER"] = str(made.server)
            yield made


def python_of_all() -> tuple[list[str], str]:
    """A Python that every user can run, and the PYTHONPATH for it to find what this one finds.

    It is this one, or the system's of its version.
    """
    own = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    installed = [entry for entry in sys.path if "site-packages" in entry or not entry.startswith(own)]
    path = os.pathsep.join(entry for entry in installed if entry and not entry.endswith(".zip"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}"):
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [candidate, "-c", "import sandkube.cluster.start, sandkube.plane.issuing, filelock, click"],
                env={"PYTHONPATH": path},
                cwd="/",
                capture_output=True,
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                check=False,
            )
            if done.returncode == 0:
                return [candidate], path
    return pytest.skip(f"needs a {version} and a checkout that other users can read")


def reachable(server: Path, root: Path) -> Path:
    """The server where all users can run it: where it is, or copied to ``root`` with its template."""
    if all(parent.stat().st_mode & 0o001 for parent in server.resolve().parents):
        return server
    for source in (server.resolve(), server.resolve().with_name("template.db")):
        if source.exists():
            shutil.copy(source, root / source.name)
            (root / source.name).chmod(0o755)
    return root / server.resolve().name
