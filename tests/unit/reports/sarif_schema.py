"""A JSON Schema of the part of SARIF 2.1.0 that we write: what the specification demands of it, and no more.

Written from the specification, with the sections it comes from. It allows no key that we do not write, so
that a new one is looked up there first. The specification's own schema allows much more, and knows less: that
a relative address has no `..` and no colon in its first part, or which roles standard input plays.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _object(properties: Schema, *required: str) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _list(items: Schema, **more: object) -> Schema:
    return {"type": "array", "items": items, **more}


TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "integer", "minimum": 1}
MESSAGE = _object({"text": TEXT}, "text")  # 3.11: an inline message
LEVEL: Schema = {"enum": ["none", "note", "warning", "error"]}  # 3.27.10

# 3.4.3 and RFC 3986: with a base it is relative, percent-encoded, and does not leave the base
RELATIVE: Schema = {
    "type": "string",
    "pattern": r"^([A-Za-z0-9._~/-]|%[0-9A-F]{2})+$",
    "not": {"pattern": r"^/|(^|/)\.\.(/|$)"},
}
ARTIFACT_LOCATION: Schema = {
    "oneOf": [
        _object({"uri": RELATIVE, "uriBaseId": {"const": "%SRCROOT%"}}, "uri", "uriBaseId"),
        _object({"uri": {"type": "string", "pattern": r"^file:///([A-Za-z0-9._~/-]|%[0-9A-F]{2})+$"}}, "uri"),
        _object({"uri": {"const": "stdin"}, "description": MESSAGE}, "uri", "description"),
    ]
}

# 3.30: a line, columns from 1, the end behind what is meant
REGION = _object(
    {
        "startLine": NUMBER,
        "startColumn": NUMBER,
        "endColumn": NUMBER,
        "snippet": _object({"text": {"type": "string"}}, "text"),
    },
    "startLine",
)
PHYSICAL = _object(  # 3.29
    {"artifactLocation": ARTIFACT_LOCATION, "region": REGION, "contextRegion": REGION},
    "artifactLocation",
    "region",  # 3.29.5: where there is a context, there is what it is around
)
LOGICAL = _object(  # 3.33
    {"name": TEXT, "fullyQualifiedName": TEXT, "kind": {"const": "object"}}, "name", "fullyQualifiedName"
)
LOCATION = _object(  # 3.28
    {
        "id": {"type": "integer", "minimum": 0},
        "message": MESSAGE,
        "physicalLocation": PHYSICAL,
        "logicalLocations": _list(LOGICAL, uniqueItems=True, minItems=1),
    }
)
SUPPRESSION = _object(  # 3.35
    {
        "kind": {"enum": ["inSource", "external"]},
        "status": {"enum": ["accepted", "underReview", "rejected"]},
        "justification": TEXT,
    },
    "kind",
)
RESULT = _object(  # 3.27
    {
        "ruleId": TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": _list(LOCATION, maxItems=1),
        "relatedLocations": _list(LOCATION, uniqueItems=True, minItems=1),
        "partialFingerprints": {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
        "suppressions": _list(SUPPRESSION, uniqueItems=True),
        "properties": {"type": "object"},
    },
    "ruleId",
    "level",
    "message",
    "locations",
    "partialFingerprints",
)
RULE = _object(  # 3.49
    {
        "id": TEXT,
        "name": TEXT,
        "shortDescription": MESSAGE,
        "fullDescription": MESSAGE,
        "help": MESSAGE,
        "defaultConfiguration": _object({"level": LEVEL}, "level"),
        "properties": {"type": "object"},
    },
    "id",
)
DRIVER = _object(  # 3.19
    {
        "name": TEXT,
        "version": TEXT,
        "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
        "informationUri": {"type": "string", "format": "uri"},
        "rules": _list(RULE, uniqueItems=True),
    },
    "name",
)
ARTIFACT = _object(  # 3.24
    {
        "location": ARTIFACT_LOCATION,
        "roles": _list({"enum": ["analysisTarget", "standardStream"]}, uniqueItems=True),
    },
    "location",
)
RUN = _object(  # 3.14
    {
        "tool": _object({"driver": DRIVER}, "driver"),
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "originalUriBaseIds": {
            "type": "object",
            "additionalProperties": _object({"description": MESSAGE}, "description"),
        },
        "invocations": _list(_object({"executionSuccessful": {"type": "boolean"}}, "executionSuccessful")),
        "artifacts": _list(ARTIFACT, uniqueItems=True),
        "results": _list(RESULT),
        "properties": {"type": "object"},
    },
    "tool",
    "results",
)
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        {
            "$schema": {"type": "string", "format": "uri"},
            "version": {"const": "2.1.0"},
            "runs": _list(RUN, minItems=1),
        },
        "$schema",
        "version",
        "runs",
    ),
}
