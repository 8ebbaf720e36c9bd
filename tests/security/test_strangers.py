"""Another user of the same machine, and what they try: at rest, at the start, on the port, in its name.

The cluster lies where that user can reach its folder, and is started under a umask that closes nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from command_line import NOBODY, Sandkube, fresh, public_folder, python_of_all, until
from self_signed import self_signed

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, which is Linux's"),
    pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user"),
]

# Tries again and again to open, list or connect to what has a name that can be known, and to ask the API
# server, until its standard input ends. Says what it got.
LURK = """
    import http.client, json, os, socket, ssl, sys, threading, time
    port, paths = int(sys.argv[1]), sys.argv[2:]
    got, codes, rounds, over = set(), set(), 0, threading.Event()
    def ask():
        while not over.is_set():
            context = ssl._create_unverified_context()
            for path in ("/api/v1/namespaces/kube-system/secrets", "/api", "/debug/pprof/heap"):
                try:
                    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=1)
                    connection.request("GET", path)
                    codes.add(connection.getresponse().status)
                    connection.close()
                except OSError:
                    pass
            time.sleep(0.005)
    def look():
        global rounds
        while not over.is_set():
            for path in paths:
                try:
                    os.close(os.open(path, os.O_RDONLY))
                    got.add(path)
                except OSError:
                    pass
                with socket.socket(socket.AF_UNIX) as client:
                    try:
                        client.connect(path)
                        got.add(path)
                    except OSError:
                        pass
            rounds += 1
            time.sleep(0.001)
    threads = [threading.Thread(target=ask), threading.Thread(target=look)]
    [thread.start() for thread in threads]
    print("lurking", flush=True)
    sys.stdin.read()
    over.set()
    [thread.join() for thread in threads]
    print(json.dumps({"got": sorted(got), "codes": sorted(codes), "rounds": rounds}))
"""


@dataclass(frozen=True, slots=True)
class Exposed:
    """A cluster that runs, and what a stranger got while it was started."""

    sandkube: Sandkube
    port: int
    lurked: dict[str, Any]


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a Python script as the other user."""
    (python,), _ = python_of_all()
    return subprocess.Popen(
        [python, "-c", textwrap.dedent(script), *arguments],
        env={"LANG": "C.UTF-8"},
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )


def run(script: str, *arguments: str) -> list[str]:
    """Run a Python script as the other user to its end; the lines that it printed."""
    with start(script, *arguments) as popen:
        said, _ = popen.communicate(timeout=60)
    assert popen.returncode == 0, said
    return said.splitlines()


