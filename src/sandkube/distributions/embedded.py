"""Our own distribution: kine, kube-apiserver, kube-controller-manager and kube-scheduler in one process.

Every flag that we set is in one of the three tables below, with its reason. All other flags keep upstream's
default. What the user gives comes last and wins, but for the flags on which the rest of sandkube stands;
these are refused, with a reason.
"""

from __future__ import annotations

import ipaddress
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sandkube import kubeconfig
from sandkube.config import ClusterSpec
from sandkube.distributions import Plan, Programs, Say, at_rest, audit
from sandkube.errors import UsageError
from sandkube.plane import datastore_socket, pki
from sandkube.plane.files import write_private
from sandkube.plane.folder import EGRESS, ClusterFolder
from sandkube.plane.listener import LOOPBACK
from sandkube.server import CONTRACT, ensure

SERVICE_RANGE: Final = "10.96.0.0/16"  # kubeadm's, but a sixteenth of its size
SYNCHRONOUS: Final = {"fast": "OFF", "normal": "NORMAL", "full": "FULL"}

_LOG_MEGABYTES: Final = 20
_LOG_BACKUPS: Final = 2

# Who may ask without a certificate: health checks, and nothing else. (With this file, --anonymous-auth must
# not be given.)
ANONYMOUS_HEALTH: Final = """\
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous:
  enabled: true
  conditions:
  - path: /livez
  - path: /readyz
  - path: /healthz
"""

# How webhooks, pods and kubelets are reached where there is a node. The path is within the server's folder,
# since that of a socket has to be short.
TO_CLUSTER: Final = f"""\
apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: {EGRESS}
"""

# Lists to which a flag that is given twice adds: the user's are added to ours. All other flags of theirs
# replace ours.
_ADDING: Final = frozenset({"--enable-admission-plugins", "--controllers"})

_ITS_PORT: Final = "sandkube opens the port; ask for another with --port"
_ITS_CERTIFICATES: Final = (
    "the cluster's kubeconfig and controllers depend on the certificates that sandkube makes"
)
_ITS_ADDRESS: Final = "the server listens on loopback only"
_ITS_DATASTORE: Final = "the datastore is in the same process"
_ONE_SERVER: Final = "there is one server, which has nobody to elect against"

# What would break what sandkube relies on, and why.
REFUSED: Final[dict[str, dict[str, str]]] = {
    "api server": {
        "--secure-port": _ITS_PORT,
        "--bind-address": _ITS_ADDRESS,
        "--etcd-servers": _ITS_DATASTORE,
        "--etcd-cafile": _ITS_DATASTORE,
        "--etcd-certfile": _ITS_DATASTORE,
        "--etcd-keyfile": _ITS_DATASTORE,
        "--etcd-prefix": _ITS_DATASTORE,
        "--storage-backend": _ITS_DATASTORE,
        "--client-ca-file": _ITS_CERTIFICATES,
        "--tls-cert-file": _ITS_CERTIFICATES,
        "--tls-private-key-file": _ITS_CERTIFICATES,
        "--cert-dir": _ITS_CERTIFICATES,
        "--service-account-key-file": _ITS_CERTIFICATES,
        "--service-account-signing-key-file": _ITS_CERTIFICATES,
        "--requestheader-client-ca-file": _ITS_CERTIFICATES,
    },
    "controller manager": {
        "--kubeconfig": _ITS_CERTIFICATES,
        "--master": _ITS_CERTIFICATES,
        "--root-ca-file": _ITS_CERTIFICATES,
        "--service-account-private-key-file": _ITS_CERTIFICATES,
        "--secure-port": "the controller manager opens no port",
        "--bind-address": _ITS_ADDRESS,
        "--leader-elect": _ONE_SERVER,
    },
    "scheduler": {
        "--kubeconfig": _ITS_CERTIFICATES,
        "--master": _ITS_CERTIFICATES,
        "--secure-port": "the scheduler opens no port",
        "--bind-address": _ITS_ADDRESS,
        "--leader-elect": _ONE_SERVER,
    },
}


PORTS_BEHIND: Final = 0  # it has one listener, which it inherits
PORTS_BESIDE: Final = 0
MAY_BE_KILLED: Final = True  # one process


