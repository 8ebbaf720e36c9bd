"""The flags and the environment of a k3s that is a control plane without workers, each with its reason.

What is said here of k3s was read in its source (github.com/k3s-io/k3s, pkg/cli/cmds/server.go,
pkg/agent/run.go and pkg/agent/config/config.go); docs/original-note.md has the details.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sandkube.config import ENV_K3S_DATA_DIR, ENV_STATE_DIR, ClusterSpec, cache_dir
from sandkube.distributions import Plan, audit
from sandkube.errors import UsageError
from sandkube.plane.folder import ClusterFolder
from sandkube.plane.listener import LOOPBACK

EMPTY: Final = "{}\n"  # a configuration file that says nothing
DATA_LOCK: Final = "sandkube.lock"
SERVICE_RANGE: Final = "10.43.0.0/16"  # k3s' own default

_ITS_PLACE: Final = "sandkube keeps the cluster's files where it finds them again"
_ITS_PORT: Final = "sandkube chooses the port; ask for another with --port"
_ITS_LOG: Final = "sandkube keeps the log, and k3s would start a second process for it"
_NOT_IN_ARGUMENTS: Final = "a secret does not belong into arguments, and nothing joins this server"
_ITS_DATA: Final = "set K3S_DATA_DIR when the cluster is made"
_ITS_DATASTORE: Final = "the datastore is SQLite in the data folder; --durability says how it writes"
_OWNER_ONLY: Final = "only the owner may read it"
_LOOPBACK_ONLY: Final = "the server listens on loopback only"
_ALONE: Final = "this server joins no other"
_WHOLE: Final = "without that part there is no control plane"
_NO_ROOT: Final = "with it nothing is written to /etc/rancher"

# What would break what sandkube relies on, and why. k3s has short names for some.
REFUSED: Final[dict[str, str]] = {
    "--data-dir": _ITS_DATA,
    "-d": _ITS_DATA,
    "--write-kubeconfig": _ITS_PLACE,
    "-o": _ITS_PLACE,
    "--write-kubeconfig-name": _ITS_PLACE,
    "--write-kubeconfig-mode": _OWNER_ONLY,
    "--write-kubeconfig-group": _OWNER_ONLY,
    "--config": _ITS_PLACE,
    "-c": _ITS_PLACE,
    "--log": _ITS_LOG,
    "-l": _ITS_LOG,
    "--https-listen-port": _ITS_PORT,
    "--supervisor-port": _ITS_PORT,
    "--apiserver-port": _ITS_PORT,
    "--bind-address": _LOOPBACK_ONLY,
    "--apiserver-bind-address": _LOOPBACK_ONLY,
    "--disable-agent": "there is no worker in any case",
    "--rootless": _NO_ROOT,
    "--disable-apiserver": _WHOLE,
    "--disable-etcd": _WHOLE,
    "--disable-controller-manager": _WHOLE,
    "--disable-scheduler": _WHOLE,
    "--flannel-backend": "ask for it with --cni none",
    "--datastore-endpoint": _ITS_DATASTORE,
    "--kine-tls": _ITS_DATASTORE,
    "--cluster-init": _ITS_DATASTORE,
    "--cluster-reset": _ITS_DATASTORE,
    "--token": _NOT_IN_ARGUMENTS,
    "-t": _NOT_IN_ARGUMENTS,
    "--token-file": _ALONE,
    "--agent-token": _NOT_IN_ARGUMENTS,
    "--agent-token-file": _ALONE,
    "--vpn-auth": _NOT_IN_ARGUMENTS,
    "--etcd-s3-secret-key": _NOT_IN_ARGUMENTS,
    "--secrets-encryption": "ask for it with --encrypt-secrets",
    "--server": _ALONE,
    "-s": _ALONE,
}

_SHORT: Final = len("-d")

# k3s gathers these from every place where they are given; all others of the user's replace ours.
_ADDING: Final = frozenset(
    {
        "--disable",
        "--etcd-arg",
        "--helm-controller-arg",
        "--kube-apiserver-arg",
        "--kube-cloud-controller-manager-arg",
        "--kube-controller-manager-arg",
        "--kube-scheduler-arg",
        "--tls-san",
    }
)


def data_dir(folder: ClusterFolder, spec: ClusterSpec) -> Path:
    """Where k3s keeps its data: in the cluster's folder, but for K3S_DATA_DIR when the cluster was made."""
    return Path(spec.data_dir) if spec.data_dir else folder.path / "k3s"


def database(folder: ClusterFolder, spec: ClusterSpec) -> Path:
    """The SQLite file of k3s' datastore."""
    return data_dir(folder, spec) / "server" / "db" / "state.db"


