"""Numbers about a data set, worked by hand, and held-out records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.records import Lengths, Record, Turn, describe, holdout
from tunewright.records.ids import SeenIds

# Words of prompt and output: 4 to 2, the same again, 4 to 1 (so the prompt is contested), 1 to 5.
RECORDS = [
    Record(id="1", instruction="one two", output="a b", input="three four"),
    Record(id="2", instruction="one two", output="a b", input="three four", explanation="why"),
    Record(id="3", instruction="one two", output="c", input="three four", system="s s s"),
    Record(
        id="4", instruction="x", output="a b c d e", history=(Turn("user", "u"), Turn("assistant", "v w"))
    ),
]


def test_a_summary_counts_words_shares_and_repeats() -> None:
    summary = describe(iter(RECORDS))
    assert summary.num_records == 4
    # outputs 2 2 1 5: mean 2.5, median 2, p95 between the third and fourth, 2 + 0.85 * 3
    assert summary.words.fields["output"] == Lengths(4, 10, 2.5, 2.0, pytest.approx(4.55), 5)  # type: ignore[arg-type]
    assert summary.words.fields["input"] == Lengths(3, 6, 2.0, 2.0, 2.0, 2)
    assert summary.words.fields["explanation"] == Lengths(1, 1, 1.0, 1.0, 1.0, 1)
    assert summary.words.fields["history"].max == 3
    # prompts 4 4 4 1, mean 3.25; ratios 2 2 4 0.2
    assert summary.words.ratio_of_means == pytest.approx(1.3)
    assert summary.words.median_ratio == pytest.approx(2.0)
    assert (summary.share_with_input, summary.share_with_explanation) == (0.75, 0.25)
    assert (summary.share_with_system, summary.share_with_history) == (0.25, 0.25)
    assert (summary.num_exact_duplicates, summary.num_contested_prompts) == (1, 1)
    assert summary.tokens is None


def test_the_same_in_tokens_when_a_counter_is_given() -> None:
    summary = describe(RECORDS, count_tokens=lambda texts: [len(text) for text in texts])
    assert summary.tokens is not None
    assert summary.tokens.fields["instruction"] == Lengths(4, 22, 5.5, 7.0, 7.0, 7)
    # prompts 17 17 17 1, outputs 3 3 1 9
    assert summary.tokens.ratio_of_means == pytest.approx(52 / 16)


def test_nothing_has_no_summary() -> None:
    with pytest.raises(DataError, match="no records"):
        describe([])


many = [
    Record(id=f"r{number}", instruction=f"q{number}", output="a", meta={"doc": number % 7})
    for number in range(50)
]


@given(st.permutations(many), st.integers(min_value=1, max_value=49))
def test_the_same_records_are_held_out_in_any_order(order: list[Record], n: int) -> None:
    rest, held = holdout(order, n, seed=3)
    assert len(held) == n
    assert {record.id for record in held} == {record.id for record in holdout(many, n, seed=3)[1]}
    assert sorted(rest + held, key=order.index) == order


def test_seeds_hold_out_different_records_and_keep_the_order() -> None:
    first = holdout(many, 10, seed=0)[1]
    assert first != holdout(many, 10, seed=1)[1]
    assert first == sorted(first, key=many.index)


def test_equal_prompts_are_never_parted() -> None:
    """A row that is trained on and measured as held out would measure memory."""
    twice = [
        Record(id=f"{letter}{n}", instruction=f"q{n}", output=letter) for n in range(30) for letter in "ab"
    ]
    rest, held = holdout(twice, 21, seed=0)
    assert len(held) == 20
    assert not {record.instruction for record in rest} & {record.instruction for record in held}


def test_groups_stay_together() -> None:
    rest, held = holdout(many, 20, seed=0, group_by="doc")
    assert not {record.meta["doc"] for record in rest} & {record.meta["doc"] for record in held}
    assert 14 <= len(held) <= 20


@pytest.mark.parametrize("n", [0, 50, -1])
def test_one_record_at_least_is_on_each_side(n: int) -> None:
    with pytest.raises(DataError, match=f"cannot hold out {n} of 50"):
        holdout(many, n, seed=0)


def test_groups_that_cannot_be_made_are_errors() -> None:
    with pytest.raises(DataError, match="record r0 has no column 'page'"):
        holdout(many, 5, seed=0, group_by="page")
    with pytest.raises(DataError, match="the smallest has 7"):
        holdout(many, 5, seed=0, group_by="doc")


@given(st.lists(st.sampled_from(["a", "b", "a~2", "a~2~2", "b~3"]), max_size=30))
def test_ids_are_never_given_twice(wanted: list[str]) -> None:
    seen = SeenIds()
    given_ids = [seen.unique(name) for name in wanted]
    assert len(set(given_ids)) == len(wanted)
    assert all(got.startswith(name) for got, name in zip(given_ids, wanted, strict=True))


def test_ids_are_remembered_past_the_growth_of_the_table() -> None:
    seen = SeenIds()
    assert all(seen.unique(str(number)) == str(number) for number in range(5000))
    assert all(seen.unique(str(number)) == f"{number}~2" for number in range(5000))
