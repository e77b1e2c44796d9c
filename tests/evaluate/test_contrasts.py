"""Families of contrasts: the difference, its correction, its claim and what would settle it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tunewright.evaluate.contrasts import Pairing, contrast_from_row, family
from tunewright.evaluate.intervals import mean_interval, mean_p
from tunewright.rate.paired_tests import holm, mcnemar

RNG = np.random.default_rng(0)


def pairing(second: np.ndarray, first: np.ndarray | None = None, **more: object) -> Pairing:
    base = np.zeros_like(second) if first is None else first
    return Pairing("speed", "prompts", "it", "im", base, second, **more)  # type: ignore[arg-type]


def test_a_contrast_is_the_paired_difference_with_holm_over_the_family() -> None:
    clear, unclear = RNG.normal(0.5, 0.1, (3, 40)), RNG.normal(0.01, 1, (3, 40))
    first, second = family([pairing(clear), pairing(unclear)])
    assert first.difference == pytest.approx(clear.mean())
    assert first.interval == mean_interval(clear)
    ps = [mean_p(clear), mean_p(unclear)]
    assert [first.p, second.p] == ps
    assert [first.p_holm, second.p_holm] == holm(ps)
    assert (first.claim, first.needed) == ("better", None)
    assert second.claim == "no difference found"
    assert second.needed is not None


def test_lower_can_be_better() -> None:
    (found,) = family([pairing(RNG.normal(0.5, 0.1, (3, 40)), higher_is_better=False)])
    assert found.claim == "worse"


def test_one_seed_of_right_and_wrong_is_mcnemars_test() -> None:
    """12 gained, 2 lost of 40."""
    first, second = np.zeros((1, 40)), np.zeros((1, 40))
    first[0, :2], second[0, 2:14] = 1, 1
    (found,) = family([pairing(second, first, largest=1.0)])
    assert found.p == mcnemar(2, 12)
    assert found.difference == 0.25
    assert found.claim == "better"


def test_arms_that_never_differ_on_a_few_documents_are_not_known_to_be_equal() -> None:
    values = np.tile([0.0, 1.0, 1.0, 0.0, 1.0], (2, 1))
    (found,) = family([pairing(values, values, largest=1.0)])
    assert (found.difference, found.p, found.claim) == (0, 1, "no difference found")
    assert found.interval.low < -0.2
    assert found.interval.high > 0.2


@pytest.mark.parametrize(("num", "p", "claim"), [(3, 0.25, "no difference found"), (6, 1 / 32, "better")])
def test_a_few_prompts_that_all_agree_are_tested_by_their_signs(num: int, p: float, claim: str) -> None:
    """2 · 0.5³ = 0.25; no variance was found, but three coins fall alike once in four times."""
    for seeds in (1, 2):
        even = np.full((seeds, num), 0.5)
        (found,) = family([pairing(even + 0.5, even, largest=0.5)])
        assert (found.difference, found.claim) == (0.5, claim)
        assert found.p == pytest.approx(p)
        assert found.interval.excludes_zero() == (claim == "better")
        (worse,) = family([pairing(even - 0.5, even, largest=0.5)])
        assert worse.interval.high == pytest.approx(-found.interval.low)


def test_seeds_with_the_same_count_of_wins_are_not_taken_for_certainty() -> None:
    """Seven wins of ten under both seeds, on other prompts: p would be 0. Of 20 values the mean is 0.2, their
    sd 0.470, so t is 1.90 and p 0.072."""
    wins = np.array([[1.0] * 7 + [0.0] * 3, [0.0] * 3 + [1.0] * 7])
    wins[1, [3, 4]], wins[1, [0, 1]] = 0.0, 1.0
    (found,) = family([pairing(wins, np.full((2, 10), 0.5), largest=0.5)])
    assert found.difference == pytest.approx(0.2)
    assert found.p == pytest.approx(mean_p((wins - 0.5).reshape(1, -1)))
    assert found.p > 0.05
    assert found.claim == "no difference found"


def test_no_interval_goes_beyond_what_a_difference_can_be() -> None:
    gains = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    (found,) = family([pairing(gains, np.full((2, 3), 0.5), largest=0.5)])
    assert -0.5 <= found.interval.low <= found.interval.high <= 0.5


def test_a_row_becomes_the_contrast_again() -> None:
    for one in family([pairing(RNG.normal(0, 1, (2, 9))), pairing(RNG.normal(3, 0.1, (2, 9)))]):
        assert contrast_from_row(json.loads(json.dumps(one.row()))) == one


def test_no_pairing_is_no_family() -> None:
    assert family([]) == []
