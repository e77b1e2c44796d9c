"""Edits of words, and agreement on them, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tunewright.coach.edits import Agreement, Edit, agreement, edits_between
from tunewright.records.record import Record

RECORD = Record(id="1", instruction="Name it.", input="He go home.", output="Yes")


def test_an_edit_is_a_place_and_what_stands_there_instead() -> None:
    revised = replace(RECORD, input="He goes home.", output="")
    # words, spaces and signs are counted: He, space, go, space, home, stop
    assert edits_between(RECORD, revised) == {Edit("input", 2, 3, "goes"), Edit("output", 0, 1, "")}


def test_precision_recall_and_f_half_by_hand() -> None:
    wanted = frozenset({Edit("input", 2, 3, "goes"), Edit("output", 0, 1, "No")})
    made = frozenset(
        {Edit("input", 2, 3, "goes"), Edit("input", 4, 5, "away"), Edit("output", 0, 1, "Maybe")}
    )
    found = agreement([(made, wanted), (frozenset(), frozenset())])
    assert found == Agreement(num_made=3, num_wanted=2, num_both=1)
    assert found.precision == 1 / 3
    assert found.recall == 1 / 2
    assert found.f_half is not None
    assert abs(found.f_half - (1.25 * (1 / 3) * (1 / 2)) / (0.25 * (1 / 3) + 1 / 2)) < 1e-12


def test_nothing_to_share_has_no_share() -> None:
    assert agreement([]) == Agreement(0, 0, 0)
    assert (Agreement(0, 0, 0).precision, Agreement(0, 0, 0).recall, Agreement(0, 0, 0).f_half) == (None,) * 3


texts = st.text(max_size=40)


@given(before=texts, after=texts)
def test_equal_texts_have_no_edits_and_others_have_some(before: str, after: str) -> None:
    edits = edits_between(replace(RECORD, output=before), replace(RECORD, output=after))
    assert bool(edits) == (before != after)
