"""Getting at an API server: with a kubeconfig of ours, or through `kubectl proxy` with any of the user's."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sandkube.errors import ApiFailed, StateCorrupt
from sandkube.kube.client import Client

_PROXY_SECONDS = 15.0
# Standard input is a pipe that we hold: when it ends, we are gone.
_AS_LONG_AS_WE = """
exec 3<&0
"$@" 3<&- &
child=$!
{ cat <&3; kill "$child"; } > /dev/null 2>&1 &
wait "$child"
"""


def client_of(kubeconfig: Path) -> Client:
    """A client with the current context of a kubeconfig that :mod:`sandkube.kubeconfig` rendered.

    StateCorrupt where the file is no such one.
    """
    try:
        document: Any = yaml.load(kubeconfig.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        cluster = document["clusters"][0]["cluster"]
        user = document["users"][0]["user"]
        server = str(cluster["server"])
        authority, certificate, key = (
            base64.b64decode(part).decode()
            for part in (
                cluster["certificate-authority-data"],
                user["client-certificate-data"],
                user["client-key-data"],
            )
        )
    except (OSError, ValueError, KeyError, IndexError, TypeError, yaml.YAMLError) as error:
        raise StateCorrupt(f"`{kubeconfig}` cannot be understood: {error}") from error
    context = ssl.create_default_context(cadata=authority)
    # OpenSSL loads a pair from files alone
    with tempfile.NamedTemporaryFile("w", prefix="sandkube-") as pair:
        pair.write(certificate + "\n" + key)
        pair.flush()
        context.load_cert_chain(pair.name)
    return Client(server, context=context)


@contextlib.contextmanager
def through_kubectl(kubectl: Path, context: str | None, environ: Mapping[str, str]) -> Iterator[Client]:
    """A client with a context of the user's own kubeconfig, whatever it takes to log in.

    kubectl's proxy listens on a unix socket in a folder that is only ours. It is gone at the end, and also
    when this process is killed. ApiFailed with what kubectl says where it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="sandkube-") as folder:
        path = Path(folder) / "proxy"
        line = ["/bin/sh", "-c", _AS_LONG_AS_WE, "sh", str(kubectl), "proxy", f"--unix-socket={path}"]
        if context:
            line.append(f"--context={context}")
        process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(environ)
        )
        try:
            _await(process, path)
            with Client("http://localhost", socket=str(path)) as client:
                yield client
        finally:
            process.communicate()  # which closes its standard input


def _await(process: subprocess.Popen[bytes], path: Path) -> None:
    deadline = time.monotonic() + _PROXY_SECONDS
    while not _answers(path):
        if process.poll() is not None:
            said = (process.stderr.read() if process.stderr else b"").decode("utf-8", "replace").strip()
            raise ApiFailed("`kubectl proxy` ended.", tail=said)
        if time.monotonic() > deadline:
            raise ApiFailed(f"`kubectl proxy` was not there after {_PROXY_SECONDS:.0f} s.")
        time.sleep(0.02)  # a socket that is not there yet cannot be awaited


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True
