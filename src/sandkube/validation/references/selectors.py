"""Selectors, and which labels they match."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sandkube.validation.references.tree import Node

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]
_OPERATORS: Mapping[str, Operator] = {
    "In": "In",
    "NotIn": "NotIn",
    "Exists": "Exists",
    "DoesNotExist": "DoesNotExist",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a selector asks of labels."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str], given: Mapping[str, str]) -> bool:
        """Whether labels fulfil it.

        ``given`` are labels that a controller adds later: for each key, a pattern of its values. They may
        have any value that the pattern allows.
        """
        if self.key in labels:
            return {
                "In": labels[self.key] in self.values,
                "NotIn": labels[self.key] not in self.values,
                "Exists": True,
                "DoesNotExist": False,
            }[self.operator]
        if self.key in given:
            if self.operator == "In":
                return any(re.fullmatch(given[self.key], value) for value in self.values)
            return self.operator != "DoesNotExist"
        return self.operator in {"NotIn", "DoesNotExist"}


Selector = tuple[Requirement, ...]


def of_labels(labels: Node) -> Selector | None:
    """The selector of a Service: labels that must all be there; None if it is malformed."""
    strings = labels.strings()
    if not isinstance(labels.value, Mapping) or len(strings) != len(labels.value):
        return None
    return tuple(Requirement(key, "In", frozenset({value})) for key, value in strings.items())


def of_selector(selector: Node) -> Selector | None:
    """A selector of `matchLabels` and `matchExpressions`; None if it is malformed or not there."""
    if not isinstance(selector.value, Mapping):
        return None
    labels = of_labels(selector["matchLabels"]) if selector["matchLabels"].there else ()
    expressions = [_expression(one) for one in selector["matchExpressions"].each()]
    known = [one for one in expressions if one is not None]
    listed = selector["matchExpressions"].value
    if labels is None or len(known) != len(expressions) or (listed and not expressions):
        return None
    return (*labels, *known)


def _expression(expression: Node) -> Requirement | None:
    operator = _OPERATORS.get(expression["operator"].text)
    values = [value.text for value in expression["values"].each()]
    if operator is None or not expression["key"].text:
        return None
    if (operator in {"In", "NotIn"}) != bool(values):
        return None
    return Requirement(expression["key"].text, operator, frozenset(values))
