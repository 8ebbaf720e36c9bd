"""Pods, and the templates that controllers make pods from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sandkube.validation.references.kinds import (
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
    Kind,
)
from sandkube.validation.references.selectors import Selector
from sandkube.validation.references.tree import Node

_TEMPLATE: Final = ("spec", "template")

# The kinds of Kubernetes that run pods, and where their template is.
BUILT_IN: Final[Mapping[Kind, tuple[str, ...]]] = {
    POD: (),
    DEPLOYMENT: _TEMPLATE,
    REPLICA_SET: _TEMPLATE,
    STATEFUL_SET: _TEMPLATE,
    DAEMON_SET: _TEMPLATE,
    REPLICATION_CONTROLLER: _TEMPLATE,
    JOB: _TEMPLATE,
    CRON_JOB: ("spec", "jobTemplate", "spec", "template"),
}

# What others have in place of a Deployment, with the same template.
TEMPLATES: Final[Mapping[Kind, tuple[str, ...]]] = {
    **BUILT_IN,
    Kind("apps.kruise.io", "CloneSet"): _TEMPLATE,
    Kind("apps.kruise.io", "DaemonSet"): _TEMPLATE,
    Kind("apps.kruise.io", "StatefulSet"): _TEMPLATE,
    Kind("apps.openshift.io", "DeploymentConfig"): _TEMPLATE,
    Kind("argoproj.io", "Rollout"): _TEMPLATE,
}

# Labels that pods get when they are made, each with a pattern of its values; {} is the name of their maker.
_ANY: Final = ".+"
_ZONES: Final = {"topology.kubernetes.io/region": _ANY, "topology.kubernetes.io/zone": _ANY}
_GIVEN: Final[Mapping[Kind, Mapping[str, str]]] = {
    DEPLOYMENT: {"pod-template-hash": _ANY},
    STATEFUL_SET: {
        "apps.kubernetes.io/pod-index": r"\d+",
        "controller-revision-hash": _ANY,
        "statefulset.kubernetes.io/pod-name": r"{}-\d+",
    },
    DAEMON_SET: {"controller-revision-hash": _ANY, "pod-template-generation": r"\d+"},
    JOB: {
        "batch.kubernetes.io/controller-uid": _ANY,
        "batch.kubernetes.io/job-completion-index": r"\d+",
        "batch.kubernetes.io/job-name": "{}",
        "controller-uid": _ANY,
        "job-name": "{}",
    },
    CRON_JOB: {
        "batch.kubernetes.io/controller-uid": _ANY,
        "batch.kubernetes.io/job-name": r"{}-\d+",
        "controller-uid": _ANY,
        "job-name": r"{}-\d+",
    },
}


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """What pods are made from.

    ``labels`` are those that the manifest gives; ``given`` are patterns of those that a controller adds.
    """

    labels: Mapping[str, str]
    given: Mapping[str, str]
    spec: Node

    @property
    def account(self) -> Node:
        """The field that names the ServiceAccount: the present one, or that of old."""
        name = self.spec["serviceAccountName"]
        return name if name.there else self.spec["serviceAccount"]

    def matches(self, selector: Selector) -> bool:
        """Whether pods of this template have the labels that a selector asks for."""
        return all(requirement.holds(self.labels, self.given) for requirement in selector)

    def containers(self) -> Iterator[Node]:
        """The containers that run as long as the pod does: sidecars are init containers that restart."""
        yield from self.spec["containers"].each()
        for container in self.spec["initContainers"].each():
            if container["restartPolicy"].text == "Always":
                yield container

    def ports(self) -> Iterator[tuple[str, str]]:
        """The names of the ports of these containers, each with its protocol."""
        for container in self.containers():
            for port in container["ports"].each():
                if port["name"].text:
                    yield port["name"].text, port["protocol"].text or "TCP"


def template_of(kind: Kind, tree: Node) -> PodTemplate | None:
    """The template in an object; None where its kind has none, or this one lacks it."""
    path = TEMPLATES.get(kind)
    if path is None:
        return None
    template = tree.at(*path)
    if not isinstance(template["spec"].value, Mapping):
        return None
    # A Job that a `generateName` names gets its name from the server.
    name = tree.at("metadata", "name").text
    own = re.escape(name) if name else _ANY
    given = {key: pattern.replace("{}", own) for key, pattern in _GIVEN.get(kind, {}).items()}
    return PodTemplate(template.at("metadata", "labels").strings(), {**_ZONES, **given}, template["spec"])
