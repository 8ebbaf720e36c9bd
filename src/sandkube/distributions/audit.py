"""The audit log: what is written down of requests to the API server.

Ours says who did what to which object when, and with what result, and no contents (level ``Metadata``). It
leaves out what only components ask all the time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sandkube.config import OWN_POLICY, ClusterSpec
from sandkube.errors import UsageError
from sandkube.plane.files import write_private
from sandkube.plane.folder import ClusterFolder

POLICY: Final = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages:
- RequestReceived
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/openapi/*", "/version"]
- level: None
  users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
  verbs: ["get", "list", "watch"]
- level: None
  userGroups: ["system:serviceaccounts:kube-system"]
  verbs: ["get", "list", "watch"]
- level: None
  resources:
  - group: coordination.k8s.io
    resources: ["leases"]
- level: Metadata
"""

# As the CIS benchmark has them (1.2.17 to 1.2.19).
_ROTATION: Final = ["--audit-log-maxage=30", "--audit-log-maxbackup=10", "--audit-log-maxsize=100"]


def write_policy(folder: ClusterFolder, policy: str) -> None:
    """Put the policy into the folder: ours, or a copy of the file that ``policy`` names.

    The copy outlives that file.
    """
    if policy != OWN_POLICY and not Path(policy).exists() and folder.audit_policy.exists():
        return
    write_private(folder.audit_policy, POLICY if policy == OWN_POLICY else _read(policy), sync=False)


def check(spec: ClusterSpec, before: ClusterSpec | None) -> None:
    """UsageError for a new policy that cannot be read; what is in it the API server judges."""
    policy = spec.audit_policy
    if policy in (None, OWN_POLICY) or (before is not None and before.audit_policy == policy):
        return
    _read(str(policy))


def _read(policy: str) -> str:
    try:
        return Path(policy).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"The audit policy `{policy}` cannot be read: {reason}.",
            hint="name another file, or take sandkube's own: --audit-log",
        ) from error


def flags(folder: ClusterFolder) -> list[str]:
    """What kube-apiserver is told."""
    return [
        f"--audit-policy-file={folder.audit_policy}",
        f"--audit-log-path={folder.audit_log}",
        *_ROTATION,
    ]
