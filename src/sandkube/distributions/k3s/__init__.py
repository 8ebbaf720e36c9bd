"""k3s as a distribution: a control plane without workers, by ``--disable-agent``, with the user's own k3s.

k3s looks for a CNI plugin before it serves (and never runs it): a plugin in the cluster's folder is what it
finds, or ``--flannel-backend=none`` spares it the search.

Modules: ``flags`` (what k3s is told), ``script`` (the same as a script), ``serve`` (the process that keeps
our contract for it), ``lines``, ``probe`` and ``log`` (parts of that).
"""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sandkube import cni, k3s
from sandkube.config import ENV_K3S_DATA_DIR, ClusterSpec
from sandkube.distributions import Plan, Programs, Say, audit
from sandkube.distributions.k3s import flags
from sandkube.distributions.k3s.script import script
from sandkube.errors import ServerNotFound, StateUnusable, UsageError
from sandkube.plane import process
from sandkube.plane.files import check_parent_folder, make_private_folder, usable, write_private
from sandkube.plane.folder import ClusterFolder
from sandkube.server import locate

__all__ = [
    "MAY_BE_KILLED",
    "PORTS_BEHIND",
    "PORTS_BESIDE",
    "command",
    "configuration",
    "details",
    "prepare",
    "programs",
    "script",
    "service_range",
    "settle",
]

PORTS_BEHIND: Final = 1  # that of the API server itself; clients use the supervisor's, which passes on
PORTS_BESIDE: Final = 2  # controller manager and scheduler
MAY_BE_KILLED: Final = False  # a process that keeps k3s, and whatever k3s started

_LOG_MEGABYTES: Final = 20
_LOG_BACKUPS: Final = 2
_SERVE: Final = "sandkube.distributions.k3s.serve"
_SERVER: Final = r"(server: https://127\.0\.0\.1:)\d+"


def settle(spec: ClusterSpec, before: ClusterSpec | None, folder: ClusterFolder) -> ClusterSpec:
    """``spec``, for a new cluster with the data folder that K3S_DATA_DIR names. UsageError for bad flags."""
    if before is None and os.environ.get(ENV_K3S_DATA_DIR):
        path = os.path.abspath(os.environ[ENV_K3S_DATA_DIR])  # noqa: PTH100 -- k3s resolves no links
        spec = replace(spec, data_dir=path)
        _check_new_data(spec)
    if before is not None and before.encrypt_secrets != spec.encrypt_secrets:
        raise UsageError(
            "k3s encrypts Secrets from its first start on, or does not.",
            hint="`k3s secrets-encrypt` changes that, or make a new cluster",
        )
    if spec.node:
        raise UsageError(
            f"--node is for sandkube's own server, and cluster `{spec.name}` is served by k3s.",
            hint="take it back with --no-node",
        )
    flags.check(folder, spec)
    audit.check(spec, before)
    try:
        ipaddress.ip_network(service_range(spec))
    except ValueError as error:
        raise UsageError(f"`--service-cidr` must be a network: {error}.") from error
    return spec


def _check_new_data(spec: ClusterSpec) -> None:
    """UsageError where the folder that the user names may be in use by a k3s that is none of ours.

    k3s takes no lock on its data, and would not notice another one.
    """
    data = Path(str(spec.data_dir))
    lock = data / flags.DATA_LOCK
    with usable(data):
        foreign = (data / "server" / "db").exists() and not lock.exists()
    if foreign:
        raise UsageError(
            f"{ENV_K3S_DATA_DIR} names {data}, the data of a k3s that sandkube did not start.",
            hint=f"unset {ENV_K3S_DATA_DIR}; or, if nothing else uses it: touch {shlex.quote(str(lock))}",
        )
    if data.exists():
        check_parent_folder(data)


def service_range(spec: ClusterSpec) -> str:
    """The network that services get their addresses from."""
    return flags.service_range(spec)


