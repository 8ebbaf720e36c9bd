"""An order in which a set can be applied: what others need comes first."""

from __future__ import annotations

from collections.abc import Iterable

from sandkube.manifests.document import Document

NAMESPACE = ("", "Namespace")
DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
QUOTA = ("", "ResourceQuota")
PRIORITY = ("scheduling.k8s.io", "PriorityClass")
# What admission asks for while something else is created.
_FIRST = {
    ("", "LimitRange"),
    ("", "ServiceAccount"),
    QUOTA,
    ("node.k8s.io", "RuntimeClass"),
    PRIORITY,
    ("storage.k8s.io", "StorageClass"),
    ("networking.k8s.io", "IngressClass"),
}
# These would act on the rest of the set, or on our requests, or send some to where nothing answers: they are
# looked at only.
INACTIVE = {
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    ("apiregistration.k8s.io", "APIService"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
}


def key(document: Document) -> tuple[str, str]:
    """Group and kind."""
    return document.group, document.kind


def phases(documents: Iterable[Document]) -> list[list[Document]]:
    """Namespaces, definitions, what admission needs, the rest. Within a phase the order does not matter."""
    found: list[list[Document]] = [[], [], [], []]
    for document in documents:
        what = key(document)
        if what == NAMESPACE:
            found[0].append(document)
        elif what == DEFINITION:
            found[1].append(document)
        elif what in _FIRST:
            found[2].append(document)
        else:
            found[3].append(document)
    return found
