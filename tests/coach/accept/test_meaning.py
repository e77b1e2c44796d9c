"""Meaning kept: n-gram similarity has its laws, and only what was there is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.accept.proposed import accept, again, revision
from tunewright.coach.accept import decide
from tunewright.coach.accept.meaning import similarity
from tunewright.errors import DataError, RecipeError


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["char", "word"]), st.integers(1, 4))
def test_similarity_is_symmetric_within_zero_and_one_and_one_for_equals(
    one: str, other: str, unit: str, n: int
) -> None:
    found = similarity(one, other, unit=unit, n=n)
    assert 0 <= found <= 1
    assert found == similarity(other, one, unit=unit, n=n)
    assert similarity(one, one, unit=unit, n=n) == 1


def test_similarity_of_bigrams_is_the_cosine_of_their_counts() -> None:
    """ab: (-a)(ab)(b-); abb: (-a)(ab)(bb)(b-): 3 shared of lengths √3 and √4."""
    assert similarity("ab", "abb", n=2) == pytest.approx(3 / (3 * 4) ** 0.5)
    assert similarity("one two", "one six", unit="word", n=1) == pytest.approx(0.5)


def test_case_and_white_space_do_not_count_and_strangers_share_nothing() -> None:
    assert similarity("A  Pear\n", "a pear") == 1
    assert similarity("pear", "brick") == 0
    assert similarity("pear", "") == 0


def test_an_instruction_about_something_else_is_rejected_and_a_mended_one_is_not(tmp_path: Path) -> None:
    proposals = [
        revision("mended", "x", "x", instruction="Nmae a fruit", to="Name a fruit."),
        revision("strange", "x", "x", instruction="Name a fruit", to="Who won the world cup in 1954?"),
    ]
    found = list(decide(accept(meaning={}), again(proposals), tmp_path))
    assert [one.reason for one in found] == ["", "meaning of the instruction changed"]
    assert found[0].scores["meaning.instruction"] > 0.5 > 0.1 > found[1].scores["meaning.instruction"]


def test_outputs_are_compared_only_with_a_limit_and_only_where_there_was_one(tmp_path: Path) -> None:
    proposals = [revision("anew", "A brick.", "Pears grow on trees."), revision("filled", "", "A pear.")]
    loose = decide(accept(meaning={}), again(proposals), tmp_path)
    strict = decide(accept(meaning={"response": 0.5}), again(proposals), tmp_path)
    assert [one.reason for one in loose] == ["", ""]
    assert [one.reason for one in strict] == ["meaning of the output changed", ""]


def test_vectors_of_the_proposals_can_decide(tmp_path: Path) -> None:
    np.save(tmp_path / "before.npy", np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]))
    np.save(tmp_path / "after.npy", np.array([[3.0, 4.0], [0.0, 1.0], [1.0, 1.0]]))
    files = {"before": str(tmp_path / "before.npy"), "after": str(tmp_path / "after.npy"), "least": 0.6}
    proposals = [revision(name, "x", "y") for name in "abc"]
    found = list(decide(accept(meaning={"embeddings": files}), again(proposals), tmp_path))
    assert [one.scores["meaning.embedding"] for one in found] == pytest.approx([0.6, 0, 0])
    assert [one.reason for one in found] == ["", *["meaning of the record changed"] * 2]
    with pytest.raises(DataError, match="has 3 rows, and 2 records were changed"):
        decide(accept(meaning={"embeddings": files}), again(proposals[:2]), tmp_path)


def test_a_table_that_compares_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="nothing to compare"):
        accept(meaning={"instruction": None})