def settle(spec: ClusterSpec, before: ClusterSpec | None, folder: ClusterFolder) -> ClusterSpec:  # noqa: ARG001
    """``spec`` as it is; UsageError for arguments that would break what sandkube relies on."""
    foreign = {"--k3s": spec.k3s, "--k3s-arg": spec.k3s_args}
    for option, value in foreign.items():
        if value:
            raise UsageError(
                f"{option} is for the distribution k3s, and cluster `{spec.name}` is embedded.",
                hint=f"add --distribution k3s, or take it back with {option} ''",
            )
    for component, arguments in _given(spec).items():
        for argument in arguments:
            name = flag_name(argument)
            if reason := REFUSED[component].get(name):
                raise UsageError(f"`{name}` cannot be set for the {component}: {reason}.")
    audit.check(spec, before)
    try:
        ipaddress.IPv4Network(service_range(spec))
    except ValueError as error:
        raise UsageError(f"`--service-cluster-ip-range` must be one IPv4 network: {error}.") from error
    return spec


def programs(spec: ClusterSpec, say: Say) -> Programs:  # noqa: ARG001
    """The server binary; in a checkout it is built where it is missing."""
    return Programs.of(ensure(say))


def service_range(spec: ClusterSpec) -> str:
    """The network that services get their addresses from."""
    for argument in reversed(normalized(spec.api_server_args)):
        name, _, value = argument.partition("=")
        if flag_name(name) == "--service-cluster-ip-range":
            return value
    return SERVICE_RANGE


def certificate_names(spec: ClusterSpec, advertise: str | None) -> tuple[str, ...]:
    """The names the API server is called by; `kubernetes.default` has the service range's first address."""
    first = next(ipaddress.IPv4Network(service_range(spec)).hosts())
    return pki.apiserver_names(str(first), advertise)


def api_server_flags(plan: Plan) -> list[str]:
    """kube-apiserver's arguments, but for the datastore, which the server itself adds."""
    folder = plan.folder.pki
    advertise = plan.address.advertise
    ours = [
        # The address in the endpoints of the service `kubernetes`. Validation refuses loopback there, so
        # without another address the endpoints are left alone.
        f"--advertise-address={advertise or LOOPBACK}",
        *([] if advertise else ["--endpoint-reconciler-type=none"]),
        # The socket is inherited; these two keep upstream from thinking that it is another.
        f"--bind-address={LOOPBACK}",
        f"--secure-port={plan.address.port}",
        # ECDSA, made in advance: upstream would make RSA keys at every start.
        f"--tls-cert-file={pki.certificate(folder, pki.APISERVER)}",
        f"--tls-private-key-file={pki.key(folder, pki.APISERVER)}",
        f"--client-ca-file={pki.certificate(folder, pki.CA)}",
        # For logs and exec on nodes.
        f"--kubelet-client-certificate={pki.certificate(folder, pki.KUBELET_CLIENT)}",
        f"--kubelet-client-key={pki.key(folder, pki.KUBELET_CLIENT)}",
        # A node is reached by its address, for nothing here resolves its name, and is whom its certificate
        # says. A node may be added while this server runs.
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-certificate-authority={pki.certificate(folder, pki.CA)}",
        # Aggregated API servers learn from these whom a request comes from, and trust nobody else to say it.
        f"--requestheader-client-ca-file={pki.certificate(folder, pki.FRONT_PROXY_CA)}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki.certificate(folder, pki.FRONT_PROXY_CLIENT)}",
        f"--proxy-client-key-file={pki.key(folder, pki.FRONT_PROXY_CLIENT)}",
        # Tokens of service accounts: signed with the cluster's own key, and checked against it.
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki.public_key(folder)}",
        f"--service-account-signing-key-file={pki.key(folder, pki.SERVICE_ACCOUNTS)}",
        # A pod's token ends when it says. Upstream's default gives it a year, for clients of long ago that
        # read it once (CIS 1.2.30).
        "--service-account-extend-token-expiration=false",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        # As kubeadm does: nodes may do what RBAC and their own authoriser let them, and change only what is
        # theirs.
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--enable-bootstrap-token-auth=true",
        # Manifests of system parts ask for privileged containers. Pod Security decides about them, not this
        # switch.
        "--allow-privileged=true",
        # Nothing on this host knows the addresses of Services; the node does.
        *([f"--egress-selector-config-file={plan.folder.egress}"] if plan.spec.node else []),
        *_authentication(plan),
        *_at_rest(plan),
        *(audit.flags(plan.folder) if plan.spec.audit_policy else []),
        # /debug/pprof shows what the process holds in memory.
        "--profiling=false",
    ]
    return _with(ours, plan.spec.api_server_args)


