"""What controllers make of a set, while it settles: whether they are allowed to create its pods.

A Deployment that a quota, a LimitRange, Pod Security or a missing service account keeps from having pods is
accepted by every request. Only its controllers notice: they write events (`FailedCreate`) and conditions
(`ReplicaFailure`). Both are watched, until every workload has got its pods or its refusal, or time is up.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandkube.kube.client import Client
from sandkube.kube.watching import watch

# How long nothing may happen before it is taken for settled.
_QUIET = 0.25
_EVENTS = "/api/v1/events"
# Kinds whose controllers create pods without any node, and where these are.
WORKLOADS = {
    ("apps", "Deployment"): "/apis/apps/v1/deployments",
    ("apps", "ReplicaSet"): "/apis/apps/v1/replicasets",
    ("apps", "StatefulSet"): "/apis/apps/v1/statefulsets",
    ("", "ReplicationController"): "/api/v1/replicationcontrollers",
    ("batch", "Job"): "/apis/batch/v1/jobs",
}
_FAILED = "FailedCreate"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a controller says of one of the set's objects, by its UID."""

    uid: str
    message: str


def troubles(client: Client, workloads: Iterable[Mapping[str, Any]], seconds: float) -> list[Trouble]:
    """What the controllers say of the workloads, which the server keeps as given, within so many seconds.

    It ends early when each of them has its pods or was refused them, and all is quiet.
    """
    settling = _Settling({one["metadata"]["uid"]: one for one in workloads})
    if not settling.open:
        return []
    events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
    deadline = time.monotonic() + seconds
    paths = {_path(one) for one in settling.open.values()} | {_EVENTS, WORKLOADS["apps", "ReplicaSet"]}
    for path in paths:
        threading.Thread(target=_follow, args=(client, path, seconds, events), daemon=True).start()
    while (left := deadline - time.monotonic()) > 0:
        try:
            path, one = events.get(timeout=min(left, _QUIET))
        except queue.Empty:
            if not settling.open:
                break
            continue
        settling.take(path, one)
    return settling.found()


def _follow(
    client: Client, path: str, seconds: float, events: queue.Queue[tuple[str, dict[str, Any]]]
) -> None:
    # the connection may be closed under it, which ends it in ways of its own
    with contextlib.suppress(Exception):
        for kind, one in watch(client, path, seconds=seconds):
            if kind in ("ADDED", "MODIFIED"):
                events.put((path, one))


def _path(workload: Mapping[str, Any]) -> str:
    group = workload["apiVersion"].rpartition("/")[0]
    return WORKLOADS[group, workload["kind"]]


class _Settling:
    def __init__(self, workloads: dict[str, Mapping[str, Any]]) -> None:
        self._asked = workloads
        self.open = dict(workloads)
        self._owners: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._well: set[str] = set()

    def take(self, path: str, one: Mapping[str, Any]) -> None:
        """Take in an event, or a workload as it is now."""
        if path == _EVENTS:
            if one.get("reason") == _FAILED and one.get("type") == "Warning":
                self._failed(str(one.get("involvedObject", {}).get("uid", "")), str(one.get("message", "")))
            return
        metadata = one["metadata"]
        for owner in metadata.get("ownerReferences", ()):
            self._owners[metadata["uid"]] = owner["uid"]
        for condition in (one.get("status") or {}).get("conditions") or ():
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                self._failed(metadata["uid"], str(condition.get("message", "")))
        if metadata["uid"] in self._asked and _has_pods(one):
            self.open.pop(metadata["uid"], None)
            self._well.add(metadata["uid"])

    def _failed(self, uid: str, message: str) -> None:
        self._said.setdefault(uid, message)
        owner: str | None = uid
        while owner is not None:
            self.open.pop(owner, None)
            owner = self._owners.get(owner)

    def found(self) -> list[Trouble]:
        """What was said first of each object of the set that did not get its pods after all."""
        found: dict[str, Trouble] = {}
        for uid, message in self._said.items():
            root = uid
            while root not in self._asked and root in self._owners:
                root = self._owners[root]
            if root in self._asked and root not in self._well:
                found.setdefault(root, Trouble(root, message))
        return list(found.values())


def _has_pods(workload: Mapping[str, Any]) -> bool:
    """Whether its controller has done what can be done without a node."""
    spec, status = workload.get("spec", {}), workload.get("status", {})
    if workload.get("kind") == "Job":
        suspended = bool(spec.get("suspend"))
        wanted = min(spec.get("parallelism", 1), spec.get("completions") or spec.get("parallelism", 1))
        return suspended or wanted == 0 or status.get("active", 0) >= wanted
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 1):
        return False
    wanted = spec.get("replicas", 1)
    if workload.get("kind") == "StatefulSet" and spec.get("podManagementPolicy") != "Parallel":
        wanted = min(wanted, 1)  # the next one waits for a pod that is Ready, and none is without a node
    return bool(status.get("replicas", 0) >= wanted or spec.get("paused"))
