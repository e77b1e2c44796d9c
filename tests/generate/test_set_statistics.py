"""Key positions and key lengths over a set: chi-square statistics worked by hand."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.generate.item_view import ItemView, view_of
from tunewright.generate.items import generate_items
from tunewright.generate.set_statistics import chi_square, set_statistics
from tunewright.records import Record


def view(key: str, *texts: str) -> ItemView:
    return view_of(Record(id="r", instruction="x", output=key, meta={"options": list(texts), "key": key}))


def test_even_positions_have_statistic_zero_and_p_one() -> None:
    found = set_statistics(view(key, "a", "b", "c") for key in "ABCABC")
    assert found is not None
    assert (found.position_statistic, found.position_freedom, found.position_p) == (0.0, 2, 1.0)


def test_positions_are_tested_against_even_use() -> None:
    """Twenty keys at A and none elsewhere, five expected each: (20−5)²/5 + 3·(0−5)²/5 = 60."""
    found = set_statistics(view("A", "a", "b", "c", "d") for _ in range(20))
    assert found is not None
    (size,) = found.by_size
    assert size.positions.counts == (20, 0, 0, 0)
    assert size.positions.statistic == pytest.approx(60)
    assert not size.positions.is_rough
    assert found.position_p is not None
    assert found.position_p == pytest.approx(5.8e-13, rel=0.02)


def test_items_with_other_numbers_of_options_are_tested_apart_and_added() -> None:
    """Three of three at A: (3−1)²/1 + 1 + 1 = 6; four of four at A: (4−1)²/1 + 3 = 12; together 18."""
    views = [view("A", "a", "b", "c")] * 3 + [view("A", "a", "b", "c", "d")] * 4
    found = set_statistics(views)
    assert found is not None
    assert [one.num_options for one in found.by_size] == [3, 4]
    assert found.position_statistic == pytest.approx(18)
    assert found.position_freedom == 5
    assert all(one.positions.is_rough for one in found.by_size)


def test_only_items_with_one_longest_option_say_anything_of_key_length() -> None:
    """Of four items with one longest option the key is it three times, one is expected:
    (3−1)²/1 + (1−3)²/3 = 5.333…; the tie is an item like others for the share, 3 of 5."""
    views = [view("A", "long", "b", "c", "d")] * 3 + [view("B", "long", "b", "c", "d")]
    views.append(view("A", "aaaa", "bbbb", "c", "d"))
    found = set_statistics(views)
    assert found is not None
    assert found.by_size[0].longest.counts == (3, 1)
    assert found.length_statistic == pytest.approx(16 / 3)
    assert found.length_p == pytest.approx(0.0209, abs=1e-4)
    assert found.key_longest == 3 / 5
    assert found.chance == 1 / 5


def test_the_single_shortest_option_is_counted_too() -> None:
    found = set_statistics([view("B", "aaa", "b", "ccc"), view("A", "aaa", "b", "ccc")])
    assert found is not None
    assert found.by_size[0].shortest.counts == (1, 1)


def test_a_set_without_a_longest_option_has_no_p_for_length() -> None:
    found = set_statistics([view("A", "a", "b", "c")])
    assert found is not None
    assert found.length_p is None
    assert found.position_p is not None


def test_items_without_exactly_one_key_do_not_count() -> None:
    assert set_statistics([]) is None
    assert set_statistics([view("F", "a", "b", "c")]) is None


def test_the_embedded_items_use_all_places_evenly() -> None:
    found = set_statistics(view_of(record) for record in generate_items(1500, seed=2))
    assert found is not None
    assert found.position_p is not None
    assert found.position_p > 0.01


@given(st.lists(st.integers(0, 30), min_size=2, max_size=6))
def test_the_statistic_does_not_depend_on_the_order_of_the_cells(counts: list[int]) -> None:
    shares = [1 / len(counts)] * len(counts)
    shuffled = random.Random(0).sample(counts, len(counts))
    assert chi_square(counts, shares).statistic == pytest.approx(chi_square(shuffled, shares).statistic)


def test_p_is_about_uniform_where_positions_are_drawn_by_chance() -> None:
    """Of 400 sets of 80 shuffled items, some 5 % have p < 0.05 (binomial: 20 ± 4.4)."""
    rng = random.Random(1)
    small = 0
    for _ in range(400):
        counts = [0, 0, 0, 0]
        for _ in range(80):
            counts[rng.randrange(4)] += 1
        p = chi_square(counts, [0.25] * 4).p
        assert p is not None
        small += p < 0.05
    assert 7 <= small <= 33
