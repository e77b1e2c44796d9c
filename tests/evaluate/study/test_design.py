"""The laws of a design: overlap exact, loads and positions balanced, whatever the numbers."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.evaluate.study.design import (
    balanced_orders,
    order_of_rater,
    raters_of_prompts,
    repeated_places,
)

SEEDS = st.integers(0, 10_000)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.data(), SEEDS)
def test_every_prompt_has_its_overlap_and_raters_loads_differ_by_one(
    num_prompts: int, num_raters: int, data: st.DataObject, seed: int
) -> None:
    overlap = data.draw(st.integers(1, num_raters))
    chosen = raters_of_prompts(num_prompts, num_raters, overlap, random.Random(seed))
    assert all(len(set(raters)) == overlap for raters in chosen)
    loads = Counter(rater for raters in chosen for rater in raters)
    counts = [loads[rater] for rater in range(num_raters)]
    assert max(counts) - min(counts) <= 1


def test_raters_share_prompts_with_each_other_about_equally() -> None:
    """60 prompts, 4 raters, pairs: each of the 6 pairs of raters gets 10, give or take one."""
    chosen = raters_of_prompts(60, 4, 2, random.Random(1))
    assert all(9 <= count <= 11 for count in Counter(chosen).values())
    assert len(Counter(chosen)) == 6


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(1, 6), SEEDS)
def test_each_treatment_comes_equally_often_in_each_block(
    num_prompts: int, num_treatments: int, seed: int
) -> None:
    prompts = [10 * number for number in range(num_prompts)]
    order = order_of_rater(prompts, num_treatments, random.Random(seed))
    assert sorted(order) == sorted((p, t) for p in prompts for t in range(num_treatments))
    for block in range(num_treatments):
        part = order[block * num_prompts : (block + 1) * num_prompts]
        assert sorted(prompt for prompt, _ in part) == prompts
        counts = Counter(treatment for _, treatment in part)
        assert max((counts[t] for t in range(num_treatments)), default=0) <= -(-num_prompts // num_treatments)
        assert min((counts[t] for t in range(num_treatments)), default=0) >= num_prompts // num_treatments


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(2, 6), SEEDS)
def test_a_prompt_never_follows_itself(num_prompts: int, num_treatments: int, seed: int) -> None:
    order = order_of_rater(list(range(num_prompts)), num_treatments, random.Random(seed))
    assert all(before[0] != after[0] for before, after in itertools.pairwise(order))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(1, 7), st.data(), SEEDS)
def test_half_of_each_raters_and_each_prompts_pairs_are_turned(
    num_prompts: int, num_raters: int, data: st.DataObject, seed: int
) -> None:
    overlap = data.draw(st.integers(1, num_raters))
    rng = random.Random(seed)
    chosen = raters_of_prompts(num_prompts, num_raters, overlap, rng)
    edges = [(rater, prompt) for prompt, raters in enumerate(chosen) for rater in raters]
    turned = balanced_orders(edges, rng)
    for side in (0, 1):
        balance: Counter[int] = Counter()
        for edge, is_turned in zip(edges, turned, strict=True):
            balance[edge[side]] += 1 if is_turned else -1
        assert all(abs(count) <= 1 for count in balance.values())


@settings(max_examples=50, deadline=None)
@given(st.integers(4, 40), st.integers(1, 5), st.sampled_from([0.0, 0.05, 0.2, 0.5]), SEEDS)
def test_repeats_are_as_many_as_asked_and_from_the_first_half(
    num_prompts: int, num_treatments: int, share: float, seed: int
) -> None:
    rng = random.Random(seed)
    order = order_of_rater(list(range(num_prompts)), num_treatments, rng)
    places = repeated_places(order, share, num_treatments, rng)
    assert len(places) == len(set(places)) == min(-(-len(order) * share // 1), len(order) // 2)
    assert all(place < len(order) // 2 for place in places)
