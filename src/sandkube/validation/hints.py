"""What may help: the name that a typo meant, the place where a field belongs, quotes around a word."""

from __future__ import annotations

import re

import yaml

from sandkube.kube.openapi import Schema
from sandkube.manifests import fields, scalars, values
from sandkube.manifests.document import Document
from sandkube.manifests.fields import Found
from sandkube.validation.spelling import nearest

# Kinds that Kubernetes had, and what came in their place.
REMOVED = {
    "PodSecurityPolicy": "Pod Security admission: label namespaces with pod-security.kubernetes.io/enforce",
    "PodPreset": "there is nothing in its place",
    "ThirdPartyResource": "use a CustomResourceDefinition",
    "ClusterTrustBundleProjection": "there is nothing in its place",
}
_SHOWN = 60  # characters of a value


def of_field(path: str, document: Document, schema: Schema | None) -> str | None:
    """What an unknown field may have meant: a name that is near, or a place near by where it belongs."""
    name = fields.last(path)
    above = re.sub(r"(^|\.)" + re.escape(name) + r"$", "", path)
    if schema is None:
        return None
    here = schema.at(above)
    if here is None:
        return None
    there = {key for key, _, _ in fields.entries(document.find(above).value)} if above else set()
    free = [one for one in here.names if one not in there] or list(here.names)
    if near := nearest(name, free):
        return f"did you mean `{near}`?"
    for below in here.names:
        field = here.field(below)
        inner = field.items or field if field is not None else None
        if inner is not None and name in inner.names:
            return f"`{name}` belongs into `{fields.join(above, below)}`: indent it below that"
    parts = re.findall(r"[^.\[\]]+(?:\[[^\]]*\])*", above)
    for count in range(len(parts) - 1, -1, -1):
        outer = ".".join(parts[:count])
        if (field := schema.at(outer)) is not None and name in field.names:
            return f"`{name}` belongs into `{outer or document.kind}`: indent it less"
    return None


def described(node: yaml.Node) -> str:
    """A value in words: the text `abc`, the number 8080, `true`, a list, a mapping."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    assert isinstance(node, yaml.ScalarNode)
    try:
        value = values.scalar_of(node)
    except values.UnreadableError:
        return f"`{node.value[:_SHOWN]}`"
    shown = node.value if len(node.value) <= _SHOWN else f"{node.value[:_SHOWN]}…"
    if isinstance(value, bool):
        return f"the truth value `{shown}`"
    if isinstance(value, (int, float)):
        return f"the number `{shown}`"
    return "nothing" if value is None else f"the text `{shown}`"


def of_value(node: yaml.Node, wanted: str) -> str | None:  # noqa: PLR0911 -- a case each
    """What to do with a value of the wrong type."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    try:
        value = values.scalar_of(node)
    except values.UnreadableError:
        return None
    plain = not node.style
    if "string" in wanted and plain and not isinstance(value, str):
        if isinstance(value, bool) and node.value.lower() not in ("true", "false"):
            return f'YAML 1.1 reads {node.value} as {str(value).lower()}: put it in quotes, "{node.value}"'
        if isinstance(value, int) and not isinstance(value, bool) and str(value) != node.value:
            return f'YAML 1.1 reads {node.value} as the number {value}: put it in quotes, "{node.value}"'
        return f'put it in quotes: "{node.value}"'
    if isinstance(value, str) and not plain and scalars.kind_of(scalars.plain(value)) != "string":
        return f"leave the quotes out: {node.value}"
    return None


def of_key(found: Found | None) -> str | None:
    """Why a field that was found has another name than the one that stands there."""
    key = found.key if found is not None and found.whole else None
    if not isinstance(key, yaml.ScalarNode) or key.style or (name := values.key_of(key)) in (None, key.value):
        return None
    return f'YAML 1.1 reads the name {key.value} as {name}: put it in quotes, "{key.value}"'


def of_fault(message: str, found: Found) -> str | None:
    """What to do about a value that the server does not allow."""
    if (supported := re.search(r"supported values: (.+)$", message)) and isinstance(
        found.value, yaml.ScalarNode
    ):
        names = re.findall(r'"([^"]+)"', supported[1])
        near = nearest(found.value.value, names)
        return f"did you mean `{near}`?" if near and found.whole else None
    return None