def _authentication(plan: Plan) -> list[str]:
    """Anonymous health checks. Upstream takes the file or these flags; the user's flags win."""
    given = {flag_name(argument) for argument in plan.spec.api_server_args}
    if any(name == "--anonymous-auth" or name.startswith("--oidc-") for name in given):
        return ["--anonymous-auth=false"]
    return [f"--authentication-config={plan.folder.authentication}"]


def _at_rest(plan: Plan) -> list[str]:
    """With the key as long as there is one: what was encrypted has to be read when it is switched off."""
    if plan.spec.encrypt_secrets or plan.folder.encryption.exists():
        return [f"--encryption-provider-config={plan.folder.encryption}"]
    return []


def controller_manager_flags(plan: Plan) -> list[str]:
    """kube-controller-manager's arguments."""
    folder = plan.folder.pki
    ours = [
        f"--kubeconfig={_client_config(plan, pki.CONTROLLER_MANAGER)}",
        # Each controller with rights of its own (CIS 1.3.3). It costs a token each, hence the limits below.
        "--use-service-account-credentials=true",
        # Upstream's limits (20 a second) made the first service account wait for seconds.
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
        f"--service-account-private-key-file={pki.key(folder, pki.SERVICE_ACCOUNTS)}",
        # What pods and service accounts check the API server by.
        f"--root-ca-file={pki.certificate(folder, pki.CA)}",
        # Approved CSRs are signed.
        f"--cluster-signing-cert-file={pki.certificate(folder, pki.CA)}",
        f"--cluster-signing-key-file={pki.key(folder, pki.CA)}",
        # All that are on by default, and the two that bootstrap tokens need.
        "--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
        "--leader-elect=false",
        # No port: its health is asked for inside the process.
        "--secure-port=0",
        "--profiling=false",
    ]
    return _with(ours, plan.spec.controller_manager_args)


def scheduler_flags(plan: Plan) -> list[str]:
    """kube-scheduler's arguments."""
    ours = [
        f"--kubeconfig={_client_config(plan, pki.SCHEDULER)}",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    ]
    return _with(ours, plan.spec.scheduler_args)


def prepare(plan: Plan, step: Say, say: Say) -> None:
    """Make certificates and keys, where they are missing or end soon, and the files that hold some."""
    import datetime as dt

    step("Making certificates")
    first = not plan.folder.kubeconfig.exists()
    names = certificate_names(plan.spec, plan.address.advertise)
    made = pki.ensure(plan.folder.pki, names, dt.datetime.now(dt.timezone.utc))
    if not first and pki.ADMIN in made:
        say(
            "The certificates were renewed. If you merged the kubeconfig, merge it again: "
            f"sandkube kubeconfig {plan.spec.name} --merge"
        )
    for path, content in files(plan).items():
        write_private(path, content, sync=False)
    at_rest.write_encryption(plan.folder.encryption, on=plan.spec.encrypt_secrets)
    if plan.spec.audit_policy:
        audit.write_policy(plan.folder, plan.spec.audit_policy)


def files(plan: Plan) -> dict[Path, str]:
    """The kubeconfigs of administrator, controller manager and scheduler, and who may ask without a name."""
    return {
        plan.folder.kubeconfig: _kubeconfig(plan, pki.ADMIN),
        _client_config(plan, pki.CONTROLLER_MANAGER): _kubeconfig(plan, pki.CONTROLLER_MANAGER),
        _client_config(plan, pki.SCHEDULER): _kubeconfig(plan, pki.SCHEDULER, component="kube-scheduler"),
        plan.folder.authentication: ANONYMOUS_HEALTH,
        **({plan.folder.egress: TO_CLUSTER} if plan.spec.node else {}),
    }


def configuration(plan: Plan, listener: Mapping[str, Any], parent_fd: int | None = None) -> dict[str, Any]:
    """The content of server.json, as ``server/internal/config`` reads it."""
    datastore = {
        "path": str(plan.folder.database),
        "socket": str(plan.socket),
        "synchronous": SYNCHRONOUS[plan.spec.durability],
        "root_ca_file": str(pki.certificate(plan.folder.pki, pki.CA)),
    }
    if plan.programs.server and plan.programs.server.template:
        datastore["template"] = str(plan.programs.server.template)
    return {
        "contract": CONTRACT,
        "datastore": datastore,
        "listener": dict(listener),
        **({} if parent_fd is None else {"parent_fd": parent_fd}),
        "events": str(plan.folder.events),
        "log": {"path": str(plan.folder.log), "max_megabytes": _LOG_MEGABYTES, "backups": _LOG_BACKUPS},
        "api_server": api_server_flags(plan),
        "controller_manager": controller_manager_flags(plan),
        "scheduler": scheduler_flags(plan),
    }


