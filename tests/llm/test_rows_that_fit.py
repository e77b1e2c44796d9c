"""Rows that are decoded together: padded to one width, they must not outgrow the model."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.llm.decoding import Row, rows_that_fit


def row(num_prompt: int, max_tokens: int) -> Row:
    return Row(range(num_prompt), max_tokens, 0.0, 1.0, 0, random.Random(0))


def test_rows_that_all_fit_stay_one_batch_in_their_order() -> None:
    rows = [row(5, 10), row(2, 10)]
    assert rows_that_fit(rows, 15) == [rows]
    assert rows_that_fit(rows, None) == [rows]


def test_a_long_answer_to_a_short_prompt_is_not_padded_past_the_end() -> None:
    short, long = row(2, 14), row(10, 6)
    assert rows_that_fit([long, short], 16) == [[short], [long]]


sizes = st.lists(st.tuples(st.integers(1, 16), st.integers(0, 15)), min_size=1, max_size=12)


@given(sizes=sizes)
def test_every_row_is_in_one_group_and_no_group_is_too_wide(sizes: list[tuple[int, int]]) -> None:
    rows = [row(prompt, min(new, 16 - prompt) or 0) for prompt, new in sizes]
    groups = rows_that_fit(rows, 16)
    assert sorted(map(id, rows)) == sorted(id(one) for group in groups for one in group)
    for group in groups:
        assert max(len(one.prompt) for one in group) + max(one.max_tokens for one in group) <= 16


@pytest.mark.parametrize("widest", [None, 100])
def test_no_rows_are_no_trouble(widest: int | None) -> None:
    assert not any(rows_that_fit([], widest))
