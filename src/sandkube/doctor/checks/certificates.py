"""The certificates of each cluster: whether they are valid by this machine's clock."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator
from typing import Final

from sandkube.doctor.finding import Check, Finding, Kind, ok
from sandkube.doctor.surroundings import Known, Surroundings
from sandkube.errors import StateUnusable
from sandkube.plane import pki

NOT_YET: Final = Kind(
    "certificates-not-yet-valid",
    "problem",
    "Certificates are not valid yet",
    "They were made when the clock said a later time than now. Until then every client refuses the server, "
    "and the "
    "server its own controllers: it never is Ready.",
    "sandkube down {name}; rm {pki}/*.crt; sandkube up {name}  # when the clock is right",
)
EXPIRED: Final = Kind(
    "certificates-expired",
    "problem",
    "Certificates of a running cluster have expired",
    "They are valid for a year, and renewed by `up` in the last 90 days. Until then every client refuses "
    "the server.",
    "sandkube down {name} && sandkube up {name}",
)
WILL_RENEW: Final = Kind(
    "certificates-to-renew",
    "note",
    "Certificates of a stopped cluster have expired",
    "`up` makes new ones. Kubeconfigs that were copied elsewhere have to be copied again.",
    "sandkube up {name}",
)
_LOOKED_AT: Final = (pki.CA, pki.APISERVER, pki.ADMIN)


def look(surroundings: Surroundings) -> Iterator[Finding]:
    """Read the certificates that clients meet first."""
    now = dt.datetime.fromtimestamp(surroundings.now, dt.timezone.utc)
    found = [finding for known in surroundings.clusters() for finding in _of(known, now)]
    yield from found
    if not found:
        yield ok("valid, where there are any")


def _of(known: Known, now: dt.datetime) -> Iterator[Finding]:
    if isinstance(known.fault, StateUnusable):  # the check of the state folder tells
        return
    for name in _LOOKED_AT:
        path = pki.certificate(known.folder.pki, name)
        span = _validity(path.read_bytes()) if path.exists() else None
        if span is None:
            continue
        since, until = span
        if now < since:
            text = (
                f"The certificate {path} is valid from {since:%Y-%m-%d}, and the clock says {now:%Y-%m-%d}: "
                "it is "
                "behind, or was ahead when the certificate was made."
            )
            yield NOT_YET.found(text, name=known.name, pki=shlex.quote(str(known.folder.pki)))
            return
        if now > until:
            text = (
                f"The certificate {path} was valid until {until:%Y-%m-%d}, and the clock says {now:%Y-%m-%d}."
            )
            yield (EXPIRED if known.running else WILL_RENEW).found(text, name=known.name)
            return


def _validity(pem: bytes) -> tuple[dt.datetime, dt.datetime] | None:
    """From when and until when; None for what is no certificate, of which `up` tells."""
    from cryptography import x509  # 60 ms, and many have no cluster yet

    try:
        read = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None
    return read.not_valid_before_utc, read.not_valid_after_utc


CHECK: Final = Check("certificates", "Certificates", (NOT_YET, EXPIRED, WILL_RENEW), look)
