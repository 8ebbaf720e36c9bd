"""What the server's answers say about an object, as faults with a code and a field.

The texts that are taken apart here are those of

- k8s.io/apimachinery/pkg/runtime (strict decoding: `unknown field "…"`, `duplicate field "…"`),
- go.yaml.in/yaml/v2 (`line 5: key "x" already set in map`),
- sigs.k8s.io/json (`json: cannot unmarshal … into Go struct field …`),
- `Status` with causes (`FieldValueInvalid` and its siblings) for all that is validated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from sandkube.kube.status import Cause, Refusal

_STRICT = "strict decoding error: "
_UNKNOWN = re.compile(r'unknown field "((?:[^"\\]|\\.)*)"')
_DUPLICATE = re.compile(r'duplicate field "((?:[^"\\]|\\.)*)"')
_YAML_KEY = re.compile(r'line (\d+): key (".*?"|\S+) already set in map')
_GO_TYPE = re.compile(
    r"json: cannot unmarshal (?P<value>array|object|string|number|bool)(?: (?P<number>\S+))? into Go "
    r"(?:struct field (?P<struct>\w*)\.(?P<field>\S*)|value) of type (?P<type>\S+)"
)
_CODES = {
    "FieldValueRequired": "required",
    "FieldValueInvalid": "invalid-value",
    "FieldValueNotSupported": "unsupported-value",
    "FieldValueForbidden": "forbidden-field",
    "FieldValueDuplicate": "duplicate-value",
    "FieldValueNotFound": "not-found",
    "FieldValueTooLong": "too-long",
    "FieldValueTooMany": "too-many",
    "FieldValueTypeInvalid": "wrong-type",
}
_IMMUTABLE = re.compile(
    r"immutable|may not be changed|updates to .* are forbidden|cannot be changed", re.IGNORECASE
)
# What decoders say of values that have a reader of their own, and so name no field.
_READERS = {
    "quantity": re.compile(r"quantities must match|unable to parse quantity|quantity"),
    "time": re.compile(r'parsing time ".*" as'),
    "base64": re.compile(r"illegal base64 data"),
    "int-or-string": re.compile(r"intstr|IntOrString"),
    "duration": re.compile(r"time: (?:invalid|missing unit|unknown unit)"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that the server objects to.

    ``field`` is its path, as the server wrote it, and may be empty. ``line`` is a line of the text that was
    sent, from 1. ``found`` is the JSON type of the value that was there, where a type was wrong, and
    ``wanted`` Go's name of the type that should have been. ``loose`` says that the path has no indices.
    """

    code: str
    message: str
    field: str = ""
    line: int | None = None
    found: str | None = None
    wanted: str | None = None
    loose: bool = False


def strict_faults(refusal: Refusal) -> list[Fault]:
    """The unknown and duplicate fields that strict field validation objects to; empty if it is not that."""
    _, strict, said = refusal.message.partition(_STRICT)
    if refusal.code != HTTPStatus.BAD_REQUEST or not strict:
        return []
    faults = [
        Fault("unknown-field", f'unknown field "{path}"', _unquoted(path)) for path in _UNKNOWN.findall(said)
    ]
    lines = [
        Fault("duplicate-key", f"key {key} already set in map", key.strip('"'), int(line))
        for line, key in _YAML_KEY.findall(said)
    ]
    # sent as JSON the paths are told, and as YAML the lines
    paths = [
        Fault("duplicate-key", f'duplicate field "{path}"', _unquoted(path))
        for path in _DUPLICATE.findall(said)
    ]
    return faults + (lines or paths)


def decoding_fault(refusal: Refusal) -> Fault | None:
    """The value that keeps the server from reading the object at all; None if it could read it."""
    if refusal.code != HTTPStatus.BAD_REQUEST or _STRICT in refusal.message or refusal.causes:
        return None
    _, _, said = refusal.message.partition(" cannot be handled as a ")
    said = said.partition(": ")[2] or refusal.message
    if found := _GO_TYPE.search(said):
        return Fault(
            "wrong-type",
            said,
            field=found["field"] or "",
            found=found["value"],
            wanted=found["type"],
            loose=True,
        )
    for reader, pattern in _READERS.items():
        if pattern.search(said):
            return Fault("wrong-type", said, wanted=reader)
    if "cannot be handled as a" in refusal.message or "error decoding" in said or "json:" in said:
        return Fault("wrong-type", said)
    return None


def faults(refusal: Refusal) -> Iterator[Fault]:
    """All that a refusal says, of an object that could be read."""
    if refusal.causes:
        for cause in refusal.causes:
            yield _of_cause(cause)
        return
    yield Fault("refused", refusal.message)


def _of_cause(cause: Cause) -> Fault:
    code = _CODES.get(cause.reason, "invalid-value")
    if code in ("invalid-value", "forbidden-field") and _IMMUTABLE.search(cause.message):
        code = "immutable-field"
    field = "" if cause.field in ("<nil>", "") else cause.field
    return Fault(code, cause.message, field)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
