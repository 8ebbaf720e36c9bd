"""What in a set makes further objects: controllers by their custom resources, and programs of the set itself.

A reference to what is made so leads somewhere, though no manifest shows it. Four things are looked at:

1. What Kubernetes itself makes: the claims of a StatefulSet.
2. Kinds that are known, with the names of what they make (cert-manager's Certificate, for one).
3. Kinds that are not known: an object of one may make whatever it names, and what bears its own name.
4. Programs: a name that stands in a command line, an environment variable or a script, where an account that
   runs a pod of the set may write objects of that kind (a Job that makes the certificate of a webhook).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sandkube.validation.references.items import Item
from sandkube.validation.references.kinds import (
    BUILT_IN_GROUPS,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    GATEWAY,
    INGRESS,
    RESOURCES,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Kind,
)
from sandkube.validation.references.selectors import Selector
from sandkube.validation.references.templates import TEMPLATES, template_of
from sandkube.validation.references.tree import Node

# Kinds that make neither pods nor what pods refer to; None stands for the whole group.
_BYSTANDERS: Final[Mapping[str, frozenset[str] | None]] = {
    "autoscaling.k8s.io": None,
    "cilium.io": None,
    "crd.projectcalico.org": None,
    "gateway.networking.k8s.io": None,
    "keda.sh": None,
    "monitoring.coreos.com": frozenset(
        {"PodMonitor", "Probe", "PrometheusRule", "ScrapeConfig", "ServiceMonitor"}
    ),
    "networking.istio.io": None,
    "projectcalico.org": None,
    "security.istio.io": None,
    "snapshot.storage.k8s.io": None,
    "telemetry.istio.io": None,
    "traefik.containo.us": None,
    "traefik.io": None,
}


def _certificate(tree: Node) -> Iterator[str]:
    yield tree.at("spec", "secretName").text


def _issuer(tree: Node) -> Iterator[str]:
    yield tree.at("spec", "acme", "privateKeySecretRef", "name").text


def _external_secret(tree: Node) -> Iterator[str]:
    yield tree.at("spec", "target", "name").text or tree.at("metadata", "name").text


def _cluster_external_secret(tree: Node) -> Iterator[str]:
    # The name of an ExternalSecret is that of its Secret, where the Secret has no other.
    yield (
        tree.at("spec", "externalSecretSpec", "target", "name").text
        or tree.at("spec", "externalSecretName").text
        or tree.at("metadata", "name").text
    )


def _sealed_secret(tree: Node) -> Iterator[str]:
    yield tree.at("spec", "template", "metadata", "name").text or tree.at("metadata", "name").text


def _provider_class(tree: Node) -> Iterator[str]:
    for secret in tree.at("spec", "secretObjects").each():
        yield secret["secretName"].text


def _vault_secret(tree: Node) -> Iterator[str]:
    yield tree.at("spec", "destination", "name").text


def _own_name(tree: Node) -> Iterator[str]:
    yield tree.at("metadata", "name").text


# What is known to make Secrets (and, for a Bundle, ConfigMaps), and how they are called. Other kinds of these
# groups make none.
_KNOWN: Final[Mapping[str, Mapping[str, Callable[[Node], Iterator[str]]]]] = {
    "bitnami.com": {"SealedSecret": _sealed_secret},
    "cert-manager.io": {"Certificate": _certificate, "ClusterIssuer": _issuer, "Issuer": _issuer},
    "external-secrets.io": {
        "ClusterExternalSecret": _cluster_external_secret,
        "ExternalSecret": _external_secret,
    },
    "secrets-store.csi.x-k8s.io": {"SecretProviderClass": _provider_class},
    "secrets.hashicorp.com": {
        "HCPVaultSecretsApp": _vault_secret,
        "VaultDynamicSecret": _vault_secret,
        "VaultPKISecret": _vault_secret,
        "VaultStaticSecret": _vault_secret,
    },
    "trust.cert-manager.io": {"Bundle": _own_name},
}

# Annotations that have a controller make the certificate that an Ingress or a Gateway names.
_CERTIFIED: Final = re.compile(
    r"(.+\.)?cert-manager\.io/.*|certmanager\.k8s\.io/.*|cert\.gardener\.cloud/.*|kubernetes\.io/tls-acme"
)
_SERVING_CERTIFICATE: Final = (
    "service.beta.openshift.io/serving-cert-secret-name",
    "service.alpha.openshift.io/serving-cert-secret-name",
)

# ClusterRoles of every cluster that may write what a program of a set would make.
_WRITERS: Final = frozenset({"admin", "cluster-admin", "edit"})
CREATING: Final = frozenset({"create", "*"})
WRITING: Final = CREATING | {"patch", "update"}


def certified(tree: Node) -> bool:
    """Whether a controller is asked, by an annotation, for the certificates that an object names."""
    return any(_CERTIFIED.fullmatch(key) for key in tree.at("metadata", "annotations").names())


@dataclass(frozen=True, slots=True)
class _Grant:
    """What an account of the set may do: everywhere if ``namespace`` is None, anything if ``rules`` is."""

    namespace: str | None
    rules: Node | None

    def covers(self, resource: str, namespace: str | None, verbs: frozenset[str]) -> bool:
        if self.namespace not in {None, namespace}:
            return False
        return self.rules is None or any(_allows(rule, resource, verbs) for rule in self.rules.each())


class Makers:
    """What a set makes beside what it shows."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._names = frozenset(_names(items))
        self._claims = [pattern for item in items for pattern in _claims(item)]
        self._strangers = [item for item in items if _stranger(item.kind)]
        self._grants = list(_grants(items))
        self._words: list[str] | None = None

    def make(self, kind: Kind, namespace: str | None, name: str) -> bool:
        """Whether something in the set makes, or may make, an object."""
        return (
            (kind, namespace, name) in self._names
            or (kind, None, name) in self._names
            or (
                kind == VOLUME_CLAIM
                and any(home == namespace and re.fullmatch(claim, name) for home, claim in self._claims)
            )
            or any(_may_make(stranger, namespace, name) for stranger in self._strangers)
            or (self.may_write(kind, namespace) and self._mentioned(name))
        )

    def may_write(self, kind: Kind, namespace: str | None, verbs: frozenset[str] = WRITING) -> bool:
        """Whether an account that runs a pod of the set may write objects of a kind, by one of ``verbs``."""
        resource = RESOURCES.get(kind)
        return resource is not None and any(
            grant.covers(resource, namespace, verbs) for grant in self._grants
        )

    def may_run(self, namespace: str, selector: Selector) -> bool:
        """Whether an object of an unknown kind may have pods with the labels that a selector asks for."""
        values = {value for requirement in selector for value in requirement.values}
        return any(
            _near(stranger, namespace) and (stranger.name in values or _bears(stranger.tree, selector))
            for stranger in self._strangers
        )

    def _mentioned(self, name: str) -> bool:
        if self._words is None:
            self._words = [text for item in self._items for text in _words(item)]
        word = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(name)}(?![A-Za-z0-9-])")
        return any(word.search(text) for text in self._words)


