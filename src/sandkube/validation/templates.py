"""Pods of templates that no controller would make within the settling time, judged by a dry run.

A DaemonSet has no pods without nodes, a CronJob waits for its time, and in a cluster that is there nothing is
created at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from sandkube.kube.client import Client
from sandkube.kube.status import refusal
from sandkube.validation.references.kinds import CRON_JOB, DAEMON_SET, Kind
from sandkube.validation.references.templates import BUILT_IN

# Those whose controllers make no pod here.
_LATER = (DAEMON_SET, CRON_JOB)


def refused_pod(
    client: Client, workload: Mapping[str, Any], namespace: str, *, every_kind: bool
) -> str | None:
    """What the server says of a pod of the workload's template; None if it would take it.

    ``every_kind`` asks also for kinds whose controllers make pods at once.
    """
    group = str(workload.get("apiVersion", "")).rpartition("/")[0]
    kind = Kind(group, str(workload.get("kind")))
    path = BUILT_IN.get(kind)
    if not path or not (every_kind or kind in _LATER):  # a Pod has no template
        return None
    template: Any = workload
    for step in path:
        template = template.get(step) if isinstance(template, Mapping) else None
    if not isinstance(template, Mapping):
        return None
    found = template.get("metadata")
    metadata: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "sandkube-",
            **{key: metadata[key] for key in ("labels", "annotations") if key in metadata},
        },
        "spec": template.get("spec"),
    }
    answer = client.send(
        "POST",
        f"/api/v1/namespaces/{namespace}/pods",
        query={"dryRun": "All", "fieldValidation": "Ignore"},
        body=json.dumps(pod).encode(),
    )
    refused = refusal(answer)
    # what is invalid in a template was told of at the template
    return refused.message if refused is not None and refused.code == HTTPStatus.FORBIDDEN else None
