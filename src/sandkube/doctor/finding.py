"""What a check is, and what it gives: findings, each of a kind that the documents tell of as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from sandkube.doctor.surroundings import Surroundings

State = Literal["ok", "note", "problem"]
STATES: Final[tuple[State, ...]] = ("problem", "note", "ok")

Fix = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    ``kind`` names what is amiss, for programs; "" where all is well. ``remedy`` is a command to paste, or
    what to do in words. ``fix`` does it, where that is safe, and gives what it did; it may raise
    SandkubeError.
    """

    state: State
    found: str
    kind: str = ""
    why: str = ""
    remedy: str = ""
    check: str = ""
    fix: Fix | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be amiss: what it is called, why it matters, and what to do.

    ``remedy`` is a command to paste; names in braces are given when it is found, and the documents show them
    as words in capitals. ``fixable`` says that `--fix` does it.
    """

    id: str
    state: State
    title: str
    why: str
    remedy: str
    fixable: bool = False

    def found(self, text: str, *, fix: Fix | None = None, **values: object) -> Finding:
        """A finding of this kind; ``values`` fill the names in its remedy."""
        return Finding(self.state, text, self.id, self.why, self.remedy.format(**values), fix=fix)

    def found_with(self, text: str, remedy: str) -> Finding:
        """A finding of this kind with a remedy of its own."""
        return Finding(self.state, text, self.id, self.why, remedy)


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its name, what it looks at, the kinds it may find, and the function that looks."""

    name: str
    title: str
    kinds: tuple[Kind, ...]
    look: Callable[[Surroundings], Iterable[Finding]]


def ok(text: str) -> Finding:
    """All is well, in a few words."""
    return Finding("ok", text)


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """Those that are problems."""
    return [finding for finding in findings if finding.state == "problem"]
