"""Length is measured once, and what a preference owes to it is one model with one fit."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.coach.length_control import (
    CAUTIOUS_PRIOR,
    REPORT_PRIOR,
    LengthEffect,
    Lengths,
    fit_length,
    has_both_sides,
    lengths,
)
from tunewright.coach.revision import Revision
from tunewright.records.record import Record


def test_length_is_that_of_all_fields_that_differ() -> None:
    """Of 4 and 9 characters the output and of 0 and 5 the explanation; the instruction is shared."""
    old = Record(id="a", instruction="Name a fruit.", output="pear")
    new = Record(id="a", instruction="Name a fruit.", output="one pear.", explanation="Sweet")
    assert lengths(Revision(old, new)) == Lengths(4, 14)
    assert lengths(Revision(old, new)).difference == 10
    assert lengths(Revision(old, old)) == Lengths(0, 0)


def test_near_is_a_tenth_of_the_longer() -> None:
    assert Lengths(90, 100).is_near
    assert Lengths(100, 90).is_near
    assert not Lengths(89, 100).is_near
    assert Lengths(0, 0).is_near


def test_equal_length_lies_within_the_data_or_not() -> None:
    assert has_both_sides([-1, 5])
    assert has_both_sides([0, 5])
    assert not has_both_sides([1, 5])
    assert not has_both_sides([0, 0])


def test_a_judge_that_looks_at_quality_is_believed_though_most_revisions_are_longer() -> None:
    """83 % are longer; 9 of 10 win, among the longer as among the shorter: length explains nothing."""
    rng = random.Random(5)
    differences = [rng.randint(1, 400) * (1 if rng.random() < 0.83 else -1) for _ in range(400)]
    preferences = [0.0 if number % 10 == 0 else 1.0 for number in range(400)]
    effect = fit_length(preferences, differences, quality_prior=CAUTIOUS_PRIOR)
    assert abs(effect.of(effect.scale_chars)) < 0.1
    assert all(1 - effect.of(one) >= 0.6 for one in differences)


def test_the_fit_finds_the_numbers_that_made_the_preferences() -> None:
    """Soft preferences from quality 0.4, step 0 and slope 1.2, many enough for the priors not to matter."""
    from math import exp, tanh

    differences = [float(number) for number in range(-500, 501) for _ in range(5)]
    scale = (sum(one * one for one in differences) / len(differences)) ** 0.5
    preferences = [1 / (1 + exp(-(0.4 + 1.2 * tanh(one / scale)))) for one in differences]
    effect = fit_length(preferences, differences, quality_prior=CAUTIOUS_PRIOR)
    assert effect.scale_chars == pytest.approx(scale)
    assert effect.quality == pytest.approx(0.4, abs=0.01)
    assert effect.slope == pytest.approx(1.2, abs=0.02)
    assert effect.step == pytest.approx(0, abs=0.02)
    assert effect.of(0) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 0.25, 0.5, 0.75, 1]), st.integers(-(10**6), 10**6)),
        max_size=30,
    )
)
def test_length_takes_at_most_a_whole_preference_and_nothing_without_a_difference(
    pairs: list[tuple[float, int]],
) -> None:
    effect = fit_length(
        [one for one, _ in pairs],
        [float(difference) for _, difference in pairs],
        quality_prior=CAUTIOUS_PRIOR,
    )
    assert effect.of(0) == 0
    assert all(-1 <= effect.of(difference) <= 1 for _, difference in pairs)


@pytest.mark.parametrize("quality_prior", [REPORT_PRIOR, CAUTIOUS_PRIOR])
def test_the_fit_is_the_minimum_of_its_loss(quality_prior: float) -> None:
    """At the minimum of cross-entropy and priors the gradient is nothing; a pair that counts twice does."""
    differences = np.array([-90.0, -20.0, 10.0, 0.0, 80.0])
    y = np.array([0.0, 0.5, 0.0, 1.0, 1.0])
    times = np.array([1.0, 2.0, 1.0, 0.0, 3.0])
    found = fit_length(y, differences, quality_prior=quality_prior, weights=times)
    x = np.tanh(differences / np.sqrt(np.mean(differences**2)))
    p = 1 / (1 + np.exp(-(found.quality + found.step * np.sign(differences) + found.slope * x)))
    assert np.sum(times * (p - y)) + found.quality / quality_prior**2 == pytest.approx(0, abs=1e-8)
    assert np.sum(times * (p - y) * np.sign(differences)) + found.step / 25 == pytest.approx(0, abs=1e-8)
    assert np.sum(times * (p - y) * x) + found.slope / 25 == pytest.approx(0, abs=1e-8)


def test_only_the_prior_of_quality_tells_a_report_from_a_cautious_decision() -> None:
    """Ten wins of ten, all of one length: nothing but quality can have won them."""
    for prior, least, most in ((REPORT_PRIOR, 0.95, 1.0), (CAUTIOUS_PRIOR, 0.6, 0.75)):
        assert least < fit_length([1.0] * 10, [0.0] * 10, quality_prior=prior).rate < most


def test_nothing_at_all_has_no_effect() -> None:
    assert fit_length([], [], quality_prior=REPORT_PRIOR) == LengthEffect(0.0, 0.0, 0.0, 1.0)
