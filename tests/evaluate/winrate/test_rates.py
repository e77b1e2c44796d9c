"""Preferences, rates, places and paired tests, with values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.evaluate.intervals import Interval
from tunewright.evaluate.winrate.bias import (
    longer_preferred,
    parse_failures,
    position_bias,
    self_preference,
)
from tunewright.evaluate.winrate.comparisons import pair_tests, paired_t_p, separability
from tunewright.evaluate.winrate.preference import (
    Annotation,
    MergeRule,
    Status,
    Verdict,
    merge_verdicts,
    read_preference,
    seen_from,
    turned,
    verdict_of_scores,
)
from tunewright.evaluate.winrate.rates import interval_over_instructions, rates

VERDICTS: tuple[Verdict, ...] = ("a", "b", "tie", "unparsed", "error")


def pair(
    instruction: str,
    preference: float | None,
    *,
    model: str = "m",
    status: Status = "judged",
    lengths: tuple[int, int] = (10, 20),
    judge: str = "",
    question: str = "",
    verdicts: tuple[Verdict | None, Verdict | None] = (None, None),
) -> Annotation:
    return Annotation(
        instruction=instruction,
        generator_1="base",
        generator_2=model,
        preference=preference,
        status=status,
        len_1=lengths[0],
        len_2=lengths[1],
        annotator=judge,
        question=question,
        verdicts=verdicts,
    )


def test_the_rates_are_those_of_the_definitions() -> None:
    """p − 1 is 1, 1, 0.5, 0: mean .625; deviations .375, .375, −.125, −.625, squares' sum .6875."""
    found = rates([pair("1", 2), pair("2", 2), pair("3", 1.5), pair("4", 1)])
    assert found.win_rate == 62.5
    assert found.standard_error == pytest.approx(100 * math.sqrt(0.6875 / 3) / 2)
    assert (found.num_wins, found.num_draws, found.num_losses, found.num_judged) == (2, 1, 1, 4)
    assert found.wr1 == found.discrete_win_rate == 62.5  # (2 + 1/2)/4
    assert found.wr2 == pytest.approx(200 / 3)  # 2/(4 − 1)
    assert found.quality_score == 75  # (2 + 1)/4
    assert found.mean_length_chars == 20


def test_a_hesitant_preference_is_a_win_in_the_discrete_rate_and_no_draw() -> None:
    found = rates([pair("1", 1.51), pair("2", 1.49)])
    assert found.num_draws == 0
    assert found.discrete_win_rate == 50
    assert found.win_rate == pytest.approx(50)


def test_what_has_no_preference_is_counted_and_in_no_rate() -> None:
    missing = [
        pair("2", None, status="unparsed"),
        pair("3", None, status="error"),
        pair("4", None, status="missing"),
    ]
    found = rates([pair("1", 2), *missing])
    assert (found.win_rate, found.num_judged, found.num_draws) == (100, 1, 0)
    assert (found.num_unparsed, found.num_errors, found.num_missing, found.num_dropped) == (1, 1, 1, 3)
    assert found.standard_error is None


def test_the_mean_of_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match="no preference can be read \\(1 unparsed\\)"):
        rates([pair("1", None, status="unparsed")])
    with pytest.raises(DataError, match="no comparison at all"):
        rates([])


def test_all_draws_have_no_wr2() -> None:
    assert rates([pair("1", 1.5), pair("2", 1.5)]).wr2 is None


def test_an_interval_of_wins_alone_has_a_width() -> None:
    """Wilson's lower end is n/(n + z²), z = 1.96: 3/6.8415 for three instructions, each judged twice."""
    won = [
        Annotation(instruction=text, generator_1="b", generator_2="m", preference=2, turn=turn)
        for text in "xyz"
        for turn in (1, 2)
    ]
    found = rates(won).interval
    assert (found.low, found.high) == (pytest.approx(43.85, abs=0.01), 100)
    lost = rates([turned(one) for one in won]).interval
    assert (lost.low, lost.high) == (0, pytest.approx(56.15, abs=0.01))


