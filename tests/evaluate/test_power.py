"""Power before a study: the method notes' numbers, exact values, and power as announced in simulation."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from tunewright.errors import RecipeError
from tunewright.evaluate.power import (
    difference_deviation,
    mcnemar_gap,
    mean_gap,
    mean_power,
    mean_prompts,
    preference_gap,
    preference_power,
    preference_prompts,
    proportion_half_width,
)
from tunewright.evaluate.study.paired import sign_flip


def test_two_hundred_prompts_show_what_the_method_notes_say() -> None:
    """± 6.7 points at 60 %; the smallest gap at 80 % power is 8.8–10.8 points with 20–30 % discordant."""
    assert round(100 * proportion_half_width(200, share=0.6), 1) == 6.7
    assert round(100 * mcnemar_gap(200, differing=0.2), 1) == 8.8
    assert round(100 * mcnemar_gap(200, differing=0.3), 1) == 10.8


def test_the_exact_test_needs_a_little_more_than_the_closed_form() -> None:
    assert 0.088 < preference_gap(200, ties=0.8) < 0.094
    assert 0.108 < preference_gap(200, ties=0.7) < 0.114


def test_preference_power_of_ten_prompts_by_hand() -> None:
    """Ten prompts, no ties, all won with .9: the test rejects at 0, 1, 9, 10 losses:
    .9¹⁰ + 10·.9⁹·.1 + (almost nothing) = .3487 + .3874 = .7361."""
    assert preference_power(10, gap=0.8, ties=0.0) == pytest.approx(0.7361, abs=1e-4)


def test_five_decided_prompts_can_never_reject() -> None:
    """2 · (1/2)⁵ = .0625 is above .05."""
    assert preference_power(5, gap=1.0, ties=0.0) == 0
    assert preference_power(6, gap=1.0, ties=0.0) == 1


def test_mean_power_is_that_of_the_noncentral_t() -> None:
    """scipy 1.17: nct for n = 34, d = .5 gives .807778; n = 200, d = .2 gives .803667."""
    assert mean_power(34, gap=0.5, deviation=1.0) == pytest.approx(0.807778, abs=2e-3)
    assert mean_power(200, gap=0.2, deviation=1.0) == pytest.approx(0.803667, abs=2e-3)
    assert mean_prompts(gap=0.5, deviation=1.0) == 34  # every table of the paired t test


def test_prompts_and_gap_are_each_others_inverse() -> None:
    num = preference_prompts(gap=0.15, ties=0.4)
    assert preference_gap(num, ties=0.4) <= 0.15 + 2e-4
    assert mean_gap(mean_prompts(gap=0.3, deviation=1.1), deviation=1.1) <= 0.3


def test_power_announced_for_preferences_is_the_power_seen() -> None:
    """1,000 studies; four Monte-Carlo standard errors are some .05."""
    rng = np.random.default_rng(3)
    num, gap, ties = 120, 0.2, 0.3
    draws = rng.choice(
        [1.0, 0.0, -1.0], size=(1000, num), p=[(1 - ties + gap) / 2, ties, (1 - ties - gap) / 2]
    )
    seen = np.mean([sign_flip(row) < 0.05 for row in draws])
    announced = preference_power(num, gap=gap, ties=ties)
    assert seen == pytest.approx(announced, abs=4 * math.sqrt(announced * (1 - announced) / 1000))


def test_power_announced_for_means_is_the_power_seen() -> None:
    rng = np.random.default_rng(4)
    num, gap = 40, 0.45
    draws = gap + rng.normal(size=(300, num))
    seen = np.mean([sign_flip(row, replicates=1000) < 0.05 for row in draws])
    announced = mean_power(num, gap=gap, deviation=1.0)
    assert seen == pytest.approx(announced, abs=4 * math.sqrt(announced * (1 - announced) / 300))


def test_two_raters_halve_the_variance_of_a_difference() -> None:
    one = difference_deviation(rating_deviation=1.0, prompt_share=0.5, raters=1)
    assert one == pytest.approx(1.0)
    assert difference_deviation(rating_deviation=1.0, prompt_share=0.5, raters=2) == pytest.approx(
        one / 2**0.5
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: preference_prompts(gap=0.0, ties=0.2), "gap 0"),
        (lambda: preference_prompts(gap=0.5, ties=0.8), "cannot be larger"),
        (lambda: preference_power(10, gap=0.1, ties=1.0), "share of ties"),
        (lambda: mean_prompts(gap=0.1, deviation=0.0), "above 0"),
        (lambda: mean_gap(10, deviation=1.0, power=1.2), "alpha"),
        (lambda: preference_prompts(gap=0.0001, ties=0.1), "more than 100,000 prompts"),
        (lambda: proportion_half_width(0, share=0.5), "1 or more"),
    ],
)
def test_what_cannot_be_asked_is_said(call: object, said: str) -> None:
    assert callable(call)
    with pytest.raises(RecipeError, match=said):
        call()


def test_twelve_thousand_prompts_are_found_at_once() -> None:
    """A gap of two points: in the time of a keystroke, since `study power` asks for it."""
    start = time.process_time()
    assert 11_000 < preference_prompts(gap=0.02, ties=0.4) < 12_500
    assert time.process_time() - start < 2