def _stranger(kind: Kind) -> bool:
    if kind.group in BUILT_IN_GROUPS or kind.group in _KNOWN or kind in TEMPLATES:
        return False
    kinds = _BYSTANDERS.get(kind.group, frozenset())
    return kinds is not None and kind.name not in kinds


def _names(items: Sequence[Item]) -> Iterator[tuple[Kind, str | None, str]]:
    for item in items:
        known = _KNOWN.get(item.kind.group, {}).get(item.kind.name)
        for name in known(item.tree) if known else ():
            # An issuer for the whole cluster keeps its Secrets in a namespace that the set need not show.
            yield SECRET, item.namespace, name
            if item.kind.name == "Bundle":
                yield CONFIG_MAP, item.namespace, name
        for name in _certificates(item):
            yield SECRET, item.namespace, name


def _certificates(item: Item) -> Iterator[str]:
    """The Secrets of certificates that an annotation of an object of Kubernetes' own asks for."""
    if item.kind == INGRESS and certified(item.tree):
        for entry in item.tree.at("spec", "tls").each():
            yield entry["secretName"].text
    elif item.kind == GATEWAY and certified(item.tree):
        for listener in item.tree.at("spec", "listeners").each():
            for reference in listener.at("tls", "certificateRefs").each():
                yield reference["name"].text
    elif item.kind == SERVICE:
        annotations = item.tree.at("metadata", "annotations")
        for key in _SERVING_CERTIFICATE:
            yield annotations[key].text