def locks(folder: ClusterFolder, spec: ClusterSpec) -> list[Path]:
    """The files that are locked while it is served: the cluster's, and that of the data, wherever it lies."""
    return [folder.datastore_lock, data_dir(folder, spec) / DATA_LOCK]


def home(folder: ClusterFolder) -> Path:
    """The home folder that k3s is given: it would put a link into the user's own."""
    return folder.path / "home"


def plugins(folder: ClusterFolder) -> Path:
    """The folder of the CNI plugin, which is on the PATH of this k3s alone."""
    return folder.path / "cni"


def written_kubeconfig(folder: ClusterFolder) -> Path:
    """The kubeconfig as k3s writes it; the cluster's own has our names."""
    return folder.path / "k3s.yaml"


def temporary(folder: ClusterFolder) -> Path:
    """Where SQLite puts what it needs for a moment."""
    return folder.path / "tmp"


def config_file(folder: ClusterFolder) -> Path:
    """The configuration file that k3s is pointed to; it is empty, and has to be there for older ones."""
    return folder.path / "k3s-config.yaml"


def unpacked() -> Path:
    """Where k3s unpacks itself, some 250 MB: once for all clusters."""
    return cache_dir() / "k3s-unpacked"


def flags(plan: Plan) -> list[str]:
    """All arguments of `k3s server`, the user's last."""
    ours = [
        *worker_flags(),
        *addon_flags(),
        *place_flags(plan),
        *port_flags(plan),
        *address_flags(plan),
        *plugin_flags(plan.spec),
        *datastore_flags(plan),
        *safety_flags(plan),
        *component_flags(plan.spec),
    ]
    theirs = normalized(plan.spec)
    replaced = {flag_name(argument) for argument in theirs} - _ADDING
    return [*(flag for flag in ours if flag_name(flag) not in replaced), *theirs]


def worker_flags() -> list[str]:
    """No kubelet and no containerd: nothing here runs pods."""
    return [
        # Hidden in k3s' help, and called experimental.
        "--disable-agent",
        # With the agent disabled this only moves files: node password and kubeconfig link go below the data
        # folder and HOME, where they would go to /etc/rancher, which takes root. Nothing is unshared.
        "--rootless",
        # The API server reaches webhooks and aggregated APIs by itself: there is no agent to tunnel through.
        # (Those that are Services it reaches at their endpoints: nothing routes a ClusterIP.)
        "--egress-selector-mode=disabled",
        "--kube-apiserver-arg=enable-aggregator-routing=true",
    ]


def addon_flags() -> list[str]:
    """None of the packaged add-ons: their pods could only be Pending."""
    return [
        "--disable=coredns,servicelb,traefik,local-storage,metrics-server",
        # The scheduler otherwise waits for a node that the cloud controller has untainted, and none comes.
        # The cloud controller itself is only left out if servicelb is, too.
        "--disable-cloud-controller",
        # Network policies and services act on nodes.
        "--disable-network-policy",
        "--disable-kube-proxy",
    ]


def place_flags(plan: Plan) -> list[str]:
    """Where things lie: in the cluster's folder, for its owner alone."""
    return [
        f"--data-dir={data_dir(plan.folder, plan.spec)}",
        f"--write-kubeconfig={written_kubeconfig(plan.folder)}",
        "--write-kubeconfig-mode=600",
    ]


def port_flags(plan: Plan) -> list[str]:
    """Ports of this cluster's own, so that several run side by side; k3s' are fixed.

    The API server itself takes the port behind the first.
    """
    controller_manager, scheduler = plan.ports[1:3]
    return [
        f"--https-listen-port={plan.address.port}",
        f"--kube-controller-manager-arg=secure-port={controller_manager}",
        f"--kube-scheduler-arg=secure-port={scheduler}",
        # Upstream's limits (20 requests a second) would have the first service account wait for seconds.
        "--kube-controller-manager-arg=kube-api-qps=1000",
        "--kube-controller-manager-arg=kube-api-burst=2000",
    ]


def address_flags(plan: Plan) -> list[str]:
    """Loopback only; and an address where k3s would look for that of a default route, and end without one.

    Nothing listens there: it is what the endpoints of the service `kubernetes` have, whose validation refuses
    loopback.
    """
    return [
        f"--bind-address={LOOPBACK}",
        f"--node-ip={plan.address.advertise or LOOPBACK}",
        *([] if plan.address.advertise else ["--kube-apiserver-arg=endpoint-reconciler-type=none"]),
        # The node's name is the machine's, which may be none that Kubernetes accepts.
        "--node-name=sandkube",
    ]


