"""Statistics of ratings, against published numbers, worked examples and independent formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.rate.agreement import agreement, compare, pearson, quadratic_kappa, spearman
from tunewright.rate.criteria import load_criteria
from tunewright.rate.summary import Interval, ScoreSummary, mean_interval, summarise, wilson

ACCURACY = load_criteria("accuracy")
NAN = math.nan


def of(scores: list[float], **without: int) -> ScoreSummary:
    return summarise("response", scores, ACCURACY, without=without)


def published() -> list[float]:
    """52,002 ratings with 171 unparsable, worked backwards from CoachLM's figures.

    9,230 of at least 4.5 (11 of them above) are 17.75 % of all and 17.81 % of the 51,831 parsed; the mean
    3.955 then needs 34,847 fours beside 1,602 of 3.5 and 6,152 threes:
    (41,485.5 + 55 + 139,388 + 5,607 + 18,456) / 51,831 = 3.955.
    """
    return [4.5] * 9219 + [5.0] * 11 + [4.0] * 34_847 + [3.5] * 1602 + [3.0] * 6152 + [NAN] * 171


def test_the_published_shares_come_out_with_both_denominators() -> None:
    found = of(published(), unparsable=171)
    assert found.num_records == 52_002
    assert found.num_rated == 51_831
    assert found.without == {"unparsable": 171}
    assert (found.high_of_all.count, found.high_of_all.of) == (9230, 52_002)
    assert f"{100 * (found.high_of_all.share or 0):.2f}" == "17.75"
    assert f"{100 * (found.high_of_rated.share or 0):.2f}" == "17.81"
    assert f"{found.mean:.3f}" == "3.955"


def test_more_than_four_and_a_half_would_be_eleven_records() -> None:
    """The trap in the published text: "high quality" is ≥ 4.5."""
    assert sum(score > 4.5 for score in published()) == 11


def test_bins_are_half_open_and_count_every_rated_record_once() -> None:
    found = of([0, 3.4, 3.5, 3.9, 4, 4.5, 5, 5, NAN], unparsable=1)
    assert [(bin.label, bin.count) for bin in found.bins] == [
        ("[0, 3.5)", 2),
        ("[3.5, 4)", 2),
        ("[4, 4.5)", 1),
        ("[4.5, 5]", 3),
    ]
    assert found.bins[3].of_all == pytest.approx(3 / 9)
    assert found.bins[3].of_rated == pytest.approx(3 / 8)


def test_the_histogram_has_a_column_per_score() -> None:
    found = of([0, 0.5, 5, 5])
    assert [(bar.label, bar.count) for bar in found.histogram if bar.count] == [
        ("0", 1),
        ("0.5", 1),
        ("5", 2),
    ]
    assert len(found.histogram) == 11


def test_a_long_scale_has_twenty_columns() -> None:
    found = summarise("response", [0, 4.9, 5, 100], load_criteria("coachlm"), without={})
    assert [(bar.label, bar.count) for bar in found.histogram if bar.count] == [
        ("[0, 5)", 2),
        ("[5, 10)", 1),
        ("[95, 100]", 1),
    ]


@given(st.lists(st.sampled_from([*ACCURACY.scale.scores(), NAN]), min_size=1, max_size=60))
def test_all_counts_add_up(scores: list[float]) -> None:
    num_missing = sum(math.isnan(score) for score in scores)
    found = of(scores, unparsable=num_missing)
    assert (
        sum(bin.count for bin in found.bins) == sum(bar.count for bar in found.histogram) == found.num_rated
    )
    assert found.num_rated + sum(found.without.values()) == found.num_records == len(scores)


def test_no_record_has_no_summary() -> None:
    with pytest.raises(ValueError, match="no records"):
        of([])


def test_records_without_any_rating_have_no_mean_but_a_flag() -> None:
    found = of([NAN, NAN], refused=2)
    assert (found.mean, found.mean_interval, found.median, found.high_of_rated.share) == (None,) * 4
    assert found.high_of_all.share == 0
    assert found.flags == ("no record has this score",)


def test_a_rater_that_says_one_thing_is_flagged() -> None:
    found = of([4.0] * 9 + [5.0])
    assert found.flags == ("9 of 10 scores are 4: the rater hardly tells these records apart",)
    assert found.most_common == 4
    assert of([4.0] * 8 + [5.0] * 2).flags == ()


def test_expected_scores_that_hardly_differ_are_flagged_too() -> None:
    found = of([2.0 + number / 100 for number in range(10)])
    assert found.flags == (
        "10 of 10 scores lie within 0.25 of 2.045: the rater hardly tells these records apart",
    )


def test_many_missing_scores_are_flagged() -> None:
    found = of([1.0] * 10 + [2.0] * 8 + [NAN] * 2, unparsable=2)
    assert found.flags == ("2 of 20 records have no score: shares over the rated may mislead",)


def test_entropy_is_in_bits() -> None:
    assert of([1.0, 2.0, 3.0, 4.0]).entropy_bits == pytest.approx(2.0)
    assert of([4.0, 4.0]).entropy_bits == 0


def test_wilson_intervals_are_the_published_ones() -> None:
    """8 of 10: [.490, .943] (Brown, Cai and DasGupta 2001, and statsmodels); 0 of 10: [0, .2775]."""
    found = wilson(8, 10)
    assert (round(found.low, 4), round(found.high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 10) == Interval(0.0, pytest.approx(0.2775, abs=1e-4))
    assert wilson(10, 10) == Interval(pytest.approx(0.7225, abs=1e-4), 1.0)


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_wilson_interval_holds_its_share(pair: tuple[int, int]) -> None:
    count, of = pair
    found = wilson(count, of)
    assert 0 <= found.low <= count / of <= found.high <= 1


def test_the_interval_of_a_mean_is_about_two_standard_errors_wide() -> None:
    """400 scores, half 3 and half 5: sd 1, standard error .05, so about 4 ± .098."""
    found = mean_interval([3.0] * 200 + [5.0] * 200)
    assert found is not None
    assert found.low == pytest.approx(3.902, abs=0.015)
    assert found.high == pytest.approx(4.098, abs=0.015)


def test_one_value_has_no_interval_and_equal_ones_a_flat_one() -> None:
    assert mean_interval([3.0]) is None
    assert mean_interval([3.0, 3.0]) == Interval(3.0, 3.0)


def test_correlations_of_a_small_table() -> None:
    """x 1…5, y 2 1 4 3 5: deviations give r = 8/10; ranks are the values, so ρ is the same."""
    x, y = [1, 2, 3, 4, 5], [2, 1, 4, 3, 5]
    assert pearson(x, y) == pytest.approx(0.8)
    assert spearman(x, y) == pytest.approx(0.8)


def test_spearman_shares_ranks_between_ties() -> None:
    """Ranks 1.5 1.5 3 and 1 2.5 2.5: r = ((−.5)(−1) + (−.5)(.5) + (1)(.5)) / 1.5 = .5."""
    assert spearman([1, 1, 2], [5, 7, 7]) == pytest.approx(0.5)


def test_quadratic_kappa_is_cohens_for_whole_categories() -> None:
    """Ten pairs: 4 (1,1), 1 (1,2), 1 (2,1), 2 (2,2), 2 (3,3). Observed Σw = 2; expected with the
    margins 5, 3, 2 on both sides: (1·5·3·2 + 4·5·2·2 + 1·3·2·2) / 10 = 12.2; kappa = 1 − 2/12.2."""
    x = [1] * 4 + [1, 2] + [2] * 2 + [3] * 2
    y = [1] * 4 + [2, 1] + [2] * 2 + [3] * 2
    assert quadratic_kappa(x, y) == pytest.approx(1 - 2 / 12.2)


pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30)


@given(pairs)
def test_quadratic_kappa_agrees_with_the_weighted_table(both: list[tuple[int, int]]) -> None:
    x, y = zip(*both, strict=True)
    table = np.zeros((6, 6))
    for one, other in both:
        table[one, other] += 1
    weights = (np.arange(6)[:, None] - np.arange(6)) ** 2
    expected = np.outer(table.sum(1), table.sum(0)) / len(both)
    found = quadratic_kappa(x, y)
    if (weights * expected).sum() == 0:
        assert found is None
    else:
        assert found == pytest.approx(1 - (weights * table).sum() / (weights * expected).sum(), abs=1e-9)


@given(pairs)
def test_agreement_coefficients_are_symmetric_and_bounded(both: list[tuple[int, int]]) -> None:
    x, y = zip(*both, strict=True)
    for measure in (pearson, spearman, quadratic_kappa):
        found = measure(x, y)
        assert found == pytest.approx(measure(y, x))
        assert found is None or -1 <= found <= 1 + 1e-12


def test_agreement_with_people_counts_who_scored_what() -> None:
    model = {"a": 4.0, "b": 2.0, "c": 5.0, "d": None, "e": 3.0, "f": 4.5}
    human = {"a": 4.0, "b": 3.0, "c": 5.0, "d": 1.0, "e": 1.0}
    found = agreement("response", model, human, ACCURACY)
    assert (found.num_pairs, found.num_model_only, found.num_human_only) == (4, 1, 1)
    assert found.exact is not None
    assert (found.exact.count, found.exact.of) == (2, 4)
    assert found.close is not None
    assert (found.close.count, found.close_within) == (3, 1.0)
    assert (found.model_mean, found.human_mean) == (3.5, 3.25)
    assert found.problem == ""


def test_a_constant_side_makes_agreement_undefined_with_the_reason() -> None:
    found = agreement("response", {"a": 4.0, "b": 4.0}, {"a": 4.0, "b": 3.0}, ACCURACY)
    assert (found.pearson, found.spearman) == (None, None)
    assert found.problem == "undefined: no variation in the model's scores"
    assert found.quadratic_kappa == pytest.approx(0.0)


def test_unanimous_raters_have_no_kappa() -> None:
    assert quadratic_kappa([4, 4, 4], [4, 4, 4]) is None


def test_people_on_another_scale_get_correlations_only() -> None:
    found = agreement("response", {"a": 4.0, "b": 2.0}, {"a": 80.0, "b": 20.0}, ACCURACY)
    assert found.pearson == pytest.approx(1.0)
    assert (found.exact, found.close, found.quadratic_kappa) == (None, None, None)
    assert found.problem == "people scored outside the criteria's scale: only correlations are given"


def test_before_and_after_are_matched_by_id() -> None:
    before = {"a": 3.0, "b": 4.5, "c": 4.0, "d": None, "gone": 5.0}
    after = {"a": 4.5, "b": 4.0, "c": 4.0, "d": 5.0, "new": 1.0}
    found = compare("response", before, after, ACCURACY)
    assert (found.num_matched, found.num_only_before, found.num_only_after, found.num_both) == (4, 1, 1, 3)
    assert found.labels == ("[0, 3.5)", "[3.5, 4)", "[4, 4.5)", "[4.5, 5]", "no score")
    assert found.transitions == (
        (0, 0, 0, 1, 0),
        (0, 0, 0, 0, 0),
        (0, 0, 1, 0, 0),
        (0, 0, 1, 0, 0),
        (0, 0, 0, 1, 0),
    )
    assert (found.num_better, found.num_same, found.num_worse) == (1, 1, 1)
    assert found.mean_difference == pytest.approx(1 / 3)  # (1.5 − .5 + 0) / 3
    assert (found.high_before.count, found.high_after.count, found.high_after.of) == (1, 2, 4)


maybe = st.one_of(st.none(), st.sampled_from(ACCURACY.scale.scores()))
ratings = st.dictionaries(st.sampled_from("abcdefgh"), maybe)


@given(ratings, ratings)
def test_swapping_before_and_after_turns_the_table(
    one: dict[str, float | None], other: dict[str, float | None]
) -> None:
    there, back = compare("x", one, other, ACCURACY), compare("x", other, one, ACCURACY)
    assert there.transitions == tuple(zip(*back.transitions, strict=True))
    assert sum(map(sum, there.transitions)) == there.num_matched
    assert there.num_better == back.num_worse


def test_nothing_in_common_has_no_difference() -> None:
    found = compare("x", {"a": 1.0}, {"b": 1.0}, ACCURACY)
    assert (found.num_matched, found.mean_difference, found.high_before.share) == (0, None, None)
