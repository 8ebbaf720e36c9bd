"""Comparing verdicts, lines and faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sandkube.reports import Finding


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was planted: its kind, and its line."""

    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """What is judged: of which kind it is (`mutant`, `corpus`), its bytes, and what was planted in it.

    Whether it is ``sound`` is only known of a text of the corpus; of a mutant the server has to tell.
    """

    kind: str
    name: str
    data: bytes
    faults: tuple[Fault, ...]
    older: bytes | None = None
    needs: tuple[bytes, ...] = ()
    sound: bool | None = None


@dataclass(frozen=True)
class Judged:
    """One text: whether it is sound, what was planted, and what each tool says."""

    kind: str
    name: str
    sound: bool
    faults: tuple[Fault, ...]
    findings: tuple[Finding, ...]
    others: dict[str, bool] = field(default_factory=dict)

    @property
    def errors(self) -> list[Finding]:
        """The findings that are errors."""
        return [one for one in self.findings if one.severity == "error"]

    @property
    def missed(self) -> bool:
        """Whether it is not sound, and we found nothing."""
        return not self.sound and not self.errors

    @property
    def false_alarm(self) -> bool:
        """Whether it is sound, and we found an error."""
        return self.sound and bool(self.errors)

    @property
    def named(self) -> list[Fault]:
        """The planted faults that a finding stands at the line of."""
        lines = {one.place.line for one in self.errors if one.place is not None}
        return [fault for fault in self.faults if fault.line in lines]

    @property
    def right_line(self) -> bool:
        """Whether a finding stands at the line of one of the faults, at least."""
        return bool(self.named)


@dataclass(frozen=True, slots=True)
class Score:
    """What came of all."""

    count: int
    missed: Sequence[str]
    false_alarms: Sequence[str]
    faulty: int
    wrong_line: Sequence[str]
    twice: int
    one_named: Sequence[str]

    @property
    def met(self) -> bool:
        """Whether it is as good as it is meant to be."""
        return (
            not self.missed
            and not self.false_alarms
            and len(self.wrong_line) <= 0.05 * self.faulty
            and len(self.one_named) <= 0.1 * self.twice
        )


def score(all_: Iterable[Judged]) -> Score:
    """Compare them all."""
    judged = list(all_)
    faulty = [one for one in judged if not one.sound]
    # only what the server refuses shows that both are faults
    twice = [one for one in faulty if len(one.faults) > 1]
    return Score(
        len(judged),
        [one.name for one in judged if one.missed],
        [one.name for one in judged if one.false_alarm],
        len(faulty),
        [one.name for one in faulty if not one.right_line],
        len(twice),
        [one.name for one in twice if len(one.named) < len(one.faults)],
    )


def tools(all_: Iterable[Judged]) -> dict[str, Counter[str]]:
    """For each tool how many faulty texts it found and missed, and how many sound ones it refused."""
    found: dict[str, Counter[str]] = {}
    for one in all_:
        verdicts = {"sandkube validate": not one.errors, **one.others}
        for tool, sound in verdicts.items():
            tally = found.setdefault(tool, Counter())
            if one.sound:
                tally["passed" if sound else "false alarms"] += 1
            else:
                tally["missed" if sound else "found"] += 1
    return found