def _claims(item: Item) -> Iterator[tuple[str, str]]:
    if item.kind == STATEFUL_SET:
        for claim in item.tree.at("spec", "volumeClaimTemplates").each():
            name = claim.at("metadata", "name").text
            yield item.home, rf"{re.escape(name)}-{re.escape(item.name)}-\d+"


def _near(stranger: Item, namespace: str | None) -> bool:
    """Whether what an object makes may lie in a namespace: its own, one that it names, any if it has none."""
    own = stranger.tree.at("metadata", "namespace").text
    return not own or namespace in {None, own} or _names_something(stranger, namespace)


def _may_make(stranger: Item, namespace: str | None, name: str) -> bool:
    if not _near(stranger, namespace):
        return False
    if stranger.name and re.search(rf"(^|[-.]){re.escape(stranger.name)}([-.]|$)", name):
        return True
    return _names_something(stranger, name)


def _names_something(stranger: Item, name: str | None) -> bool:
    """Whether a name stands in what an object asks for: in any field but those that say what itself is."""
    asked = [stranger.tree[field] for field in stranger.tree.names() - {"apiVersion", "kind", "metadata"}]
    return any(name in field.inside() for field in (*asked, stranger.tree.at("metadata", "annotations")))


def _bears(tree: Node, selector: Selector) -> bool:
    """Whether some labels in an object, those of a template for one, are what a selector asks for."""
    return any(
        all(requirement.holds(labels, {}) for requirement in selector)
        for value in tree.inside()
        if (labels := Node(value).strings())
    )


def _words(item: Item) -> Iterator[str]:
    """The texts in which a program may be told what to make."""
    if item.kind == CONFIG_MAP:
        yield from item.tree["data"].strings().values()
    template = template_of(item.kind, item.tree)
    if template is None:
        return
    for list_ in ("containers", "initContainers"):
        for container in template.spec[list_].each():
            for words in (container["command"], container["args"]):
                yield from (word.text for word in words.each())
            yield from (variable["value"].text for variable in container["env"].each())


def _grants(items: Sequence[Item]) -> Iterator[_Grant]:
    roles = {(item.kind, item.namespace, item.name): item.tree["rules"] for item in items if item.name}
    accounts = {
        (item.home, template.account.text or "default")
        for item in items
        if (template := template_of(item.kind, item.tree)) is not None
    }
    for item in items:
        if item.kind not in {ROLE_BINDING, CLUSTER_ROLE_BINDING}:
            continue
        subjects = {
            (subject["namespace"].text or item.home, subject["name"].text)
            for subject in item.tree["subjects"].each()
            if subject["kind"].text == "ServiceAccount"
        }
        if not accounts & subjects:
            continue
        name = item.tree.at("roleRef", "name").text
        everywhere = item.tree.at("roleRef", "kind").text == CLUSTER_ROLE.name
        key = (CLUSTER_ROLE, None, name) if everywhere else (ROLE, item.namespace, name)
        if key in roles:
            yield _Grant(item.namespace, roles[key])
        elif everywhere and name in _WRITERS:
            yield _Grant(item.namespace, None)


def _allows(rule: Node, resource: str, verbs: frozenset[str]) -> bool:
    resources = {one.text for one in rule["resources"].each()}
    allowed = {one.text for one in rule["verbs"].each()}
    return bool(resources & {resource, "*"}) and bool(allowed & verbs)