def test_turns_of_a_question_are_drawn_together() -> None:
    """Ten questions whose two turns always agree say as much as ten answers, not as twenty: the interval
    is that of ten, wider than that of twenty by about √2."""
    values = np.array([100.0, 0.0] * 5).repeat(2)
    questions = [str(number // 2) for number in range(20)]
    together = interval_over_instructions(values, questions)
    ten = interval_over_instructions(values[::2], questions[::2])
    apart = interval_over_instructions(values, [str(number) for number in range(20)])
    assert together == ten
    assert together.high - together.low > 1.2 * (apart.high - apart.low)


def test_preferences_of_old_files_and_missing_ones_are_read() -> None:
    assert read_preference(0, where="x") == 1.5
    assert read_preference("1.25", where="x") == 1.25
    assert read_preference(None, where="x") is None
    assert read_preference(float("nan"), where="x") is None
    for wrong in (3, -1, "two", True, False):
        with pytest.raises(DataError, match="x: the preference is"):
            read_preference(wrong, where="x")


@pytest.mark.parametrize(
    ("first", "second", "both", "majority"),
    [
        ("b", "a", 2.0, 2.0),  # both name answer 2
        ("a", "b", 1.0, 1.0),
        ("b", "tie", 1.5, 2.0),
        ("tie", "b", 1.5, 1.0),
        ("a", "a", 1.5, 1.5),  # the place wins twice
        ("tie", "tie", 1.5, 1.5),
        ("b", None, 2.0, 2.0),
    ],
)
def test_verdicts_of_both_orders_merge(
    first: Verdict, second: Verdict | None, both: float, majority: float
) -> None:
    assert merge_verdicts(first, second, MergeRule.BOTH) == (both, "judged")
    assert merge_verdicts(first, second, MergeRule.MAJORITY) == (majority, "judged")


@given(st.sampled_from(VERDICTS), st.sampled_from(VERDICTS), st.sampled_from(MergeRule))
def test_merging_does_not_care_who_is_the_baseline(first: Verdict, second: Verdict, rule: MergeRule) -> None:
    preference, status = merge_verdicts(first, second, rule)
    other, its_status = merge_verdicts(second, first, rule)
    assert status == its_status
    assert (preference is None) == bool({first, second} & {"unparsed", "error"})  # never a tie
    assert preference is None or other is None or preference + other == 3


@given(st.one_of(st.none(), st.floats(1, 2)), st.sampled_from(VERDICTS), st.sampled_from(VERDICTS))
def test_turning_twice_changes_nothing(preference: float | None, first: Verdict, second: Verdict) -> None:
    one = pair(
        "1", preference, status="missing" if preference is None else "judged", verdicts=(first, second)
    )
    back = turned(turned(one))
    assert back.preference == pytest.approx(preference) if preference else back.preference is None
    assert (back.generator_1, back.len_1, back.verdicts) == ("base", 10, (first, second))
    assert turned(one).verdicts == (second, first)


def test_scores_give_a_verdict_and_a_missing_one_none() -> None:
    assert [verdict_of_scores(*two) for two in [(7, 3), (3, 7), (5, 5), (None, 5)]] == [
        *("a", "b", "tie"),
        "unparsed",
    ]


def test_the_baseline_is_found_or_asked_for() -> None:
    a_b = Annotation(instruction="1", generator_1="a", generator_2="b", preference=2)
    c_a = Annotation(instruction="1", generator_1="c", generator_2="a", preference=2)
    with pytest.raises(DataError, match="2 models stand as answer 1 \\(a, c\\)"):
        seen_from([a_b, c_a], None)
    seen = seen_from([a_b, c_a], "a")
    assert [(one.generator_1, one.generator_2, one.preference) for one in seen] == [
        ("a", "b", 2),
        ("a", "c", 1),
    ]
    with pytest.raises(DataError, match="no comparison has the baseline 'z'"):
        seen_from([a_b], "z")


def test_places_are_counted_over_pairs_with_two_readable_verdicts() -> None:
    found = position_bias(
        [
            pair("1", 2, verdicts=("b", "a")),  # consistent, one first of two
            pair("2", 1.5, verdicts=("a", "a")),  # the first place twice
            pair("3", 1.5, verdicts=("tie", "tie")),  # consistent, no choice
            pair("4", None, status="unparsed", verdicts=("a", "unparsed")),
            pair("5", 1, verdicts=("a", None)),  # one order says nothing about places
        ]
    )
    assert (found.consistency.count, found.consistency.of) == (2, 3)
    assert (found.first.count, found.first.of) == (3, 4)
    assert (found.twice_first, found.twice_second) == (1, 0)
    assert position_bias([pair("1", 2)]).consistency.share is None


def test_the_longer_one_is_counted_where_there_is_a_winner_and_a_longer_one() -> None:
    found = longer_preferred(
        [
            pair("1", 2, lengths=(1, 2)),
            pair("2", 1, lengths=(3, 2)),
            pair("3", 1, lengths=(1, 2)),
            pair("4", 2, lengths=(2, 2)),
            pair("5", 1.5, lengths=(1, 2)),
        ]
    )
    assert (found.count, found.of) == (2, 3)


def test_parse_failures_are_of_verdicts_where_they_are_kept() -> None:
    found = parse_failures(
        [
            pair("1", 2, verdicts=("b", "a")),
            pair("2", None, status="unparsed", verdicts=("unparsed", "a")),
            pair("3", None, status="error"),
            pair("4", None, status="missing"),
        ]
    )
    assert (found.num_asked, found.unparsed.count, found.errors.count) == (5, 1, 1)


def test_self_preference_is_against_other_judges_on_the_same_pairs() -> None:
    """Judge m gives its own model 1 and 0.5; judge j gives it 0 on the first, and has not seen the second."""
    [found] = self_preference(
        [
            pair("1", 2, judge="m"),
            pair("2", 1.5, judge="m"),
            pair("1", 1, judge="j"),
            pair("9", 2, judge="j"),
        ]
    )
    assert (found.annotator, found.generator, found.own, found.num_own) == ("m", "m", 75, 2)
    assert (found.num_compared, found.others, found.difference) == (1, 0, 100)
    [alone] = self_preference([pair("1", 2, judge="x")], {"x": "m"})
    assert (alone.own, alone.difference, alone.interval) == (100, None, None)


def test_models_are_paired_by_instruction_and_corrected() -> None:
    """a − b on the four in common: 1, 1, 0, 1. Mean .75, sd .5, t = .75/.25 = 3, df 3: p = .0577."""
    a = [pair(str(n), 2, model="a") for n in range(4)] + [pair("only a", 1, model="a")]
    b = [pair(str(n), 2 if n == 2 else 1, model="b") for n in range(4)]
    [test] = pair_tests({"a": a, "b": b})
    assert (test.num_instructions, test.difference, test.only_a, test.only_b) == (4, 75, 3, 0)
    assert test.p == pytest.approx(0.05766888562243733)
    assert test.p_holm == test.p
    assert test.p_mcnemar == pytest.approx(0.25)  # 2·(1/2)³
    c = [pair(str(n), 1, model="c") for n in range(4)]
    three = {(t.model_a, t.model_b): t for t in pair_tests({"a": a, "b": b, "c": c})}
    assert three["a", "c"].p_holm == 0
    assert three["a", "b"].p_holm == pytest.approx(2 * 0.05766888562243733)


def test_models_without_a_common_instruction_are_not_tested() -> None:
    [test] = pair_tests({"a": [pair("1", 2)], "b": [pair("2", 1)]})
    assert (test.p, test.p_holm, test.difference, test.num_instructions) == (None, None, None, 0)
    assert not test.is_shown()


def test_equal_models_have_p_1_and_one_pair_no_test() -> None:
    assert paired_t_p(np.zeros(3)) == 1
    with pytest.raises(ValueError, match="two pairs"):
        paired_t_p(np.ones(1))


def test_separability_is_the_share_of_pairs_apart() -> None:
    apart = [Interval(0, 1), Interval(1, 2), Interval(3, 4)]  # the first two touch
    assert separability(apart) == pytest.approx(2 / 3)
    assert separability(apart[:1]) is None
