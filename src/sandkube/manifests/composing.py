"""From text to a tree of YAML nodes with marks. Nothing is resolved, and no object is made."""

from __future__ import annotations

from typing import Any

import yaml

from sandkube.manifests.values import UNTAGGED

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Deeper ones are a trap: the composer calls itself for each level.
_DEEPEST = 400
_MAYBE_DEEP = 2 * _DEEPEST


class _Composer(_Loader):  # type: ignore[misc] # which of the two it is is known when it runs
    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 -- PyYAML's signature
        """The tag of a node without one."""
        return UNTAGGED


class TooDeepError(ValueError):
    """The text nests deeper than any object does."""


def compose(text: str) -> yaml.Node | None:
    """The tree of one YAML document; None for one that holds nothing.

    yaml.MarkedYAMLError, with a mark, for text that is no YAML, or two documents; TooDeepError.
    """
    if text.count("[") + text.count("{") + text.count("- -") + text.count("? ?") > _MAYBE_DEEP:
        _refuse_deep(text)
    loader = _Composer(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return node


def _refuse_deep(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise TooDeepError
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
