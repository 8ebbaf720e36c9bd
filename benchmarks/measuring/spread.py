"""Figures of several rounds for a reader: median and range, ratio with its doubt, slope with its bound."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2000
# With fewer values there is nothing to resample: the range would look narrower than it is.
ENOUGH = 5
# Student's t, 95 % one-sided, by degrees of freedom.
_T95 = {
    1: 6.31,
    2: 2.92,
    3: 2.35,
    4: 2.13,
    5: 2.02,
    6: 1.94,
    7: 1.89,
    8: 1.86,
    9: 1.83,
    10: 1.81,
    15: 1.75,
    20: 1.72,
}
_T95_MANY = 1.70


@dataclass(frozen=True, slots=True)
class Spread:
    """What several measurements of one thing came to."""

    median: float
    least: float
    most: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Give the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values), quantile(values, 0.95))

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.least)} to {number(self.most)})"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of medians, and the range it lies in with 95 % probability, as far as the rounds can say."""

    value: float
    low: float
    high: float
    rounds: int

    @property
    def is_certain(self) -> bool:
        """Whether the rounds, if there are enough, tell the two apart."""
        return self.rounds >= ENOUGH and (self.low > 1 or self.high < 1)

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, slots=True)
class Slope:
    """How fast something grows, per unit of x, and the value it is below with a probability of 95 %."""

    value: float
    upper: float


def quantile(values: Sequence[float], share: float) -> float:
    """The least of ``values`` that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(max(math.ceil(share * len(ordered)) - 1, 0), len(ordered) - 1)]


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """The median of ``above`` over that of ``below``; the range is from resampling both (seeded)."""
    draw = random.Random(1)
    found = sorted(
        _over(
            statistics.median(draw.choices(above, k=len(above))),
            statistics.median(draw.choices(below, k=len(below))),
        )
        for _ in range(RESAMPLES)
    )
    value = _over(statistics.median(above), statistics.median(below))
    return Ratio(value, quantile(found, 0.025), quantile(found, 0.975), min(len(above), len(below)))


def slope(points: Sequence[tuple[float, float]]) -> Slope | None:
    """The least-squares slope of (x, y); None for fewer than three points, or one x for all."""
    if len(points) < 3 or len({x for x, _ in points}) == 1:  # noqa: PLR2004 -- a line needs no error from two
        return None
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    width = sum((x - mean_x) ** 2 for x, _ in points)
    value = sum((x - mean_x) * (y - mean_y) for x, y in points) / width
    rest = sum((y - mean_y - value * (x - mean_x)) ** 2 for x, y in points)
    free = len(points) - 2
    return Slope(value, value + _t95(free) * math.sqrt(rest / free / width))


def minima(points: Sequence[tuple[float, float]], width: float) -> list[tuple[float, float]]:
    """The point with the least y in each stretch of ``width`` in x that has points."""
    found: dict[int, tuple[float, float]] = {}
    for x, y in points:
        stretch = int(x // width)
        if stretch not in found or y < found[stretch][1]:
            found[stretch] = (x, y)
    return [found[stretch] for stretch in sorted(found)]


def number(value: float) -> str:
    """A figure with three digits that matter, and no more behind the point than two."""
    if math.isnan(value):
        return "-"
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"  # noqa: PLR2004


def _over(above: float, below: float) -> float:
    return above / below if below else math.inf


def _t95(free: int) -> float:
    below = [value for known, value in _T95.items() if known <= free]
    return _T95_MANY if free > 2 * max(_T95) else below[-1]
