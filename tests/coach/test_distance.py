"""Distances of revisions: CoachLM's numbers, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.revisions import published, revision
from tunewright.coach.distance import field_distance, flat_distance, flat_distances, num_kept
from tunewright.coach.read_revisions import read_revisions


def test_the_distance_is_over_the_whole_labelled_line() -> None:
    # An input that comes in costs its six letters and " Input: ", eight more characters.
    assert flat_distance(revision(input=("", "Europe"), output=("a", "a"))) == 14
    assert flat_distance(revision(output=("Rhine", "Rhone"))) == 1


def test_an_explanation_is_not_in_the_published_distance_but_has_its_own() -> None:
    only = revision(output=("B", "B"), explanation=("", "Because."))
    assert flat_distance(only) == 0
    assert field_distance(only, "explanation") == 8


def test_characters_are_counted_not_bytes() -> None:
    assert flat_distance(revision(output=("東京", "京都"))) == 2
    assert flat_distance(revision(output=("🥘", ""))) == 1


@given(st.text(max_size=30), st.text(max_size=30))
def test_both_ways_are_equally_far(one: str, other: str) -> None:
    assert flat_distance(revision(output=(one, other))) == flat_distance(revision(output=(other, one)))


@pytest.mark.parametrize(
    ("alpha", "total", "kept"),
    [
        (0.5, 2301, 1150),  # 1150.5: half to even, as in the paper's table
        (0.3, 2301, 690),
        (0.6, 2301, 1381),
        (0.29, 50, 14),  # 14.5 as written; as a binary fraction it is 14.499999999999998
        (0.07, 150, 10),  # 10.5
        (1.0, 7, 7),
        (0.1, 1, 0),
    ],
)
def test_alpha_keeps_its_share_rounded_half_to_even(alpha: float, total: int, kept: int) -> None:
    assert num_kept(alpha, total) == kept


def test_stored_distances_of_the_release_come_out() -> None:
    revisions = list(read_revisions(published("expert_revisions.json")))
    found = flat_distances(revisions)
    stored = [one.meta["Distance"] for one in revisions]
    assert len(found) == 2301
    assert sum(a == b for a, b in zip(found, stored, strict=True)) == 2290
    assert sum(abs(a - b) <= 2 for a, b in zip(found, stored, strict=True)) == 2300
