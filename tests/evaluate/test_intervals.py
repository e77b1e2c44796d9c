"""Intervals of means over seeds and examples: worked by hand, by simulation, and their laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.evaluate.intervals import (
    REPLICATES,
    Part,
    bootstrap_means,
    difference_interval,
    half_width,
    mean_interval,
    mean_p,
    parts_of,
    variances_of_mean,
)
from tunewright.evaluate.student_t import point, upper_tail


@pytest.mark.parametrize(
    ("tail", "freedom", "t"),
    [  # a printed table of t
        (0.025, 1, 12.706),
        (0.025, 2, 4.303),
        (0.025, 9, 2.262),
        (0.025, 199, 1.972),
        (0.005, 4, 4.604),
        (0.05, 30, 1.697),
        (0.0005, 2, 31.599),
    ],
)
def test_points_are_those_of_a_printed_table(tail: float, freedom: int, t: float) -> None:
    assert point(tail, freedom) == pytest.approx(t, abs=6e-4)


def test_the_tails_of_one_and_two_degrees_of_freedom_have_closed_forms() -> None:
    """1: ½ − arctan(t)/π; 2: ½ − t/(2√(2 + t²))."""
    for t in (0.0, 0.01, 0.7, 3.0, 40.0):
        assert upper_tail(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, rel=1e-9)
        assert upper_tail(t, 2) == pytest.approx(0.5 - t / (2 * math.sqrt(2 + t * t)), rel=1e-9)


@given(st.floats(1e-30, 0.5), st.floats(1, 2000))
def test_a_point_has_its_tail(tail: float, freedom: float) -> None:
    assert upper_tail(point(tail, freedom), freedom) == pytest.approx(tail, rel=1e-6)


def test_a_table_worked_by_hand() -> None:
    """Rows (1, 3) and (5, 11): mean 5; rows' means 2 and 8, columns' 3 and 7, rest ±1.

    MS_seed = 2·18 = 36, MS_example = 2·8 = 16, MS_rest = 4·1 = 4. The seeds' part is 36/4 = 9, the examples'
    (16 − 4)/4 = 3, both with one degree of freedom, whose t is 12.7062: half-width 12.7062·√12 = 44.0156.
    """
    table = np.array([[1.0, 3.0], [5.0, 11.0]])
    assert parts_of(table) == [Part(9.0, 1), Part(3.0, 1)]
    interval = mean_interval(table)
    assert (interval.low, interval.high) == pytest.approx((5 - 44.0156, 5 + 44.0156), abs=1e-3)
    # t = 5/√12 with one degree of freedom: p = 1 − 2·arctan(1.4434)/π
    assert mean_p(table) == pytest.approx(1 - 2 * math.atan(5 / math.sqrt(12)) / math.pi, abs=1e-6)


def test_one_seed_is_the_t_test_over_examples() -> None:
    """1, 2, 3, 6: mean 3, sd √(14/3), so ±3.1824·√(14/12) = ±3.4374."""
    interval = mean_interval([1.0, 2.0, 3.0, 6.0])
    assert (interval.low, interval.high) == pytest.approx((-0.4374, 6.4374), abs=1e-4)


def test_seeds_that_shift_all_examples_alike_are_the_t_test_over_seeds() -> None:
    """Three seeds .01, .02 and .03: t = .02/(.01/√3) = 3.464 with 2 degrees of freedom, p = .0742."""
    table = np.array([[0.01], [0.02], [0.03]]) + np.zeros((1, 300))
    assert mean_p(table) == pytest.approx(0.0742, abs=1e-4)
    assert not mean_interval(table).excludes_zero()


def test_examples_that_differ_alike_in_all_seeds_are_as_sure_as_with_one_seed() -> None:
    values = np.random.default_rng(2).normal(size=40)
    one, three = mean_interval(values), mean_interval(np.stack([values] * 3))
    assert (three.low, three.high) == pytest.approx((one.low, one.high))


def test_examples_less_alike_than_chance_have_no_part() -> None:
    """Rows (1, 2) and (2, 1): the columns' means are equal, MS_rest is 1, and the part would be negative."""
    _, examples = variances_of_mean(np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert examples == 0.0


def test_values_without_spread() -> None:
    assert mean_p(np.ones((3, 4))) == 0.0
    assert mean_p(np.zeros((3, 4))) == 1.0
    assert mean_p([2.0]) == 1.0  # one value shows no spread at all: nothing is claimed
    assert mean_interval([2.0]).low == 2.0


@given(st.integers(1, 5), st.integers(2, 30), st.integers(0, 10_000), st.floats(-0.5, 0.5))
def test_p_is_where_the_interval_would_touch_zero(
    num_seeds: int, num_examples: int, seed: int, shift: float
) -> None:
    rng = np.random.default_rng(seed)
    table = shift + rng.normal(size=(num_seeds, num_examples)) + rng.normal(size=(num_seeds, 1))
    p, mean = mean_p(table), abs(float(table.mean()))
    assert 0 < p <= 1
    for tail, is_wider in ((p / 2 * (1 - 1e-5), True), (min(p / 2 * (1 + 1e-5), 0.5), False)):
        assert (half_width(parts_of(table), tail=tail) >= mean) is is_wider
    if abs(p - 0.05) > 1e-5:
        assert mean_interval(table).excludes_zero() is (p < 0.05)


def test_p_has_no_floor() -> None:
    assert 0 < mean_p(np.random.default_rng(0).normal(1.0, 0.1, size=100)) < 1e-50


def test_two_sets_of_examples_share_their_seeds() -> None:
    """A shift of a whole seed that is in both sets leaves their difference; in one alone, it is its seeds'
    part: means of 0, 1 and 2 against constant ones, 1 ± 4.3027·√(1/3)."""
    shift = np.array([[0.0], [1.0], [2.0]])
    both = difference_interval(shift + np.zeros((3, 5)) + 2, shift + np.zeros((3, 9)))
    assert (both.low, both.high) == pytest.approx((2, 2))
    one = difference_interval(shift + np.zeros((3, 5)), np.zeros((3, 9)))
    assert (one.low, one.high) == pytest.approx((1 - 2.4842, 1 + 2.4842), abs=1e-4)


def simulated(
    rng: np.random.Generator, num_seeds: int, *, seed_sd: float, rest_sd: float, example_sd: float = 0.1
) -> np.ndarray:
    """2,500 tables of 200 examples without a true difference."""
    shape = (2500, num_seeds, 200)
    return (
        rng.normal(0, seed_sd, (2500, num_seeds, 1))
        + rng.normal(0, example_sd, (2500, 1, 200))
        + rng.normal(0, rest_sd, shape)
    )


def claimed(tables: np.ndarray, *, tail: float) -> np.ndarray:
    """Where the mean lies further from 0 than the half-width; the formula of `half_width` for many tables."""
    seeds, examples = variances_of_mean(tables)
    squares = seeds * point(tail, tables.shape[1] - 1) ** 2 + examples * point(tail, tables.shape[2] - 1) ** 2
    return np.asarray(np.abs(tables.mean(axis=(1, 2))) > np.sqrt(squares))


@pytest.mark.parametrize("num_seeds", [3, 5])
@pytest.mark.parametrize("seed_sd", [0.0, 0.005, 0.01, 0.02])
def test_intervals_cover_as_often_as_they_say(num_seeds: int, seed_sd: float) -> None:
    """2,500 studies: the standard error of 95 % is 0.4 points. Where seeds and examples (0.007 by their
    number) weigh about the same, adding half-widths as squares is conservative: up to 98 % with 3 seeds."""
    tables = simulated(np.random.default_rng(7), num_seeds, seed_sd=seed_sd, rest_sd=0.05)
    covered = 1 - claimed(tables, tail=0.025).mean()
    assert 0.94 <= covered <= (0.985 if num_seeds == 3 else 0.97)
    for table in tables[:40]:
        assert mean_interval(table).excludes_zero() == claimed(table[None], tail=0.025)[0]


@pytest.mark.parametrize("seed_sd", [0.0, 0.015, 0.03])
@pytest.mark.parametrize("rest_sd", [0.05, 0.1])
def test_a_family_of_three_arms_seldom_holds_a_false_claim(seed_sd: float, rest_sd: float) -> None:
    """Three arms against one baseline, whose seeds they share. Holm claims something exactly where the
    smallest of three p is below 5 %/3. A bootstrap of three seeds made a false claim in 22 % of families."""
    rng = np.random.default_rng(8)
    baseline = simulated(rng, 3, seed_sd=seed_sd, rest_sd=rest_sd, example_sd=0)
    any_claim = np.zeros(2500, dtype=bool)
    for _ in range(3):
        arm = simulated(rng, 3, seed_sd=seed_sd, rest_sd=rest_sd)
        any_claim |= claimed(arm - baseline, tail=0.025 / 3)
    assert any_claim.mean() <= 0.065


def test_disagreeing_seeds_widen_the_interval() -> None:
    """The same values, once as noise between examples, once as a shift between seeds."""
    values = np.tile([1.0, -1.0], 100)
    between_examples = mean_interval(np.stack([values, values]))
    between_seeds = mean_interval(np.stack([np.ones(200), -np.ones(200)]))
    assert between_seeds.high - between_seeds.low > 3 * (between_examples.high - between_examples.low)
    assert not between_seeds.excludes_zero()


@pytest.mark.parametrize("of_nothing", [mean_interval, mean_p])
def test_the_interval_of_nothing_is_an_error(of_nothing: object) -> None:
    assert callable(of_nothing)
    with pytest.raises(ValueError, match="mean of nothing"):
        of_nothing([])


def test_resampling_takes_means_over_drawn_seeds_and_examples() -> None:
    """Drawn again one replicate at a time with the same random numbers."""
    table = np.random.default_rng(3).normal(size=(3, 17))
    rng = np.random.default_rng(0)
    means = []
    for _ in range(REPLICATES):
        seeds, examples = rng.integers(3, size=3), rng.integers(17, size=17)
        means.append(table[np.ix_(seeds, examples)].mean())
    assert bootstrap_means(table) == pytest.approx(np.array(means), abs=1e-12)
