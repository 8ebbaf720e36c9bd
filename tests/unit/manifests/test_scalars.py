"""What the API server reads, by the tables of go.yaml.in/yaml/v2 (resolve.go)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sandkube.manifests import scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("y", True),
        ("Yes", True),
        ("on", True),
        ("n", False),
        ("OFF", False),
        ("yEs", "yEs"),
        ("12", 12),
        ("+12", 12),
        ("-0", 0),
        ("1_000", 1000),
        ("0777", 511),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("-0b101", -5),
        ("089", 89.0),  # no octal number, and so taken for a float
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", float(2**64)),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("190:20:30", "190:20:30"),  # sexagesimal in YAML 1.1, text here
        ("2026-01-31", "2026-01-31"),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("-", "-"),
        ("1Gi", "1Gi"),
        (".inf", math.inf),
    ],
)
def test_plain(text: str, value: Any) -> None:
    found = scalars.plain(text)
    assert found == value
    assert type(found) is type(value)


def test_a_tag_says_what_a_scalar_is() -> None:
    assert scalars.tagged("0777", "tag:yaml.org,2002:str") == "0777"
    assert scalars.tagged("3", "tag:yaml.org,2002:float") == 3.0
    assert scalars.tagged("x", "!own") == "x"
    with pytest.raises(ValueError, match="`abc` is no int"):
        scalars.tagged("abc", "tag:yaml.org,2002:int")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "bool"),
        (1, "number"),
        (1.5, "number"),
        ("", "string"),
        ([], "array"),
        ({}, "object"),
    ],
)
def test_what_go_calls_it(value: Any, kind: str) -> None:
    assert scalars.kind_of(value) == kind
