"""Win rates with values worked by hand, and the rate at equal length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.coach.compare.win_rate import length_controlled, position, win_rates
from tunewright.coach.judge import Result
from tunewright.coach.length_control import Lengths

TURNED: dict[Result, Result] = {"win": "loss", "tie": "tie", "loss": "win"}


def results(wins: int, ties: int, losses: int) -> list[Result]:
    return [*["win"] * wins, *["tie"] * ties, *["loss"] * losses]  # type: ignore[list-item]


def chars(before: Sequence[int], after: Sequence[int]) -> list[Lengths]:
    return [Lengths(int(old), int(new)) for old, new in zip(before, after, strict=True)]


def test_the_three_rates_of_six_wins_two_ties_and_two_losses() -> None:
    """WR1 = (6 + 1)/10, WR2 = 6/8, QS = 8/10."""
    found = win_rates(results(6, 2, 2))
    assert (found.wins, found.ties, found.losses, found.num_pairs) == (6, 2, 2, 10)
    assert found.wr1.value == pytest.approx(0.7)
    assert found.wr2.value == pytest.approx(0.75)
    assert found.qs.value == pytest.approx(0.8)


def test_a_published_line_is_reproduced() -> None:
    """Wins, ties and losses 100/29/41 of 170: WR1 = 114.5/170, WR2 = 100/141, QS = 129/170."""
    found = win_rates(results(100, 29, 41))
    assert found.wr1.value == pytest.approx(0.673529, abs=1e-6)
    assert found.wr2.value == pytest.approx(0.709220, abs=1e-6)
    assert found.qs.value == pytest.approx(0.758824, abs=1e-6)


def test_the_rate_without_ties_is_undefined_when_all_are_ties() -> None:
    found = win_rates(results(0, 4, 0))
    assert found.wr2.value is None
    assert found.wr1.value == 0.5
    assert found.qs.value == 1.0


def test_no_result_has_no_rate() -> None:
    found = win_rates([])
    assert (found.wr1.value, found.wr2.value, found.qs.value) == (None, None, None)


def test_the_interval_has_the_width_of_a_binomial_one() -> None:
    """60 of 100: ± 1.96·√(.6·.4/100) = ± .096."""
    interval = win_rates(results(60, 0, 40)).wr1.interval
    assert interval is not None
    assert interval.low == pytest.approx(0.504, abs=0.015)
    assert interval.high == pytest.approx(0.696, abs=0.015)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(list(TURNED)), min_size=1, max_size=30))
def test_the_other_side_has_the_rest_of_the_win_rate(found: list[Result]) -> None:
    ours, theirs = win_rates(found), win_rates([TURNED[one] for one in found])
    assert ours.wr1.value is not None
    assert theirs.wr1.value == pytest.approx(1 - ours.wr1.value)


def test_a_judge_that_only_likes_length_has_no_preference_at_equal_length() -> None:
    """The chance that a version wins follows from its extra length alone; three quarters are longer."""
    rng = np.random.default_rng(1)
    d = rng.integers(20, 600, size=2000) * np.where(np.arange(2000) % 4 == 0, -1, 1)
    scale = np.sqrt(np.mean(d.astype(float) ** 2))
    chance = 1 / (1 + np.exp(-2 * np.tanh(d / scale)))
    won: list[Result] = ["win" if one else "loss" for one in rng.random(2000) < chance]
    found = length_controlled(won, chars([1000] * 2000, [1000 + int(one) for one in d]))
    plain = win_rates(won).wr1.value
    assert plain is not None
    assert plain > 0.6, "length alone looks like a preference"
    assert found is not None
    assert found.rate.interval is not None
    assert found.rate.interval.low < 0.5 < found.rate.interval.high
    assert found.longer_by_chars == pytest.approx(scale)
    worth = 1 / (1 + np.exp(-2 * np.tanh(1))) - 0.5  # 0.32, of a revision one scale longer
    assert found.worth_of_longer == pytest.approx(worth, abs=0.05)
    assert found.longer_wins.share is not None
    assert found.longer_wins.share > 0.7


def test_a_preference_that_length_does_not_touch_stays() -> None:
    """80 of 100 win, in equal shares among longer and shorter ones."""
    won = results(40, 0, 10) + results(40, 0, 10)
    after = [1300] * 50 + [700] * 50
    found = length_controlled(won, chars([1000] * 100, after))
    assert found is not None
    assert found.rate.value == pytest.approx(0.8, abs=0.002)  # the prior costs a thousandth
    assert found.worth_of_longer == pytest.approx(0, abs=1e-9)
    assert found.rate.interval is not None
    assert found.rate.interval.low > 0.6
    assert found.num_near == 0


def test_there_is_no_length_control_without_differences_in_length() -> None:
    assert length_controlled(results(10, 0, 10), chars([100] * 20, [100] * 20)) is None
    assert length_controlled(results(9, 0, 0), chars(range(46, 55), [50] * 9)) is None


def test_there_is_no_length_control_outside_the_data() -> None:
    assert length_controlled(results(10, 0, 10), chars([100] * 20, range(120, 140))) is None


def test_only_wins_still_have_a_finite_fit() -> None:
    found = length_controlled(results(20, 0, 0), chars([100] * 20, range(90, 110)))
    assert found is not None
    assert found.rate.value is not None
    assert 0.95 < found.rate.value < 1
    assert found.num_near == 20


def test_position_counts_agreement_and_the_version_shown_first() -> None:
    """Three pairs; five decided verdicts, three of them for A."""
    found = position([("b", "a"), ("a", "a"), ("tie", "b")])
    assert (found.consistent.count, found.consistent.of) == (1, 3)
    assert (found.first_shown.count, found.first_shown.of) == (3, 5)