def programs(spec: ClusterSpec, say: Say) -> Programs:  # noqa: ARG001
    """The k3s binary; as clients ours, if our server is there without building it, or else the user's."""
    serves = k3s.locate(Path(spec.k3s) if spec.k3s else None, os.environ).binary
    try:
        server = locate()
    except ServerNotFound:
        return Programs(serves, None, _users("kubectl"), _users("helm"))
    return replace(Programs.of(server), serves=serves)


def _users(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found).resolve() if found else None


def prepare(plan: Plan, step: Say, say: Say) -> None:  # noqa: ARG001
    """Make the folders that k3s is told of, and the plugin that it looks for."""
    step("Preparing k3s")
    for path in folders(plan):
        _make(path, plan.spec)
    write_private(flags.config_file(plan.folder), flags.EMPTY, sync=False)
    if plan.spec.cni == "host-local":
        cni.write_plugin(flags.plugins(plan.folder), sys.executable)
    if plan.spec.audit_policy:
        audit.write_policy(plan.folder, plan.spec.audit_policy)
    _renumber(plan)


def _make(path: Path, spec: ClusterSpec) -> None:
    try:
        make_private_folder(path)
    except StateUnusable as error:
        if spec.data_dir and path.is_relative_to(spec.data_dir):
            hint = f"name another folder: {ENV_K3S_DATA_DIR}=/some/folder, when the cluster is made"
            raise StateUnusable(error.message, hint=hint) from error
        raise


def folders(plan: Plan) -> list[Path]:
    """The folders that a start needs, outer ones first."""
    folder, spec = plan.folder, plan.spec
    plugins = [flags.plugins(folder)] if spec.cni == "host-local" else []
    return [flags.home(folder), flags.temporary(folder), *plugins, flags.database(folder, spec).parent]


def _renumber(plan: Plan) -> None:
    """Have the kubeconfigs of k3s' own components name the port of this start.

    k3s writes them once (`genClientCerts`), all with the API server's own port, which is the one behind the
    first: on another port, its controllers would find no API server.
    """
    port = plan.address.port + 1
    for path in (flags.data_dir(plan.folder, plan.spec) / "server" / "cred").glob("*.kubeconfig"):
        with usable(path):
            text = path.read_text()
        renewed = re.sub(_SERVER, rf"\g<1>{port}", text)
        if renewed != text:
            write_private(path, renewed)


def configuration(plan: Plan, listener: Mapping[str, Any], parent_fd: int | None = None) -> dict[str, Any]:
    """The content of server.json, as ``serve`` reads it."""
    folder = plan.folder
    return {
        "command": [str(plan.programs.serves), "server", *flags.flags(plan)],
        "environment": environment(plan),
        "name": plan.spec.name,
        "locks": [str(path) for path in flags.locks(folder, plan.spec)],
        "kubeconfig": str(folder.kubeconfig),
        "k3s_kubeconfig": str(flags.written_kubeconfig(folder)),
        "listener": dict(listener),
        **({} if parent_fd is None else {"parent_fd": parent_fd}),
        "events": str(folder.events),
        "log": {"path": str(folder.log), "max_megabytes": _LOG_MEGABYTES, "backups": _LOG_BACKUPS},
    }


def environment(plan: Plan) -> dict[str, str]:
    """What k3s has as its environment: nothing of this one but what a server needs."""
    kept = process.environment(os.environ, plan.internal_hosts)
    path = os.pathsep.join([*flags.path_before(plan), kept.get("PATH", os.defpath)])
    return {**kept, **flags.environment(plan), "PATH": path}


def command(plan: Plan) -> list[str]:
    """The command line of the process that serves: a Python process, whose child k3s is (see ``serve``).

    It looks for modules where this one does, whatever told this one of it.
    """
    return [*process.python_module(_SERVE), f"--config={plan.folder.server_config}"]


def details(spec: ClusterSpec) -> dict[str, str]:
    """How the plugin that k3s looks for is provided, and what was asked for besides."""
    ways = {
        "host-local": "host-local, in the cluster's folder (k3s looks for one, and never runs it)",
        "none": "none (--flannel-backend=none)",
    }
    asked = {"k3s": spec.k3s, "data folder": spec.data_dir}
    return {"CNI plugin": ways[spec.cni], **{label: value for label, value in asked.items() if value}}
