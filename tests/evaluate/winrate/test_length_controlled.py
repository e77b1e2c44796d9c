"""The length-controlled win rate: by hand from weights, recovered from simulated judges, and its error."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tunewright.errors import DataError
from tunewright.evaluate.winrate.join import Difficulties, JoinBy, difficulty_of_each, with_texts
from tunewright.evaluate.winrate.length_controlled import (
    Gamed,
    Weights,
    fit_length_controlled,
    from_weights,
)
from tunewright.evaluate.winrate.preference import Annotation
from tunewright.evaluate.winrate.summary import LengthControl, controlled_rate


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def simulated(seed: int, *, size: int = 600, length_effect: float = -2.0) -> tuple[np.ndarray, ...]:
    """Gains of a judge that follows length: at equal length the model wins σ(0.4 + 0.8·γ) of the time."""
    rng = np.random.default_rng(seed)
    lengths_1 = rng.integers(500, 1500, size)
    lengths_2 = lengths_1 + rng.normal(300, 400, size).round()
    gamma = rng.normal(0, 1, size)
    difference = lengths_1 - lengths_2
    eta = length_effect * np.tanh(difference / difference.std(ddof=1)) + 0.8 * gamma + 0.4
    gains = (rng.random(size) < sigmoid(eta)).astype(float)
    return gains, lengths_1, lengths_2, gamma


def test_weights_give_the_mean_over_difficulties() -> None:
    """σ(0) = 1/2 and σ(ln 3) = 3/4: mean 62.5; their sd is .125·√2, divided by √2 .125."""
    found = from_weights(Weights(-9.0, math.log(3), 0.0), [0.0, 1.0])
    assert found.win_rate == pytest.approx(62.5)
    assert found.standard_error == pytest.approx(12.5)
    assert from_weights(Weights(-9.0, 5.0, math.log(3)), None).win_rate == pytest.approx(75)
    with pytest.raises(DataError, match="no instruction to average over"):
        from_weights(Weights(0, 0, 0), [])


def test_the_fit_takes_out_what_length_gave() -> None:
    gains, lengths_1, lengths_2, gamma = simulated(1, size=1000)
    found = fit_length_controlled(gains, lengths_1, lengths_2, difficulties=gamma)
    truth = 100 * sigmoid(0.4 + 0.8 * gamma).mean()
    assert found.weights.length == pytest.approx(-2.0, abs=0.5)
    assert found.sampling_error is not None
    assert abs(found.win_rate - truth) < 3 * found.sampling_error
    assert 100 * gains.mean() > truth + 8  # what it would be without


def test_without_difficulties_the_form_has_two_weights() -> None:
    gains, lengths_1, lengths_2, _ = simulated(2)
    found = fit_length_controlled(gains, lengths_1, lengths_2)
    assert found.weights.difficulty == 0
    assert found.standard_error is None  # one term for all: there is nothing that could spread
    assert found.win_rate == pytest.approx(100 * sigmoid(np.array(found.weights.baseline)))
    assert found.interval is not None
    assert found.interval.low < found.win_rate < found.interval.high


def test_exchanging_both_sides_gives_the_rest_of_100() -> None:
    gains, lengths_1, lengths_2, gamma = simulated(3)
    found = fit_length_controlled(gains, lengths_1, lengths_2, difficulties=gamma)
    # what is hard for one is easy for the other: γ changes its sign too
    other = fit_length_controlled(1 - gains, lengths_2, lengths_1, difficulties=-gamma)
    assert other.weights.baseline == pytest.approx(-found.weights.baseline, abs=1e-2)


@pytest.mark.slow
def test_the_sampling_error_is_that_of_drawing_instructions_anew() -> None:
    """Over 60 samples of one judge the rates spread as the error of each says."""
    fits = [
        fit_length_controlled(gains, lengths_1, lengths_2, difficulties=gamma)
        for gains, lengths_1, lengths_2, gamma in (simulated(seed, size=300) for seed in range(60))
    ]
    spread = float(np.std([one.win_rate for one in fits], ddof=1))
    errors = [one.sampling_error for one in fits if one.sampling_error is not None]
    assert float(np.mean(errors)) == pytest.approx(spread, rel=0.25)  # of 60 the spread is known to ±9 %


def test_a_second_judge_who_says_the_same_makes_nothing_surer() -> None:
    """Every row twice: of the same instructions the error stays; taken for new ones it is 1/√2 of it."""
    gains, lengths_1, lengths_2, gamma = simulated(6, size=300)
    names = [str(number) for number in range(300)]
    once = fit_length_controlled(gains, lengths_1, lengths_2, difficulties=gamma, instructions=names)
    columns = [np.tile(column, 2) for column in (gains, lengths_1, lengths_2)]
    twice = fit_length_controlled(*columns, difficulties=np.tile(gamma, 2), instructions=names * 2)
    as_new = fit_length_controlled(*columns, difficulties=np.tile(gamma, 2))
    assert once.sampling_error is not None
    assert twice.sampling_error == pytest.approx(once.sampling_error, rel=0.02)
    assert as_new.sampling_error == pytest.approx(once.sampling_error / math.sqrt(2), rel=0.02)


def test_gamed_rows_hold_the_length_weight_a_model_says_little_about() -> None:
    rng = np.random.default_rng(5)
    lengths_1 = rng.integers(900, 1100, 60)
    lengths_2 = lengths_1 + rng.integers(-1, 2, 60)
    gains = rng.integers(0, 2, 60).astype(float)
    gamed_lengths = rng.normal(0, 1.5, 2000)
    gamed = Gamed(sigmoid(-3 * np.tanh(gamed_lengths)), gamed_lengths, np.zeros(2000))
    alone = fit_length_controlled(gains, lengths_1, lengths_2)
    held = fit_length_controlled(gains, lengths_1, lengths_2, gamed=gamed)
    assert abs(alone.weights.length) < 1
    assert held.weights.length == pytest.approx(-1.8, abs=0.3)  # 60 rows of chance pull it


def test_rows_without_a_preference_take_no_part_in_the_fit() -> None:
    gains, lengths_1, lengths_2, gamma = simulated(4, size=200)
    present = np.arange(200) % 10 != 0
    with_nan = np.where(present, gains, np.nan)
    found = fit_length_controlled(with_nan, lengths_1, lengths_2, difficulties=gamma, present=present)
    assert math.isfinite(found.win_rate)
    assert found.sampling_error is not None
    assert math.isfinite(found.sampling_error)


def test_too_little_is_said_in_words() -> None:
    with pytest.raises(DataError, match="3 judged pairs with lengths are too few"):
        fit_length_controlled([1, 0, 1], [1, 2, 3], [4, 5, 7])
    with pytest.raises(DataError, match="same length"):
        fit_length_controlled([1, 0] * 20, [10] * 40, [15] * 40)


def test_the_baseline_itself_is_50_by_definition() -> None:
    own = Annotation(instruction="1", generator_1="base", generator_2="base", preference=1.5)
    assert controlled_rate([own], LengthControl()).win_rate == 50


def of(instruction: str, index: int | None = None) -> Annotation:
    return Annotation(instruction=instruction, index=index, generator_1="b", generator_2="m", preference=2)


def test_a_missing_row_shifts_positions_and_not_instructions() -> None:
    gamma = Difficulties({0: 10.0, 1: 11.0, 2: 12.0})
    rows = [of("#0", 0), of("#2", 2)]
    assert difficulty_of_each(rows, gamma).tolist() == [10, 12]
    assert difficulty_of_each(rows, gamma, by=JoinBy.POSITION).tolist() == [10, 11]


def test_texts_join_by_the_numbered_prompt_set_also_where_one_stands_twice() -> None:
    gamma = with_texts(Difficulties({0: 10.0, 1: 11.0, 2: 12.0}), ["x", "y", "x"])
    assert difficulty_of_each([of("y"), of("x"), of("x")], gamma).tolist() == [11, 10, 12]
    with pytest.raises(DataError, match="give the numbered prompt set with --prompts"):
        difficulty_of_each([of("z")], gamma)
    with pytest.raises(DataError, match="no difficulty for instruction 7"):
        difficulty_of_each([replace(of("x"), index=7)], gamma)
