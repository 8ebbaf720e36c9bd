"""What the API server reads in a scalar: YAML 1.1 as Go's `yaml` library of version 2 takes it.

Neither YAML 1.1 as it is written nor PyYAML: ``y`` and ``n`` are truth values, ``0777`` and ``0o17`` are
octal, ``190:20:30`` is text, and a date is text. kubectl and the API server read with the same library.
"""

from __future__ import annotations

import re
from typing import Any

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
_FALSE = {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
_SPECIAL = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), "nan"),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), "inf"),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), "-inf"),
}
# strconv.ParseInt with base 0; the underscores that it would take are gone by then
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES = {"x": 16, "b": 2, "o": 8, "d": 10}

_STRING = "tag:yaml.org,2002:str"
_PREFIX = "tag:yaml.org,2002:"


def plain(text: str) -> Any:  # noqa: PLR0911 -- a kind of value each
    """The value of a scalar that stands there without quotes: None, bool, int, float or str."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text in _SPECIAL:
        return float(_SPECIAL[text])
    if text[0] == ".":
        return float(text) if _FLOAT.fullmatch(text) else text
    if text[0] not in "+-0123456789":
        return text
    digits = text.replace("_", "")
    if found := _INTEGER.fullmatch(digits):
        base = next(name for name in _BASES if found[name] is not None)
        number = int(found["sign"] + found[base], _BASES[base])
        if -(2**63) <= number < 2**64:
            return number
    return float(digits) if _FLOAT.fullmatch(digits) else text


def tagged(text: str, tag: str) -> Any:
    """The value of a scalar with an explicit tag; ValueError where it is not what the tag says."""
    if not tag.startswith(_PREFIX) or tag in (_STRING, f"{_PREFIX}binary"):
        return text
    value = plain(text)
    kind = tag[len(_PREFIX) :]
    fits = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, (int, float)) and not isinstance(value, bool),
    }
    if not fits.get(kind, True):
        raise ValueError(f"`{text}` is no {kind}.")
    return float(value) if kind == "float" else value


def kind_of(value: Any) -> str:
    """What Go's JSON decoder calls such a value in its errors: string, number, bool, array, object, null."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
