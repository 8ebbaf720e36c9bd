"""A stand-in for k3s: no k3s can be had where this is built, so tests run against this and call it so.

It takes k3s' command line, environment and log lines as its source has them (docs/original-note.md), and lays
out its files; behind them serves our own server. What no stand-in can show is marked `k3s` in the tests.

``python standin_k3s.py --server=BINARY [--stand-in=BEHAVIOUR] -- server --flag=value …``

fatal-without-plugin   ends where the plugin is missing, as v1.34.3 and later do; otherwise it waits for ever
dies                   ends with a fatal line and status 1
shuts-down             ends as it does when a component fails: with status 0
never-ready            starts, and that is all
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import ctypes
import datetime as dt
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sandkube.config import ClusterSpec, Durability
from sandkube.distributions import Address, Plan, Programs, embedded
from sandkube.plane import datastore_socket, pki
from sandkube.plane.events import EventReader
from sandkube.plane.files import write_json, write_private
from sandkube.plane.folder import ClusterFolder
from sandkube.server import Server

VERSION = "v1.37.1+k3s1"
_SYNCHRONOUS: dict[str, Durability] = {"OFF": "fast", "NORMAL": "normal", "FULL": "full"}


class RefusedError(Exception):
    """What k3s says as a fatal line."""


def log(level: str, text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    print(f'time="{_now()}" level={level} msg="{quoted}"', file=sys.stderr, flush=True)


def _now() -> str:
    return dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(arguments: list[str]) -> argparse.Namespace:
    """The flags of `k3s server` that a control plane alone may be given; another one is refused."""
    parser = argparse.ArgumentParser(prog="k3s server", allow_abbrev=False, exit_on_error=False)
    for name in ("disable-agent", "rootless", "disable-cloud-controller", "disable-network-policy"):
        parser.add_argument(f"--{name}", action="store_true")
    for name in ("disable-kube-proxy", "disable-helm-controller", "debug", "secrets-encryption"):
        parser.add_argument(f"--{name}", action="store_true")
    for name in ("data-dir", "write-kubeconfig", "write-kubeconfig-mode", "node-ip", "node-name"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--bind-address", default="0.0.0.0")
    parser.add_argument("--https-listen-port", type=int, default=6443)
    parser.add_argument("--flannel-backend", default="vxlan")
    parser.add_argument("--egress-selector-mode", default="agent")
    parser.add_argument("--service-cidr", default="10.43.0.0/16")
    parser.add_argument("--datastore-endpoint", default="")
    for name in ("disable", "kube-apiserver-arg", "kube-controller-manager-arg", "kube-scheduler-arg"):
        parser.add_argument(f"--{name}", action="append", default=[])
    found, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise RefusedError(f"flag provided but not defined: {unknown[0].partition('=')[0]}")
    return found


class StandIn:
    """One run of `k3s server`."""

    def __init__(self, flags: argparse.Namespace, server: Path, behaviour: str) -> None:
        self.flags = flags
        self.behaviour = behaviour
        self.binary = server
        self.root = Path(flags.data_dir)
        self.server = self.root / "server"
        self.port: int = flags.https_listen_port

    def run(self) -> int:
        self._check()
        self._unpack()
        log("info", f"Starting k3s {VERSION} (stand-in)")
        for name in ("cred", "tls", "db", "manifests", "static"):
            (self.server / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.root / "agent").mkdir(mode=0o700, exist_ok=True)
        if self.behaviour == "dies":
            raise RefusedError("Error: preparing server: the stand-in was told to")
        if self.behaviour == "shuts-down":
            log("error", 'Shutdown request received: "scheduler exited: the stand-in was told to"')
            return 0
        self._bootstrap_agent()
        if self.behaviour == "never-ready":
            signal.pause()
        with self._other_ports():
            return self._serve()

    def _check(self) -> None:
        if not self.flags.disable_agent:
            raise RefusedError("the stand-in has no agent: give --disable-agent")
        if self.flags.egress_selector_mode in ("agent", "disabled"):
            log("warning", "Webhooks and apiserver aggregation may not function properly without an agent")
        if os.environ.get("K3S_URL") or os.environ.get("K3S_TOKEN"):
            raise RefusedError("the stand-in joins no other server")
        config = Path(os.environ.get("K3S_CONFIG_FILE", "/etc/rancher/k3s/config.yaml"))
        if not config.exists() or config.read_text().strip() != "{}":
            raise RefusedError(f"the stand-in reads an empty configuration and no other, and not {config}")
        if not self.flags.rootless:
            raise RefusedError("the stand-in does not write to /etc/rancher: give --rootless")

    def _unpack(self) -> None:
        """The official binary unpacks itself once; its second step is told where."""
        place = Path(os.environ.get("K3S_DATA_DIR", self.root)) / "data" / "stand-in" / "bin"
        if not place.exists():
            log("info", f"Preparing data dir {place.parent}")
            place.mkdir(parents=True)

    def _bootstrap_agent(self) -> None:
        """Look for the plugin, as k3s does with the agent disabled, before anything is served."""
        password = self.root / "agent/etc/rancher/node/password"
        password.parent.mkdir(parents=True, exist_ok=True)
        password.write_text(secrets.token_hex(16))
        while self.flags.flannel_backend != "none" and shutil.which("host-local") is None:
            missing = 'failed to find host-local: exec: "host-local": executable file not found in $PATH'
            if self.behaviour == "fatal-without-plugin":
                raise RefusedError(f"Error: {missing}")
            log("info", f"Waiting to retrieve agent configuration; server is not ready: {missing}")
            time.sleep(1)

    @contextlib.contextmanager
    def _other_ports(self) -> Iterator[None]:
        """The ports of the API server itself, the controller manager and the scheduler: taken, or refused."""
        wanted = {"kube-apiserver": self.port + 1, "kube-controller-manager": 10257, "kube-scheduler": 10259}
        given = {
            "kube-controller-manager": self.flags.kube_controller_manager_arg,
            "kube-scheduler": self.flags.kube_scheduler_arg,
        }
        with contextlib.ExitStack() as held:
            for component, port in wanted.items():
                ports = [
                    a.partition("=")[2] for a in given.get(component, []) if a.startswith("secure-port=")
                ]
                log("info", f"Running {component} --secure-port={ports[-1] if ports else port}")
                listener = held.enter_context(socket.socket())
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    listener.bind(("127.0.0.1", int(ports[-1]) if ports else port))
                    listener.listen()
                except OSError as error:
                    raise RefusedError(
                        f"Error: {component} exited: failed to create listener: {error}"
                    ) from error
            yield

    def _serve(self) -> int:
        plan = self._plan()
        plan.folder.create()
        embedded.prepare(plan, lambda _: None, lambda _: None)
        document = embedded.configuration(plan, {"address": f"{self.flags.bind_address}:{self.port}"})
        document["datastore"]["path"] = str(self.server / "db" / "state.db")
        document["datastore"]["socket"] = str(plan.socket)
        write_json(plan.folder.server_config, document)
        self._write_files(plan)
        plan.folder.events.unlink(missing_ok=True)
        child = self._start(plan)
        stopped = threading.Event()

        def stop(*_: object) -> None:
            if stopped.is_set():
                log("error", "Second shutdown signal received, exiting...")
                os._exit(1)
            stopped.set()
            child.terminate()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)  # as Go does, also where it was ignored before
        threading.Thread(target=self._tell, args=(plan.folder,), daemon=True).start()
        status = child.wait()
        if stopped.is_set():
            return 0
        log("error", f'Shutdown request received: "apiserver exited: status {status}"')
        return 0

    def _start(self, plan: Plan) -> subprocess.Popen[bytes]:
        """Our server, which ends with this process, as the parts of one process do."""
        prctl = ctypes.CDLL(None).prctl
        return subprocess.Popen(
            [self.binary, "run", f"--config={plan.folder.server_config}"],
            env={key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "TMPDIR")},
            preexec_fn=lambda: prctl(1, signal.SIGKILL, 0, 0, 0),  # noqa: PLW1509 -- no thread yet
        )

    def _plan(self) -> Plan:
        folder = ClusterFolder(self.server / "stand-in")
        synchronous = self.flags.datastore_endpoint.partition("_synchronous=")[2].partition("&")[0]
        spec = ClusterSpec(
            "stand-in",
            durability=_SYNCHRONOUS.get(synchronous, "normal"),
            api_server_args=(
                f"--service-cluster-ip-range={self.flags.service_cidr}",
                *(f"--{argument}" for argument in self.flags.kube_apiserver_arg),
            ),
            controller_manager_args=_without_port(self.flags.kube_controller_manager_arg),
            scheduler_args=_without_port(self.flags.kube_scheduler_arg),
            encrypt_secrets=self._encrypted(),
        )
        template = self.binary.with_name("template.db")
        server = Server(self.binary, template if template.exists() else None, "the tests")
        advertise = self.flags.node_ip if self.flags.node_ip != "127.0.0.1" else None
        place = datastore_socket.place(folder)
        return Plan(spec, folder, Address(self.port, advertise), Programs.of(server), place)

    def _encrypted(self) -> bool:
        """k3s reads what it once encrypted only with the flag."""
        once = self.server / "cred" / "encryption-config.json"
        if self.flags.secrets_encryption:
            once.write_text("{}")
        elif once.exists():
            raise RefusedError("the stand-in has encrypted Secrets: give --secrets-encryption")
        return bool(self.flags.secrets_encryption)

    def _write_files(self, plan: Plan) -> None:
        """What k3s leaves behind: tokens, certificates, kubeconfigs, and a link in the home folder."""
        write_private(self.server / "token", f"K10{secrets.token_hex(32)}::server:{secrets.token_hex(16)}\n")
        for name, link in (("server-ca", pki.CA), ("client-ca", pki.CA), ("client-admin", pki.ADMIN)):
            shutil.copy(pki.certificate(plan.folder.pki, link), self.server / "tls" / f"{name}.crt")
        for name in ("admin", "controller", "scheduler", "supervisor"):
            path = self.server / "cred" / f"{name}.kubeconfig"
            if not path.exists():  # k3s writes them once, with the port of that time
                write_private(path, f"clusters:\n- cluster:\n    server: https://127.0.0.1:{self.port + 1}\n")
            elif f":{self.port + 1}\n" not in path.read_text():
                raise RefusedError(f"Error: {name} exited: its kubeconfig names another port")
        written = Path(self.flags.write_kubeconfig)
        with written.open("w") as file:  # in place, as client-go does: a reader may meet a part of it
            written.chmod(int(self.flags.write_kubeconfig_mode or "600", 8))
            for line in _kubeconfig(plan).splitlines(keepends=True):
                file.write(line)
                file.flush()
        default = Path(os.environ["HOME"]) / ".kube" / "k3s.yaml"
        default.parent.mkdir(parents=True, exist_ok=True)
        default.unlink(missing_ok=True)
        default.symlink_to(written)
        log("info", f"Wrote kubeconfig {written}")

    def _tell(self, folder: ClusterFolder) -> None:
        """Say what k3s says when the API server answers; its controllers may have hardly begun."""
        said = {"datastore": "ETCD server is now running", "api-server": "Kube API server is now running"}
        reader = EventReader(folder.events)
        while True:
            for event in reader.new():
                if event.event == "ready" and event.component in said:
                    log("info", said[event.component])
                    if event.component == "api-server":
                        log("info", "k3s is up and running")
                        return
            time.sleep(0.01)


def _without_port(arguments: list[str]) -> tuple[str, ...]:
    return tuple(f"--{argument}" for argument in arguments if not argument.startswith("secure-port="))


def _kubeconfig(plan: Plan) -> str:
    def data(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    folder = plan.folder.pki
    return f"""\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {data(pki.certificate(folder, pki.CA))}
    server: {plan.address.url}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {{}}
users:
- name: default
  user:
    client-certificate-data: {data(pki.certificate(folder, pki.ADMIN))}
    client-key-data: {data(pki.key(folder, pki.ADMIN))}
"""


def main(arguments: list[str]) -> int:
    ours = argparse.ArgumentParser()
    ours.add_argument("--server", type=Path, required=True)
    ours.add_argument("--stand-in", default="")
    at = arguments.index("--")
    told = ours.parse_args(arguments[:at])
    words = arguments[at + 1 :]
    if words in (["--version"], ["-v"]):
        print(f"k3s version {VERSION} (stand-in)\ngo version go1.26.8")
        return 0
    if words[:1] != ["server"]:
        log("fatal", f'No help topic for "{" ".join(words)}"')
        return 1
    try:
        return StandIn(parse(words[1:]), told.server, told.stand_in).run()
    except RefusedError as refused:
        log("fatal", str(refused))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
