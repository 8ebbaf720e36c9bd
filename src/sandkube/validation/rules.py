"""Every code that a finding may have, and what it means."""

from __future__ import annotations

from collections.abc import Mapping

from sandkube.reports import Rule
from sandkube.validation import references

_ERRORS = (
    ("yaml-syntax", "No YAML", "The text cannot be read as YAML. kubectl and the API server read YAML 1.1."),
    ("yaml-encoding", "No UTF-8", "The file holds bytes that are no text in UTF-8."),
    (
        "not-an-object",
        "No object",
        "A document has to be a mapping with `apiVersion`, `kind` and `metadata`.",
    ),
    ("missing-kind", "No kind", "Without `kind` nobody knows what the object is."),
    ("missing-api-version", "No apiVersion", "Without `apiVersion` nobody knows what the object is."),
    ("missing-name", "No name", "An object needs `metadata.name`, or `generateName`."),
    (
        "unknown-kind",
        "Unknown kind",
        (
            "The API server knows no such kind. Of a custom resource the CustomResourceDefinition is missing:"
            " add it to the set, or name it with `--crds`."
        ),
    ),
    (
        "removed-api",
        "Removed API version",
        (
            "Kubernetes served this version of the kind once, and does no more. The object has to be moved to"
            " a version that is served."
        ),
    ),
    (
        "duplicate-object",
        "Object twice",
        "The set holds two objects of this kind, namespace and name: the later one overwrites the first.",
    ),
    (
        "duplicate-key",
        "Field twice",
        "A mapping holds the field twice. Without strict field validation the last one counts.",
    ),
    (
        "unknown-field",
        "Unknown field",
        "The kind has no such field. Without strict field validation it is dropped, and does nothing.",
    ),
    (
        "wrong-type",
        "Wrong type",
        "The field's value is of another type than the kind has it, or cannot be read as what it should be.",
    ),
    ("required", "Missing field", "The kind demands this field."),
    ("invalid-value", "Invalid value", "The API server does not allow this value."),
    (
        "unsupported-value",
        "Unsupported value",
        "The field takes only certain values, and this is none of them.",
    ),
    (
        "forbidden-field",
        "Forbidden field",
        "The field may not be set here, or not together with another one.",
    ),
    ("duplicate-value", "Value twice", "The value has to be unique in its list."),
    ("not-found", "Name of nothing", "The field names another part of the object, which is not there."),
    ("too-long", "Too long", "The value is longer than allowed."),
    ("too-many", "Too many", "The list holds more items than allowed."),
    (
        "immutable-field",
        "Immutable field",
        "The field of an object that exists cannot be changed: it would have to be deleted and made anew.",
    ),
    (
        "refused",
        "Refused",
        (
            "The API server understands the object, and does not admit it: a quota, a policy, Pod Security,"
            " something that it refers to."
        ),
    ),
    (
        "failed-create",
        "Pods cannot be created",
        (
            "The object is accepted, but its controller is not allowed to create what it stands for. It would"
            " never run."
        ),
    ),
    ("missing-dependency", "Missing chart", "A chart that this one depends on is not there."),
    ("render-failed", "Not rendered", "The chart or the kustomization cannot be rendered."),
)
_WARNINGS = (
    (
        "deprecated-api",
        "Deprecated API",
        "The API server still serves this, and says that it will not for ever.",
    ),
    (
        "server-warning",
        "Warning of the server",
        "The API server accepts the object, and warns of something in it.",
    ),
    (
        "not-judged",
        "Not judged",
        "The object was judged only in part; the message says why.",
    ),
)

RULES: Mapping[str, Rule] = {
    rule.code: rule
    for rule in (
        *(Rule(code, "error", title, meaning) for code, title, meaning in _ERRORS),
        *(Rule(code, "warning", title, meaning) for code, title, meaning in _WARNINGS),
        *references.RULES,
    )
}
