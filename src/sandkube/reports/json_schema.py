"""The JSON Schema of the report in JSON, for the documents and for readers that check what they read.

It says what version 1 has. A later sandkube may add keys without another version, so a reader passes over
keys that it does not know; nothing here forbids them.
"""

from __future__ import annotations

from typing import Any, Final

from sandkube.reports.finding import SEVERITIES
from sandkube.reports.json_report import KIND, LONGEST_LINE, VERSION

_Schema = dict[str, Any]


def _object(description: str, properties: dict[str, _Schema]) -> _Schema:
    """An object that has all of ``properties``."""
    return {
        "type": "object",
        "description": description,
        "required": list(properties),
        "properties": properties,
    }


def _string(description: str) -> _Schema:
    return {"type": "string", "description": description}


def _string_or_null(description: str) -> _Schema:
    return {"type": ["string", "null"], "description": description}


def _count(description: str) -> _Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def _some(name: str, description: str) -> _Schema:
    """A list of what ``$defs`` has by that name."""
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}, "description": description}


def _or_null(name: str, description: str) -> _Schema:
    """What ``$defs`` has by that name, or null."""
    return {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}], "description": description}


_SEVERITY: Final[_Schema] = {"enum": list(SEVERITIES), "description": "How bad it is."}

_PLACE: Final = _object(
    "A place in a text.",
    {
        "file": _string("The path as it was given; - is standard input."),
        "line": {"type": "integer", "minimum": 1, "description": "The line, counted from 1."},
        "column": {
            "type": "integer",
            "minimum": 1,
            "description": "The column, counted from 1 in characters (Unicode code points).",
        },
        "end": {
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "The column behind what is meant, on the same line; null where it is not known.",
        },
        "text": _string_or_null(
            "The line as it stands there; null where it is not known, "
            f"or has more than {LONGEST_LINE:,} characters."
        ),
    },
)

_SUBJECT: Final = _object(
    "An object of Kubernetes.",
    {
        "apiVersion": _string("Its group and version."),
        "kind": _string("Its kind."),
        "namespace": _string_or_null("Its namespace; null for what lies in none."),
        "name": _string("Its name."),
    },
)

_FINDING: Final = _object(
    "One thing that is amiss.",
    {
        "code": _string("What kind of finding it is: a key of rules. Versions keep it."),
        "severity": _SEVERITY,
        "message": _string("What is amiss, in plain words."),
        "place": _or_null(
            "place", "Where: in the template, of something rendered; null where no file is to blame."
        ),
        "object": _or_null("object", "The object that it is about; null where there is none."),
        "field": _string_or_null("The path of the field, as the server writes paths."),
        "server": _string_or_null("What the server itself said; null where it said nothing."),
        "hint": _string_or_null("What may help; null where nothing is known."),
        "rendered": _or_null("place", "Where in what a template gave; null for what was not rendered."),
        "case": _string_or_null("The case of values that it was rendered with."),
        "fingerprint": _string("What a baseline knows it by: it stays while lines are moved about."),
    },
)

_RULE: Final = _object(
    "What a code means.",
    {
        "severity": _SEVERITY,
        "title": _string("A few words."),
        "meaning": _string("What the cluster does, and what helps."),
    },
)

SCHEMA: Final[_Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "The report of sandkube validate",
    **_object(
        "What a validation found. Keys that are not described here may be added without another version.",
        {
            "version": {"const": VERSION, "description": "The version of this form."},
            "kind": {"const": KIND, "description": "What this is."},
            "ok": {"type": "boolean", "description": "Whether there is no error; there may be warnings."},
            "kubernetes": _string("The version of Kubernetes that judged."),
            "seconds": {"type": "number", "minimum": 0, "description": "How long it took."},
            "summary": _object(
                "How much there is.",
                {
                    "files": _count("How many files were read."),
                    "documents": _count("How many objects were judged."),
                    "errors": _count("How many findings are errors."),
                    "warnings": _count("How many findings are warnings."),
                    "accepted": _count("How many findings more the baseline accepted."),
                },
            ),
            "files": {
                "type": "array",
                "items": {"type": "string"},
                "description": "The files that were read, as they were given.",
            },
            "findings": _some("finding", "What is amiss, without what the baseline accepted."),
            "accepted": _some("finding", "What the baseline accepted."),
            "rules": {
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/rule"},
                "description": "What each code means, by code.",
            },
        },
    ),
    "$defs": {"finding": _FINDING, "object": _SUBJECT, "place": _PLACE, "rule": _RULE},
}
