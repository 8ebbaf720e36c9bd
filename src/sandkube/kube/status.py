"""What an API server says when it refuses: `Status` of meta/v1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandkube.kube.client import Answer


@dataclass(frozen=True, slots=True)
class Cause:
    """One of several reasons: ``field`` may be empty, ``reason`` is a `CauseType` (`FieldValueInvalid`)."""

    reason: str
    message: str
    field: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused: HTTP status, `StatusReason`, the text, and the causes if there are."""

    code: int
    reason: str
    message: str
    causes: tuple[Cause, ...] = ()
    kind: str = ""
    name: str = ""


def refusal(answer: Answer) -> Refusal | None:
    """What the answer refuses with; None if it does not refuse."""
    if answer.ok:
        return None
    value = answer.value
    if not isinstance(value, dict) or value.get("kind") != "Status":
        text = answer.body[:500].decode("utf-8", "replace").strip()
        return Refusal(answer.code, "", text or f"HTTP status {answer.code}")
    details: dict[str, Any] = value.get("details") or {}
    causes = tuple(
        Cause(str(one.get("reason", "")), str(one.get("message", "")), str(one.get("field", "")))
        for one in details.get("causes") or ()
    )
    return Refusal(
        int(value.get("code") or answer.code),
        str(value.get("reason", "")),
        str(value.get("message", "")),
        causes,
        str(details.get("kind", "")),
        str(details.get("name", "")),
    )