def command(plan: Plan) -> list[str]:
    """The command line of the server."""
    return [str(plan.programs.serves), "run", f"--config={plan.folder.server_config}"]


# For a folder whose path is too long for a socket: `delete` knows the folder by its name.
_MADE_SOCKET = '"$(mktemp -d "${TMPDIR:-/tmp}/sandkube-XXXXXX")/kine.sock"'


def script(plan: Plan) -> str:
    """What `up` would run, as a shell script: writes server.json and serves in the foreground."""
    in_folder = datastore_socket.in_folder(plan.folder)
    socket = shlex.quote(_inside_json(str(in_folder))) if in_folder else _MADE_SOCKET
    document = configuration(plan, {"address": f"{LOOPBACK}:{plan.address.port}"})
    document["datastore"]["socket"] = marker = "@socket@"
    text = _inside_heredoc(json.dumps(document, indent=1)).replace(marker, "$socket")
    kubeconfig_line = f"export KUBECONFIG={shlex.quote(str(plan.folder.kubeconfig))}"
    return f"""\
#!/bin/sh
# Serves the sandkube cluster `{plan.spec.name}` in the foreground; Ctrl-C ends it.
# Its certificates and kubeconfig are made already. Below is all that the server is told.
set -eu
umask 077
cd {shlex.quote(str(plan.folder.path))}
socket={socket}
cat >server.json <<END
{text}
END
# In another shell:
echo {shlex.quote(kubeconfig_line)} >&2
exec {shlex.join(command(plan))}
"""


def details(spec: ClusterSpec) -> dict[str, str]:  # noqa: ARG001
    """Nothing besides what every cluster has."""
    return {}


def flag_name(argument: str) -> str:
    """The flag that an argument sets, as upstream has it: ``--v`` for ``v=4``, ``--a-b`` for ``--a_b=c``."""
    name = argument.partition("=")[0].lstrip("-").replace("_", "-")
    return f"--{name}"


def normalized(arguments: Iterable[str]) -> list[str]:
    """The user's arguments with their dashes, without empty ones. UsageError for what is no flag."""
    given = [argument for argument in arguments if argument]
    for argument in given:
        if not flag_name(argument)[2:] or any(character.isspace() for character in flag_name(argument)):
            raise UsageError(f"`{argument}` is no flag.", hint="write it as --flag=value, in one piece")
    return [argument if argument.startswith("-") else f"--{argument}" for argument in given]


def _given(spec: ClusterSpec) -> dict[str, list[str]]:
    return {
        "api server": normalized(spec.api_server_args),
        "controller manager": normalized(spec.controller_manager_args),
        "scheduler": normalized(spec.scheduler_args),
    }


def _with(ours: Sequence[str], theirs: Iterable[str]) -> list[str]:
    """Our flags without those that the user sets, and then the user's."""
    given = normalized(theirs)
    replaced = {flag_name(argument) for argument in given} - _ADDING
    return [*(flag for flag in ours if flag_name(flag) not in replaced), *given]


def _client_config(plan: Plan, name: str) -> Path:
    return plan.folder.pki / f"{name}.kubeconfig"


def _kubeconfig(plan: Plan, user: str, component: str | None = None) -> str:
    folder = plan.folder.pki
    return kubeconfig.render(
        kubeconfig.Access(
            cluster=plan.spec.name,
            server=plan.address.url,
            authority=pki.certificate(folder, pki.CA).read_bytes(),
            certificate=pki.certificate(folder, user).read_bytes(),
            key=pki.key(folder, user).read_bytes(),
            component=component,
        )
    )


def _inside_json(text: str) -> str:
    """``text`` as it stands between the quotes of JSON."""
    return json.dumps(text)[1:-1]


def _inside_heredoc(text: str) -> str:
    """``text`` so that an unquoted here-document gives it back."""
    for character in "\\$`":
        text = text.replace(character, f"\\{character}")
    return text