def knowable(sandkube: Sandkube) -> list[str]:
    """What lies in a cluster's folder under a name that anybody knows."""
    folder = sandkube.folder()
    names = [name for name in dir(folder) if not name.startswith("_")]
    paths = [found for name in names if isinstance(found := getattr(folder, name), Path)]
    pairs = ("ca", "admin", "apiserver", "sa", "controller-manager", "front-proxy-ca")
    keys = [folder.pki / f"{name}.key" for name in pairs]
    database = [Path(f"{folder.database}{end}") for end in ("-wal", "-shm", ".new")]
    return [str(path) for path in [*paths, *keys, *database, folder.database.parent / "kine.sock"]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def exposed() -> Iterator[Exposed]:
    with public_folder(os.getuid()) as root:
        root.chmod(0o755)
        with fresh(root) as made:
            port = free_port()
            lurker = start(LURK, str(port), *knowable(made))
            assert lurker.stdout
            assert lurker.stdout.readline() == "lurking\n"
            try:
                made.shell(f"umask 000; sandkube up --durability=fast --port={port}")
            finally:
                said, _ = lurker.communicate(timeout=60)
            yield Exposed(made, port, json.loads(said))


def test_while_it_is_started_nothing_is_open_for_a_moment(exposed: Exposed) -> None:
    assert exposed.lurked["rounds"] > 10
    assert exposed.lurked["got"] == []
    assert exposed.lurked["codes"] == [401]


def test_no_file_can_be_opened(exposed: Exposed) -> None:
    root = exposed.sandkube.root
    paths = [exposed.sandkube.state, *exposed.sandkube.state.rglob("*")]
    assert len(paths) > 30
    (root / "open").touch()
    (root / "open").chmod(0o644)  # whatever the umask is
    script = """
        import os, sys
        for path in sys.argv[1:]:
            try:
                os.close(os.open(path, os.O_RDONLY))
                print(path)
            except PermissionError:
                pass
    """
    # The last is what the test relies on: another file of ours is opened.
    assert run(script, *map(str, paths), str(root / "open")) == [str(root / "open")]


def test_the_datastore_cannot_be_asked(exposed: Exposed) -> None:
    path = exposed.sandkube.folder().database.parent / "kine.sock"
    assert path.is_socket()
    script = """
        import socket, sys
        try:
            socket.socket(socket.AF_UNIX).connect(sys.argv[1])
        except OSError as error:
            print(type(error).__name__)
    """
    assert run(script, str(path)) == ["PermissionError"]


def test_the_process_cannot_be_looked_into_nor_signalled(exposed: Exposed) -> None:
    script = """
        import ctypes, os, signal, sys
        pid = int(sys.argv[1])
        for name in ("environ", "mem", "fd", "cwd/server.json", "root/etc", "map_files", "auxv"):
            try:
                path = f"/proc/{pid}/{name}"
                os.listdir(path) if name in ("fd", "map_files", "root/etc") else os.open(path, os.O_RDONLY)
                print(name)
            except PermissionError:
                pass
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL):
            try:
                os.kill(pid, number)
                print(number)
            except PermissionError:
                pass
        PTRACE_ATTACH = 16
        print("attached" if ctypes.CDLL(None).ptrace(PTRACE_ATTACH, pid, None, None) == 0 else "refused")
    """
    assert run(script, str(exposed.sandkube.pid())) == ["refused"]


def test_the_port_cannot_be_taken_beside_it(exposed: Exposed) -> None:
    script = """
        import socket, sys
        for host in ("127.0.0.1", "0.0.0.0"):
            for option in (None, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
                with socket.socket() as taken:
                    if option is not None:
                        taken.setsockopt(socket.SOL_SOCKET, option, 1)
                    try:
                        taken.bind((host, int(sys.argv[1])))
                        taken.listen()
                        print(host, option)
                    except OSError:
                        pass
    """
    assert run(script, str(exposed.port)) == []


# Serves TLS with a certificate of its own for 127.0.0.1, and says what it is sent once the handshake is over.
SQUAT = """
    import socket, ssl, sys
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
        print("serving", flush=True)
        while True:
            connection, _ = server.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as tls:
                    print("sent", tls.recv(65536)[:40], flush=True)
            except OSError as error:
                print("refused", error.reason if isinstance(error, ssl.SSLError) else error, flush=True)
"""


def test_a_server_of_theirs_on_the_port_is_not_believed(exposed: Exposed) -> None:
    """Neither is it told anything: clients end the handshake when they see whom they talk to."""
    mine = exposed.sandkube
    mine("down")
    pem = mine.root / "theirs.pem"
    pem.write_bytes(b"".join(self_signed("sandkube-ca")))  # of a CA that has the name of ours
    pem.chmod(0o644)
    squatter = start(SQUAT, str(exposed.port), str(pem))
    try:
        assert squatter.stdout
        assert squatter.stdout.readline() == "serving\n"
        said = mine("kubectl", "get", "namespaces", "--request-timeout=10s", status=1).stderr
        assert "certificate signed by unknown authority" in said
        assert mine("helm", "list", status=1).stderr
        assert mine.status(status=1)["state"] == "stopped"
        assert f"Port {exposed.port} on 127.0.0.1 is taken" in mine("up", status=2).stderr
    finally:
        squatter.kill()
        heard, _ = squatter.communicate()
    assert "refused" in heard
    assert "sent" not in heard
    mine("up")


def test_a_process_of_theirs_with_the_servers_number_is_not_taken_for_it(exposed: Exposed) -> None:
    """A number is given anew, and any process can call itself `sandkube-server run --config=…`."""
    mine = exposed.sandkube
    mine.kill()
    impostor = start("import sys; sys.stdin.read()", "run", f"--config={mine.folder().server_config}")
    try:
        events = [json.loads(line) for line in mine.folder().events.read_text().splitlines()]
        begins = [event for event in events if event["event"] == "starting"][-1]
        begins["pid"] = impostor.pid  # in the place of waiting until the number comes round
        mine.folder().events.write_text("".join(f"{json.dumps(event)}\n" for event in events))
        mine.folder().run.unlink()
        until(lambda: "--config" in Path(f"/proc/{impostor.pid}/cmdline").read_text())
        assert mine.status(status=1)["pid"] is None
        mine("up")
        assert mine.pid() != impostor.pid
        assert impostor.poll() is None
    finally:
        impostor.kill()
        impostor.communicate()


@contextlib.contextmanager
def folder_for_all() -> Iterator[Path]:
    """A folder like /tmp."""
    with public_folder(os.getuid()) as root:
        root.chmod(0o1777)
        yield root


@pytest.mark.parametrize("how", ["a folder", "a link to a folder of theirs", "a link to a folder of ours"])
@pytest.mark.parametrize(
    ("variable", "command"),
    [("SANDKUBE_STATE_DIR", ("up", "--dry-run")), ("SANDKUBE_CACHE_DIR", ("server", "list"))],
)
def test_a_place_in_a_folder_for_all_that_they_took_first_is_refused(
    sandkube: Sandkube, how: str, variable: str, command: tuple[str, ...]
) -> None:
    with folder_for_all() as root:
        place, target = root / "place", root / "target"
        script = "import os, sys; os.symlink(*sys.argv[1:]) if len(sys.argv) > 2 else os.mkdir(sys.argv[1])"
        if how == "a folder":
            run(script, str(place))
        else:
            target.mkdir(mode=0o700) if how.endswith("ours") else run(script, str(target))
            run(script, str(target), str(place))
        done = sandkube(*command, status=2, environ={variable: str(place / "below")})
        assert f"{place} belongs to the user with the number {NOBODY}" in done.stderr
        assert not any(place.iterdir())
        assert not sandkube.state.exists()


def test_a_template_that_they_put_beside_the_server_is_not_used(sandkube: Sandkube) -> None:
    """A cluster would begin with their objects in it."""
    with folder_for_all() as root:
        server = root / "sandkube-server"
        server.write_text("#!/bin/sh\n")
        server.chmod(0o755)
        (root / "template.db").touch()

        def told() -> Any:
            return sandkube("up", "--dry-run", environ={"SANDKUBE_SERVER": str(server)}).stdout

        assert f"{root}/template.db" in told()
        (root / "template.db").unlink()
        run("import sys; open(sys.argv[1], 'w').close()", str(root / "template.db"))
        assert "template.db" not in told()
