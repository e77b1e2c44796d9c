"""How many seeds or examples would settle a comparison: what is planned is what then happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.evaluate.intervals import mean_p, parts_of
from tunewright.evaluate.settle import MOST_SEEDS, Needed, components, needed, reach

tables = st.integers(0, 2**32 - 1).map(
    lambda seed: (
        np.random.default_rng(seed).normal(0.05, 1, (3, 20))
        + np.random.default_rng(seed + 1).normal(0, 0.3, (3, 1))
    )
)


def test_components_are_those_of_the_mean_squares_worked_out_by_hand() -> None:
    """Rows differ by 2, columns by 4, nothing is left over: half the squares 2 and 8."""
    found = components([[0.0, 4.0], [2.0, 6.0]])
    assert (found.seed, found.example, found.rest) == (2.0, 8.0, 0.0)


@given(tables)
def test_at_their_own_size_the_components_are_the_parts_of_the_interval(table: np.ndarray) -> None:
    """Unless one had to be cut at 0, what they add up to is what `intervals` estimates."""
    found = components(table)
    parts = found.parts(*table.shape)
    if found.seed and found.example:
        for part, expected in zip(parts, parts_of(table), strict=True):
            assert part.variance == pytest.approx(expected.variance, rel=1e-9)
            assert part.freedom == expected.freedom


@given(tables)
def test_one_fewer_would_not_do(table: np.ndarray) -> None:
    found, gap = needed(table), abs(table.mean())
    parts = components(table).parts
    for num, size, sizes in (
        (found.seeds, table.shape[0], lambda n: (n, table.shape[1])),
        (found.examples, table.shape[1], lambda n: (table.shape[0], n)),
    ):
        if num is not None:
            assert reach(parts(*sizes(num)), alpha=0.05) <= gap
            assert num == size + 1 or reach(parts(*sizes(num - 1)), alpha=0.05) > gap


def test_a_stricter_level_needs_no_fewer() -> None:
    table = np.random.default_rng(1).normal(0.3, 1, (3, 40))
    loose, strict = needed(table), needed(table, alpha=0.01)
    assert loose.seeds is not None
    assert strict.seeds is not None
    assert strict.seeds > loose.seeds


def test_one_seed_says_nothing_of_seeds() -> None:
    found = needed(np.random.default_rng(2).normal(0.2, 1, (1, 50)))
    assert found.seeds is None
    assert found.examples is not None
    assert found.examples > 50


def test_equal_means_are_shown_by_no_number() -> None:
    assert needed([[1.0, -1.0], [-1.0, 1.0]]) == Needed(None, None)
    assert needed(np.full((3, 10), 0.0)) == Needed(None, None)


def test_seeds_that_disagree_are_not_settled_by_examples() -> None:
    """Each seed is sure of its own difference, and they are 0.3, 0 and −0.2 apart: examples are no help."""
    table = np.random.default_rng(3).normal(0, 0.01, (3, 200)) + np.array([[0.3], [0.0], [-0.2]])
    found = needed(table)
    assert found.examples is None
    assert found.seeds is None or 3 < found.seeds <= MOST_SEEDS


def test_where_neither_alone_would_do_both_may() -> None:
    """Seeds and examples each leave more than the gap, however many there are of the other."""
    rng = np.random.default_rng(5)
    table = rng.normal(0, 1, (3, 1)) + rng.normal(0, 1, (1, 30)) + rng.normal(0, 0.1, (3, 30))
    table += 0.15 - table.mean()
    found = needed(table)
    assert (found.seeds, found.examples) == (None, None)
    assert found.both is None or found.both[0] > 3
    wide = needed(table + 0.15)
    assert wide.both is not None
    num_seeds, num_examples = wide.both
    assert reach(components(table).parts(num_seeds, num_examples), alpha=0.05) <= 0.3
    assert num_examples == pytest.approx(10 * num_seeds, abs=10)


def test_so_many_seeds_find_the_difference_as_often_as_planned() -> None:
    """From the true components, over 600 repeats: 80 % to within three standard errors (5 points), and never
    much more, so that the number is not just a safe one."""
    seed_sd, example_sd, rest_sd, gap, num_examples = 0.10, 0.30, 0.60, 0.12, 60
    from tunewright.evaluate.settle import Components

    true = Components(seed_sd**2, example_sd**2, rest_sd**2)
    num_seeds = next(n for n in range(2, 100) if gap >= reach(true.parts(n, num_examples), alpha=0.05))
    rng = np.random.default_rng(7)
    repeats = 600
    shown = sum(
        mean_p(
            gap
            + rng.normal(0, seed_sd, (num_seeds, 1))
            + rng.normal(0, example_sd, (1, num_examples))
            + rng.normal(0, rest_sd, (num_seeds, num_examples))
        )
        < 0.05
        for _ in range(repeats)
    )
    assert 0.75 <= shown / repeats <= 0.92
