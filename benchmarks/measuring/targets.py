"""What a figure is to be, and whether it is: `met` or `not met`, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from measuring.spread import ENOUGH, Ratio, number
from measuring.table import table

HEAD = ("to show", "is", "asked", "")


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its bound, ``most`` or ``least``.

    ``value`` is None where it could not be judged, and ``why`` says why. ``told`` is the figure for a reader,
    where it is more than the number. ``within_noise``: the bound is met for all that the rounds can say,
    though not by the median.
    """

    what: str
    value: float | None
    most: float | None = None
    least: float | None = None
    unit: str = ""
    told: str = ""
    within_noise: bool = False
    why: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether it is; None where that cannot be said."""
        if self.value is None:
            return None
        return self.within_noise or self._is_kept(self.value)

    @property
    def verdict(self) -> str:
        """`met` or `not met`, and by how much."""
        if self.value is None:
            return f"not judged: {self.why}"
        if self._is_kept(self.value):
            return f"met{self._by(self.value)}"
        if self.within_noise:
            return f"met: worse{self._by(self.value).replace(',', '')}, within the noise"
        return f"not met{self._by(self.value)}"

    @property
    def asked(self) -> str:
        """The bound, in words."""
        words = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        return f"{words} {self.unit}".rstrip()

    def row(self) -> tuple[str, str, str, str]:
        """A line of a table with `HEAD`."""
        return self.what, self.told or self._figure(), self.asked, self.verdict

    def _figure(self) -> str:
        if self.value is None:
            return "-"
        shown = f"{self.value:,}" if isinstance(self.value, int) else number(self.value)
        return f"{shown} {self.unit}".rstrip()

    def _is_kept(self, value: float) -> bool:
        return value >= self.least if self.least is not None else value <= (self.most or 0)

    def _by(self, value: float) -> str:
        bound = self.least if self.least is not None else self.most
        if not bound or not math.isfinite(value):
            return ""
        percent = abs(value / bound - 1) * 100
        return f", by {percent:.{0 if percent >= 1 else 1}f} %"


def at_most(what: str, found: Ratio, bound: float) -> Target:
    """A ratio of ours to theirs that is to be this at most."""
    return Target(what, found.value, most=bound, told=str(found))


def at_least(what: str, found: Ratio, bound: float) -> Target:
    """A ratio that is to be this at least."""
    return Target(what, found.value, least=bound, told=str(found))


def no_worse(what: str, found: Ratio, *, more_is_better: bool = False) -> Target:
    """Ours over theirs, which is not to be the worse.

    Where the median is worse and the rounds, if there are enough of them, leave it open, that is said, and
    counts as met: no difference could be shown.
    """
    open_ = found.rounds >= ENOUGH and (found.high >= 1 if more_is_better else found.low <= 1)
    most, least = (None, 1.0) if more_is_better else (1.0, None)
    return Target(what, found.value, most=most, least=least, told=str(found), within_noise=open_)


def are_met(targets: Iterable[Target]) -> bool:
    """Whether none is missed; what could not be judged is none that is."""
    return all(target.is_met is not False for target in targets)


def verdicts(targets: Sequence[Target]) -> str:
    """A table of them all, and how many are met."""
    return f"{table(HEAD, [target.row() for target in targets])}\n{closing(targets)}"


def closing(targets: Sequence[Target]) -> str:
    """How many of them are met, in a line."""
    met = sum(target.is_met is True for target in targets)
    missed = sum(target.is_met is False for target in targets)
    rest = len(targets) - met - missed
    words = f"{met} of {len(targets)} met"
    return ", ".join(
        [words, *([f"{missed} not met"] if missed else []), *([f"{rest} not judged"] if rest else [])]
    )
