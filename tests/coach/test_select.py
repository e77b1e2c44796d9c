"""Which revisions are chosen: the order, the cut, the table of the paper, and the other measures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.revisions import published, revision
from tunewright.coach.distance import num_kept
from tunewright.coach.read_revisions import read_revisions
from tunewright.coach.select import (
    ALPHAS,
    alpha_row,
    by_distance,
    by_diversity,
    by_field,
    by_gain,
    facts_of,
    gain_of,
    overlap,
    rank,
)
from tunewright.coach.select_config import By
from tunewright.records import Record

scores = st.lists(st.integers(0, 5).map(float), max_size=12)


def test_the_largest_distance_comes_first() -> None:
    """A public reproduction sorts the other way round, and so trains on the smallest revisions."""
    small, large, middle = (revision(output=("", "x" * n)) for n in (1, 9, 5))
    ranking = by_distance([small, large, middle])
    assert ranking.order == (1, 2, 0)
    assert ranking.cut(1).chosen == (1,)


def test_of_equal_ones_the_first_in_the_file_come_first_and_ties_are_counted() -> None:
    cut = rank(By.DISTANCE, [3, 7, 3, 3]).cut(2)
    assert cut.chosen == (1, 0)
    assert (cut.score, cut.num_at_cut, cut.num_chosen_at_cut, cut.num_tied_out) == (3, 3, 1, 2)


def test_what_has_no_score_comes_last() -> None:
    ranking = rank(By.RATING_GAIN, [math.nan, -2, 1])
    assert ranking.order == (2, 1, 0)
    cut = ranking.cut(3)
    assert (cut.score, cut.num_tied_out) == (None, 0)


@given(scores, st.integers(0, 12))
def test_nothing_left_is_better_than_anything_chosen(found: list[float], num: int) -> None:
    ranking = rank(By.DISTANCE, found)
    assert sorted(ranking.order) == list(range(len(found)))
    chosen = ranking.cut(num).chosen
    left = set(range(len(found))) - set(chosen)
    assert all(found[one] >= found[other] for one in chosen for other in left)
    assert set(ranking.cut(max(0, num - 1)).chosen) <= set(chosen)


def test_the_table_of_the_paper_comes_out() -> None:
    revisions = list(read_revisions(published("expert_revisions.json")))
    ranking = by_distance(revisions)
    facts = [facts_of(one) for one in revisions]
    rows = [alpha_row(alpha, facts, ranking, ranking) for alpha in ALPHAS]
    assert [(row["n"], row["smallest_distance"]) for row in rows] == [
        (230, 861),
        (460, 562),
        (690, 402),
        (920, 303),
        (1150, 222),
        (1381, 148),
        (1611, 96),
        (1841, 68),
        (2071, 49),
        (2301, 31),
    ]
    assert rows[2]["num_tied_out"] == 0
    words = [
        (round(r["mean_words"]["response"]["before"], 1), round(r["mean_words"]["response"]["after"], 1))
        for r in rows
    ]
    assert (words[2], words[9]) == ((67.8, 171.6), (46.5, 88.3))
    assert sum(bool({"instruction", "input"} & set(one.changed)) for one in revisions) == 671


def test_a_field_is_ranked_by_its_own_distance() -> None:
    both = [revision(output=("a", "abcd")), revision(input=("", "ab"), output=("a", "a"))]
    assert by_field(both, By.OUTPUT).scores == (3, 0)
    assert by_field(both, By.INPUT).order == (1, 0)


def test_a_gain_is_a_column_two_columns_or_a_rating_of_both_records() -> None:
    assert gain_of(revision(rating_before=3.5, rating_after=4.5), "rating_before,rating_after") == 1.0
    assert gain_of(revision(gain="0.5"), "gain") == 0.5
    rated = revision()
    before = Record("r1", "i", "o", meta={"rating_accuracy": {"response": 2}})
    after = Record("r1", "i", "o", meta={"rating_accuracy": {"response": 5}})
    assert gain_of(type(rated)(before, after), "rating_accuracy.response") == 3
    assert gain_of(revision(rating_before=3.5), "rating_before,rating_after") is None
    assert by_gain([revision(), revision(rating_before=1, rating_after=2)]).order == (1, 0)


def test_diversity_takes_one_of_each_kind_before_a_second_of_any() -> None:
    def about(topic: str, times: int) -> list[str]:
        return [f"{topic} {topic} {topic} number {n}" for n in range(times)]

    texts = about("rivers", 6) + about("volcanoes", 3) + about("poems", 2)
    revisions = [revision(f"r{n}", instruction=("x", t), output=("x", t)) for n, t in enumerate(texts)]
    ranking = by_diversity(revisions, by_distance(revisions))
    kinds = [0 if n < 6 else 1 if n < 9 else 2 for n in ranking.order[:3]]
    assert kinds == [0, 1, 2]  # the most common first: it represents the most
    assert sorted(ranking.order) == list(range(11))
    falling = [ranking.scores[n] for n in ranking.order]
    assert falling == sorted(falling, reverse=True)


def test_diversity_of_some_is_the_beginning_of_diversity_of_all() -> None:
    revisions = [revision(f"r{n}", output=("", f"word{n % 4} and word{n % 3}")) for n in range(12)]
    distances = by_distance(revisions)
    some, all_of_them = by_diversity(revisions, distances, num_wanted=4), by_diversity(revisions, distances)
    assert some.order[:4] == all_of_them.order[:4]
    assert sorted(some.order) == list(range(12))


def test_an_alpha_that_keeps_none_has_no_means() -> None:
    one = [revision()]
    ranking = by_distance(one)
    row = alpha_row(0.1, [facts_of(one[0])], ranking, ranking)
    assert row == {
        "alpha": 0.1,
        "n": 0,
        "smallest_score": None,
        "smallest_distance": None,
        "num_at_cut": 0,
        "num_tied_out": 0,
    }
    assert num_kept(0.1, 1) == 0


def test_overlap_counts_what_both_choose() -> None:
    assert overlap([1, 2, 3], [3, 4, 1]) == 2


@pytest.mark.parametrize("texts", [("", ""), ("٣ كتب", "٣ كتب جديدة"), ("東京", "京都。")])
def test_texts_of_any_script_or_none_can_be_ranked(texts: tuple[str, str]) -> None:
    revisions = [revision(output=texts), revision("r2", output=texts)]
    assert by_diversity(revisions, by_distance(revisions)).order == (0, 1)