def plugin_flags(spec: ClusterSpec) -> list[str]:
    """With a network of flannel, k3s looks for the plugin `host-local` on PATH; with none, it does not."""
    return ["--flannel-backend=none"] if spec.cni == "none" else []


def datastore_flags(plan: Plan) -> list[str]:
    """SQLite in the data folder is k3s' default; another durability needs its address in full.

    (kine v0.17 writes with synchronous NORMAL by default; older ones with FULL, which is more.)
    """
    if plan.spec.durability == "normal":
        return []
    synchronous = {"fast": "OFF", "full": "FULL"}[plan.spec.durability]
    options = "_journal_mode=WAL&_busy_timeout=30000&_txlock=immediate&cache=shared"
    address = f"sqlite://{database(plan.folder, plan.spec)}?{options}&_synchronous={synchronous}"
    return [f"--datastore-endpoint={address}"]


def safety_flags(plan: Plan) -> list[str]:
    """What was asked for: Secrets encrypted in the datastore, by k3s' own key, and an audit log."""
    encrypted = ["--secrets-encryption"] if plan.spec.encrypt_secrets else []
    audited = audit.flags(plan.folder) if plan.spec.audit_policy else []
    return [*encrypted, *(f"--kube-apiserver-arg={_bare(flag)}" for flag in audited)]


def component_flags(spec: ClusterSpec) -> list[str]:
    """The user's flags for the components inside k3s."""
    return [
        *(f"--kube-apiserver-arg={_bare(argument)}" for argument in spec.api_server_args),
        *(f"--kube-controller-manager-arg={_bare(argument)}" for argument in spec.controller_manager_args),
        *(f"--kube-scheduler-arg={_bare(argument)}" for argument in spec.scheduler_args),
    ]


def environment(plan: Plan) -> dict[str, str]:
    """What k3s' environment has besides PATH: nothing outside the cluster's folder and the cache."""
    return {
        "HOME": str(home(plan.folder)),
        "TMPDIR": str(temporary(plan.folder)),
        # To k3s' first step, which unpacks, this is where to; the second takes --data-dir before it.
        ENV_K3S_DATA_DIR: str(unpacked()),
        # A k3s that is installed on this machine may have a configuration, which is not meant for this one.
        "K3S_CONFIG_FILE": str(config_file(plan.folder)),
    }


def path_before(plan: Plan) -> list[str]:
    """What PATH begins with: the folder of the plugin, on the PATH of this k3s alone."""
    return [str(plugins(plan.folder))] if plan.spec.cni == "host-local" else []


def service_range(spec: ClusterSpec) -> str:
    """The network that services get their addresses from."""
    for argument in reversed(normalized(spec)):
        if flag_name(argument) == "--service-cidr":
            return argument.partition("=")[2].split(",")[0]
    return SERVICE_RANGE


def check(folder: ClusterFolder, spec: ClusterSpec) -> None:
    """UsageError for what would break what sandkube relies on: flags, and a data folder that k3s misreads."""
    path = str(data_dir(folder, spec))
    remedy = ENV_K3S_DATA_DIR if spec.data_dir else ENV_STATE_DIR
    if "?" in path:  # where the address of the datastore has its options
        raise UsageError(f"k3s' data folder, {path}, must have no `?` in its path.", hint=_another(remedy))
    for mark in ("~", "$HOME", "${HOME}"):
        if mark in path:
            raise UsageError(
                f"k3s' data folder, {path}, has `{mark}` in its path, which k3s takes for a home folder.",
                hint=_another(remedy),
            )
    for argument in normalized(spec):
        name = flag_name(argument).lstrip("-")
        if not name or any(character.isspace() for character in name):
            raise UsageError(
                f"`{argument}` is no flag of k3s.", hint="write it as --flag=value, in one piece"
            )
        if reason := REFUSED.get(flag_name(argument)):
            raise UsageError(f"`{flag_name(argument)}` cannot be set for k3s: {reason}.")


def _another(variable: str) -> str:
    return f"name another: export {variable}=/some/folder"


def normalized(spec: ClusterSpec) -> list[str]:
    """The user's arguments for k3s with their dashes."""
    return [argument if argument.startswith("-") else f"--{argument}" for argument in spec.k3s_args]


def flag_name(argument: str) -> str:
    """The flag that an argument sets: ``--aa`` for ``--aa=b``, and for ``-aa=b``, which k3s takes as well."""
    name = argument.partition("=")[0]
    if name == "-i":
        return "--node-ip"
    return name if len(name) <= _SHORT else f"--{name.lstrip('-')}"


def _bare(argument: str) -> str:
    return argument.lstrip("-")
