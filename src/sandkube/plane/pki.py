"""The certificates and keys of one cluster, made once and renewed in time.

Every cluster has a CA of its own, and a second one for the front proxy: whoever holds a certificate of one
cluster is nobody to another. Keys are ECDSA P-256. Certificates are valid for a year, from an hour ago
(clocks differ), and renewed by `up` in their last 90 days; those of the CAs for ten years, and in the last of
them. The keys of the CAs and of service accounts stay: tokens and kubeconfigs that were given out live on.

``pki.json`` says when each certificate ends and for which names it holds, so that a start that has nothing to
renew reads no certificate, and does not load the library that could.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandkube.errors import StateCorrupt
from sandkube.plane.files import read_json, usable, write_json, write_private

VALID_FOR: Final = dt.timedelta(days=365)
BACKDATED: Final = dt.timedelta(hours=1)
RENEW_BEFORE: Final = dt.timedelta(days=90)
CA_VALID_FOR: Final = dt.timedelta(days=3650)  # as kubeadm's

_INDEX: Final = "pki.json"
_INDEX_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """One certificate to be: who it is for, who signs it (None: itself, a CA), and what it is used for."""

    name: str
    common_name: str
    organization: str | None = None
    signer: str | None = None
    server: bool = False

    @property
    def valid_for(self) -> dt.timedelta:
        """How long its certificate is valid."""
        return CA_VALID_FOR if self.signer is None else VALID_FOR

    @property
    def renewed_before(self) -> dt.timedelta:
        """How long before its end it is made anew. A CA's does not end before one that it signs now."""
        return VALID_FOR if self.signer is None else RENEW_BEFORE


CA: Final = "ca"
FRONT_PROXY_CA: Final = "front-proxy-ca"
APISERVER: Final = "apiserver"
KUBELET_CLIENT: Final = "apiserver-kubelet-client"
FRONT_PROXY_CLIENT: Final = "front-proxy-client"
CONTROLLER_MANAGER: Final = "controller-manager"
SCHEDULER: Final = "scheduler"
ADMIN: Final = "admin"
SERVICE_ACCOUNTS: Final = "sa"

# Users and groups as upstream's own bootstrap policy knows them. system:masters passes every authorisation
# check, so the administrator gets in whatever RBAC objects there are.
SUBJECTS: Final = (
    Subject(CA, "sandkube-ca"),
    Subject(FRONT_PROXY_CA, "sandkube-front-proxy-ca"),
    Subject(APISERVER, "kube-apiserver", signer=CA, server=True),
    Subject(KUBELET_CLIENT, "kube-apiserver-kubelet-client", "system:masters", signer=CA),
    Subject(FRONT_PROXY_CLIENT, "front-proxy-client", signer=FRONT_PROXY_CA),
    Subject(CONTROLLER_MANAGER, "system:kube-controller-manager", signer=CA),
    Subject(SCHEDULER, "system:kube-scheduler", signer=CA),
    Subject(ADMIN, "sandkube-admin", "system:masters", signer=CA),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate that is there: until when it is valid, and the names it holds for."""

    until: dt.datetime
    names: tuple[str, ...] = ()


def certificate(folder: Path, name: str) -> Path:
    """Where the certificate ``name`` lies."""
    return folder / f"{name}.crt"


def key(folder: Path, name: str) -> Path:
    """Where the private key of the certificate ``name`` lies."""
    return folder / f"{name}.key"


def public_key(folder: Path) -> Path:
    """The key that service account tokens are checked with."""
    return folder / f"{SERVICE_ACCOUNTS}.pub"


def apiserver_names(service_ip: str, advertise: str | None) -> tuple[str, ...]:
    """The names and addresses that the API server is called by."""
    names = (
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "127.0.0.1",
        "::1",
        service_ip,
    )
    return (*names, advertise) if advertise else names


def outdated(made: Mapping[str, Made], names: Sequence[str], now: dt.datetime) -> list[Subject]:
    """The certificates to make: those that are missing, end soon, or are signed by one of these.

    And the API server's, where it does not hold for all of ``names``.
    """
    found: list[Subject] = []
    for subject in SUBJECTS:
        present = made.get(subject.name)
        stale = present is None or present.until - now < subject.renewed_before
        unsigned = any(subject.signer == other.name for other in found)
        unnamed = subject.server and present is not None and not set(names) <= set(present.names)
        if stale or unsigned or unnamed:
            found.append(subject)
    return found


def ensure(folder: Path, names: Sequence[str], now: dt.datetime) -> list[str]:
    """Make what is missing or outdated in ``folder``; the names of the certificates that were made."""
    made = _read_index(folder)
    todo = outdated(made, names, now)
    if not todo and holds_pem(key(folder, SERVICE_ACCOUNTS)) and holds_pem(public_key(folder)):
        return []
    from sandkube.plane import issuing

    if not holds_pem(key(folder, SERVICE_ACCOUNTS)):
        pair = issuing.new_key()
        write_private(key(folder, SERVICE_ACCOUNTS), issuing.key_pem(pair), sync=False)
    pair = issuing.load_key(key(folder, SERVICE_ACCOUNTS))
    write_private(public_key(folder), issuing.public_pem(pair), sync=False)
    for subject in todo:
        until = now + subject.valid_for
        held = tuple(names) if subject.server else ()
        issuing.issue(folder, subject, held, since=now - BACKDATED, until=until)
        made[subject.name] = Made(until, held)
    _write_index(folder, made)
    return [subject.name for subject in todo]


def ends(folder: Path) -> dt.datetime | None:
    """When the first of the certificates in ``folder`` ends; None where none of ours are. StateCorrupt."""
    return min((one.until for one in _read_index(folder).values()), default=None)


def holds_pem(path: Path) -> bool:
    """Whether ``path`` holds a whole PEM block; what a power cut left empty or cut off is made anew."""
    try:
        with usable(path):
            data = path.read_bytes()
    except FileNotFoundError:
        return False
    return data.startswith(b"-----BEGIN ") and b"\n-----END " in data


def _read_index(folder: Path) -> dict[str, Made]:
    """What is there, of what the index names: an entry counts only with both its files."""
    path = folder / _INDEX
    remedy = f"remove {path}: `up` makes new certificates then"
    document = read_json(path, remedy) or {}
    if document.get("version") != _INDEX_VERSION:
        return {}
    try:
        made = {
            name: Made(dt.datetime.fromisoformat(entry["until"]), tuple(entry["names"]))
            for name, entry in document["certificates"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateCorrupt(f"{path} cannot be understood: {error}.", hint=remedy) from error
    return {
        name: one
        for name, one in made.items()
        if holds_pem(certificate(folder, name)) and holds_pem(key(folder, name))
    }


def _write_index(folder: Path, made: Mapping[str, Made]) -> None:
    entries = {name: {"until": one.until.isoformat(), "names": list(one.names)} for name, one in made.items()}
    write_json(folder / _INDEX, {"version": _INDEX_VERSION, "certificates": entries}, sync=False)
