"""The texts are those that a server of Kubernetes 1.37 gave."""

from __future__ import annotations

import pytest

from sandkube.kube.status import Cause, Refusal
from sandkube.validation.refusals import Fault, decoding_fault, faults, strict_faults

HANDLED = 'Deployment in version "v1" cannot be handled as a Deployment: '


def bad(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def test_unknown_fields_and_keys_that_are_there_twice() -> None:
    found = strict_faults(
        bad(
            f"{HANDLED}strict decoding error: yaml: unmarshal errors:\n"
            '  line 4: key "name" already set in map\n'
            '  line 9: key "a" already set in map, unknown field "spec.containers[0].imagee",'
            ' unknown field "spec.x"'
        )
    )
    assert [(one.code, one.field, one.line) for one in found] == [
        ("unknown-field", "spec.containers[0].imagee", None),
        ("unknown-field", "spec.x", None),
        ("duplicate-key", "name", 4),
        ("duplicate-key", "a", 9),
    ]


def test_duplicates_in_json() -> None:
    found = strict_faults(bad(f'{HANDLED}strict decoding error: duplicate field "spec.replicas"'))
    assert [(one.code, one.field) for one in found] == [("duplicate-key", "spec.replicas")]


def test_what_is_no_strict_error() -> None:
    assert strict_faults(Refusal(422, "Invalid", "strict decoding error: x")) == []
    assert strict_faults(bad("something else")) == []


@pytest.mark.parametrize(
    ("message", "field", "found", "wanted"),
    [
        (
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            "spec.replicas",
            "string",
            "int32",
        ),
        (
            "json: cannot unmarshal number 1.5 into Go struct field Spec.spec.replicas of type int32",
            "spec.replicas",
            "number",
            "int32",
        ),
        (
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string",
            "metadata.labels",
            "bool",
            "string",
        ),
        (
            "json: cannot unmarshal array into Go value of type map[string]string",
            "",
            "array",
            "map[string]string",
        ),
        ("quantities must match the regular expression '^([+-]?[0-9.]+)'", "", None, "quantity"),
        ("unable to parse quantity's suffix", "", None, "quantity"),
        ('parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse', "", None, "time"),
        ("illegal base64 data at input byte 4", "", None, "base64"),
        ("something new", "", None, None),
    ],
)
def test_values_that_cannot_be_read(message: str, field: str, found: str | None, wanted: str | None) -> None:
    fault = decoding_fault(bad(HANDLED + message))
    assert fault is not None
    assert (fault.code, fault.field, fault.found, fault.wanted) == ("wrong-type", field, found, wanted)


def test_refusals_of_what_could_be_read() -> None:
    assert decoding_fault(Refusal(422, "Invalid", "x", (Cause("FieldValueInvalid", "m", "f"),))) is None
    assert decoding_fault(bad(f"{HANDLED}strict decoding error: unknown field")) is None
    assert decoding_fault(bad("the namespace of the provided object does not match")) is None


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (Cause("FieldValueRequired", "Required value", "spec.selector"), "required"),
        (Cause("FieldValueInvalid", "Invalid value: 0: must be", "spec.x"), "invalid-value"),
        (Cause("FieldValueInvalid", 'Invalid value: "a": field is immutable', "spec.x"), "immutable-field"),
        (Cause("FieldValueForbidden", "Forbidden: updates to x are forbidden", "spec"), "immutable-field"),
        (Cause("FieldValueForbidden", "Forbidden: may not be set", "spec.x"), "forbidden-field"),
        (Cause("FieldValueTypeInvalid", 'Invalid value: "string"', "spec.x"), "wrong-type"),
        (Cause("SomethingNew", "m", "spec.x"), "invalid-value"),
    ],
)
def test_causes(cause: Cause, code: str) -> None:
    (found,) = faults(Refusal(422, "Invalid", "m", (cause,)))
    assert (found.code, found.field, found.message) == (code, cause.field, cause.message)


def test_a_refusal_without_causes() -> None:
    assert list(faults(Refusal(403, "Forbidden", "exceeded quota"))) == [Fault("refused", "exceeded quota")]
