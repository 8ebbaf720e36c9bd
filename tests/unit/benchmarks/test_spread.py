"""Medians, ratios and slopes of the benchmarks."""

from __future__ import annotations

import math
import random

import pytest
from measuring.spread import Spread, minima, number, quantile, ratio, slope


def test_a_spread_says_median_and_range() -> None:
    found = Spread.of([3.0, 1.0, 2.0, 10.0])
    assert (found.median, found.least, found.most) == (2.5, 1.0, 10.0)
    assert str(found) == "2.50 (1.00 to 10.0)"


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)])
def test_a_quantile_is_the_least_value_that_so_many_do_not_exceed(share: float, expected: int) -> None:
    assert quantile([float(n) for n in range(100, 0, -1)], share) == expected


def test_a_ratio_is_of_medians_and_its_range_holds_it() -> None:
    found = ratio([2.0, 2.2, 1.9, 2.1, 2.0, 9.0], [1.0, 1.1, 0.9, 1.0, 1.0, 1.0])
    assert found.value == pytest.approx(2.05)
    assert found.low < found.value < found.high
    assert found.is_certain


def test_two_of_the_same_are_not_told_apart() -> None:
    draw = random.Random(7)
    one, other = ([draw.gauss(1, 0.2) for _ in range(10)] for _ in range(2))
    assert not ratio(one, other).is_certain


def test_a_single_round_tells_nothing_apart() -> None:
    assert not ratio([2.0], [1.0]).is_certain


def test_a_ratio_to_nothing_is_infinite() -> None:
    assert math.isinf(ratio([1.0], [0.0]).value)


def test_a_slope_is_found_through_noise_and_lies_under_its_bound() -> None:
    draw = random.Random(3)
    found = slope([(x / 60, 100 + 6 * x / 60 + draw.gauss(0, 0.5)) for x in range(50)])
    assert found is not None
    assert found.value == pytest.approx(6, abs=1)
    assert found.value < found.upper < 8


def test_the_bound_of_a_slope_is_students() -> None:
    """Three points, one degree of freedom: 6.31 standard errors, which is 1/sqrt(12) of a unit here."""
    found = slope([(0.0, 0.0), (1.0, 0.0), (2.0, 1.0)])
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.upper == pytest.approx(0.5 + 6.31 * math.sqrt(1 / 6 / 2), rel=0.01)


def test_no_slope_from_two_points_or_one_place() -> None:
    assert slope([(0, 1), (1, 2)]) is None
    assert slope([(1, 1), (1, 2), (1, 3)]) is None


def test_minima_are_the_least_of_each_stretch() -> None:
    points = [(0.0, 5.0), (10.0, 3.0), (59.0, 4.0), (61.0, 9.0), (200.0, 1.0)]
    assert minima(points, 60) == [(10.0, 3.0), (61.0, 9.0), (200.0, 1.0)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.123, "0.12"), (12.34, "12.3"), (1234.5, "1,234"), (math.nan, "-"), (-12.34, "-12.3")],
)
def test_numbers_have_three_digits(value: float, expected: str) -> None:
    assert number(value) == expected
