"""Edits of words, and agreement on them, worked out by hand."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tunewright.coach.edits import Agreement, Edit, agreement, edits_between, words_and_signs
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


@given(before=texts, after=texts)
def test_the_edits_make_the_revised_text(before: str, after: str) -> None:
    edits = edits_between(replace(RECORD, output=before), replace(RECORD, output=after))
    parts = words_and_signs(before)
    assert "".join(parts) == before
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        parts[edit.start : edit.stop] = [edit.text]
    assert "".join(parts) == after


def test_a_letter_of_a_script_without_spaces_is_a_part() -> None:
    revised = replace(RECORD, output="我去家")
    assert edits_between(replace(RECORD, output="我回家"), revised) == {Edit("output", 1, 2, "去")}


def test_long_rewritten_texts_take_no_time() -> None:
    """Ten times the length at which difflib took more than a second for each."""
    rng = random.Random(1)
    old, new = (" ".join(f"w{rng.randrange(400)}" for _ in range(14_000)) for _ in range(2))
    started = time.process_time()
    edits = edits_between(replace(RECORD, output=old), replace(RECORD, output=new))
    assert time.process_time() - started < 5
    assert len(edits) > 1_000  # told one by one
