"""What is done to a manifest's text: edits, and where the field is that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from validation.mutants.document import Steps

# Stands in an edit's text where the changed field is, and is taken out again once its line is known.
MARK = "\ue000"


@dataclass(frozen=True, slots=True)
class Edit:
    """``text`` takes the place of what stands from ``start`` to ``end``; they are equal if it is put in."""

    start: int
    end: int
    text: str

    @property
    def only_marks(self) -> bool:
        """Whether it changes nothing."""
        return self.start == self.end and self.text == MARK


@dataclass(frozen=True, slots=True)
class Change:
    """One fault, or one harmless change.

    ``path`` is the field that it is about, ``touched`` are all fields that are not what they were. One edit
    of a fault holds the `MARK`.
    """

    kind: str
    edits: tuple[Edit, ...]
    path: Steps
    touched: tuple[Steps, ...]

    def apart(self, other: Change) -> bool:
        """Whether both can be done: no text in common, no field of one below or above one of the other."""
        for mine in self.touched:
            for others in other.touched:
                shorter = min(len(mine), len(others))
                if mine[:shorter] == others[:shorter]:
                    return False
        return not any(
            (mine.start < others.end and others.start < mine.end) or mine.start == others.start
            for mine in self.edits
            if not mine.only_marks
            for others in other.edits
            if not others.only_marks
        )


def applied(text: str, changes: Sequence[Change]) -> tuple[str, tuple[int, ...]]:
    """The text with all changes made, and for each the line its `MARK` stood in, from 1, or 0 without one."""
    edits = sorted(
        ((edit, number) for number, change in enumerate(changes) for edit in change.edits),
        key=lambda pair: (pair[0].start, pair[0].end),
    )
    lines = [0] * len(changes)
    parts: list[str] = []
    line, reached = 1, 0
    for edit, number in edits:
        if edit.start < reached:
            raise ValueError(f"edits overlap at {edit.start}")
        kept = text[reached : edit.start]
        before, mark, after = edit.text.partition(MARK)
        line += kept.count("\n") + before.count("\n")
        if mark:
            lines[number] = line
        line += after.count("\n")
        parts += [kept, before, after]
        reached = edit.end
    parts.append(text[reached:])
    return "".join(parts), tuple(lines)
