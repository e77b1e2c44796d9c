"""The efficiency experiment: what is counted, that intervals cover what they should, and what may be said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.review.efficiency import measure
from tunewright.review.efficiency_words import further, headline
from tunewright.review.model import Arm, Decision
from tunewright.review.timing import Timing, edit_distance

WITH, WITHOUT = Arm.WITH_DRAFT, Arm.WITHOUT_DRAFT


def timings_of(person: str, arm: Arm, seconds: list[float], first_item: int) -> list[Timing]:
    return [
        Timing(first_item + number, person, arm, Decision.EDIT, value) for number, value in enumerate(seconds)
    ]


def experiment(rng: np.random.Generator, *, people: int, saving: float, each: int = 60) -> list[Timing]:
    """Log-normal times; people differ in speed and in how many pairs of either arm they got."""
    rows: list[Timing] = []
    for person in range(people):
        speed = math.exp(rng.normal(0, 0.4))
        for number in range(each):
            arm = WITH if rng.random() < 0.5 else WITHOUT
            seconds = 180 * speed * math.exp(rng.normal(0, 0.7)) * (1 - saving if arm is WITH else 1)
            rows.append(Timing(person * each + number, f"p{person}", arm, Decision.EDIT, seconds))
    return rows


def test_a_saving_is_compared_within_each_person() -> None:
    """Ann takes 90 s and 100 s, Bob 450 s and 500 s: 10 % each, though Ann did most pairs with the draft and
    pooled means (150 against 433 s) would say 65 %."""
    rows = [
        *timings_of("ann", WITH, [80, 85, 90, 95, 100] * 4, 0),
        *timings_of("ann", WITHOUT, [90, 95, 100, 105, 110], 100),
        *timings_of("bob", WITH, [430, 440, 450, 460, 470], 200),
        *timings_of("bob", WITHOUT, [480, 490, 500, 510, 520] * 4, 300),
    ]
    found = measure(rows)
    assert found.saving is not None
    assert found.saving.share == pytest.approx(0.10)
    assert found.saving.interval.low < 0.10 < found.saving.interval.high
    # 25 pairs each: 25·90 + 25·450 s for 50 pairs with the draft
    assert found.arms[0].per_hour == pytest.approx(3600 * 50 / (25 * 90 + 25 * 450))
    assert found.arms[1].per_hour == pytest.approx(3600 * 50 / (25 * 100 + 25 * 500))
    assert [one.saving for one in found.people] == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize("people", [3, 5, 10])
def test_the_interval_covers_a_known_saving_of_18_percent_in_95_of_100_experiments(people: int) -> None:
    """250 experiments, so 91 to 98.4 % can be expected; `benchmarks/review_efficiency.py` has 2,000."""
    rng = np.random.default_rng(people)
    held = held_people = 0
    for _ in range(250):
        saving = measure(experiment(rng, people=people, saving=0.18)).saving
        assert saving is not None
        assert saving.among_people is not None
        held += saving.interval.low <= 0.18 <= saving.interval.high
        held_people += saving.among_people.low <= 0.18 <= saving.among_people.high
    assert 0.91 <= held / 250 <= 0.984
    assert 0.91 <= held_people / 250 <= 0.984


def test_pairs_that_two_people_did_count_as_one_draw() -> None:
    """Everybody's times repeated under a second name, on the same items, say no more about other items."""
    rng = np.random.default_rng(5)
    once = experiment(rng, people=4, saving=0.18)
    twice = [Timing(row.item, row.person + "x", row.arm, row.decision, row.seconds) for row in once]
    apart = [Timing(row.item + 1000, row.person, row.arm, row.decision, row.seconds) for row in twice]
    one, shared, own = (measure(rows).saving for rows in (once, [*once, *twice], [*once, *apart]))
    assert one is not None
    assert shared is not None
    assert own is not None
    width = one.interval.high - one.interval.low
    assert shared.interval.high - shared.interval.low == pytest.approx(width, rel=0.02)
    assert own.interval.high - own.interval.low == pytest.approx(width / math.sqrt(2), rel=0.05)


def test_time_on_skipped_and_flagged_pairs_counts_without_a_finished_pair() -> None:
    rows = [
        *timings_of("ann", WITH, [100.0] * 9, 0),
        Timing(50, "ann", WITH, Decision.SKIP, 60.0),
        Timing(51, "ann", WITH, Decision.FLAG, 40.0),
        *timings_of("ann", WITHOUT, [100.0] * 10, 100),
        Timing(150, "ann", WITHOUT, Decision.REJECT, 100.0),
    ]
    found = measure(rows)
    with_draft, without = found.arms
    assert (with_draft.num_finished, with_draft.num_skipped, with_draft.num_flagged) == (9, 1, 1)
    assert (without.num_finished, without.num_rejected) == (11, 1)
    # 1,000 s for 9 pairs against 1,100 s for 11
    assert found.saving is not None
    assert found.saving.share == pytest.approx(1 - (1000 / 9) / 100)


def test_people_with_too_few_pairs_in_an_arm_are_named_and_left_out() -> None:
    rows = [
        *timings_of("ann", WITH, [90, 100, 110, 95, 105], 0),
        *timings_of("ann", WITHOUT, [190, 200, 210, 195, 205], 10),
        *timings_of("new", WITH, [9000.0] * 4, 20),
        *timings_of("new", WITHOUT, [9.0] * 40, 30),
    ]
    found = measure(rows)
    assert found.saving is not None
    assert (found.saving.num_people, found.saving.num_pairs) == (1, 10)
    assert found.saving.share == pytest.approx(0.5)
    assert found.saving.among_people is None
    assert any("Left out" in sentence and "new" in sentence for sentence in further(found))


def test_nothing_done_claims_nothing() -> None:
    found = measure([])
    assert found.saving is None
    assert found.people == ()
    assert found.arms[0].per_hour is None
    assert found.arms[0].accepted.share is None
    assert headline(found).startswith("Nothing to claim yet")
    assert further(found) == []


@given(st.floats(0.1, 10), st.integers(0, 2**32 - 1))
def test_the_unit_of_time_changes_nothing_and_swapped_arms_turn_the_ratio_over(
    scale: float, seed: int
) -> None:
    rows = experiment(np.random.default_rng(seed), people=3, saving=0.1, each=40)
    scaled = [Timing(row.item, row.person, row.arm, row.decision, row.seconds * scale) for row in rows]
    turned = [
        Timing(row.item, row.person, WITHOUT if row.arm is WITH else WITH, row.decision, row.seconds)
        for row in rows
    ]
    one, two, three = (measure(each).saving for each in (rows, scaled, turned))
    assert one is not None
    assert two is not None
    assert three is not None
    assert two.share == pytest.approx(one.share)
    assert two.interval.low == pytest.approx(one.interval.low)
    assert (1 - three.share) * (1 - one.share) == pytest.approx(1)
    assert (1 - three.interval.low) * (1 - one.interval.high) == pytest.approx(1)


def test_more_pairs_as_announced_would_narrow_the_interval_as_announced() -> None:
    """With the pairs that were missing for ± 5 points the interval has about that width."""
    rows = experiment(np.random.default_rng(3), people=5, saving=0.18)
    saving = measure(rows).saving
    assert saving is not None
    times = (saving.num_pairs + saving.more_to_know) / saving.num_pairs
    larger = experiment(np.random.default_rng(3), people=5, saving=0.18, each=round(60 * times))
    grown = measure(larger).saving
    assert grown is not None
    assert (grown.interval.high - grown.interval.low) / 2 == pytest.approx(0.05, abs=0.006)
    assert grown.more_to_tell == 0


def test_the_sentences_say_no_more_than_the_interval() -> None:
    clear = measure(experiment(np.random.default_rng(2), people=10, saving=0.3))
    assert headline(clear).startswith("With the draft a pair took 35 % less active time (95 % interval ")
    assert "10 people, 600 pairs" in headline(clear)
    assert headline(clear).endswith("Published: 15–20 %.")
    open_ = measure(experiment(np.random.default_rng(8), people=3, saving=0.0, each=20))
    assert headline(open_).startswith("Whether the draft saves time is open: ")
    assert "the interval holds 0" in headline(open_)


def test_an_end_just_off_zero_is_not_written_as_zero() -> None:
    rows = []
    for number, person in enumerate("abcde"):
        rows += timings_of(person, WITH, [99.0, 99.3, 99.6, 99.9, 100.2] * 4, 100 * number)
        rows += timings_of(person, WITHOUT, [99.6, 99.9, 100.2, 100.5, 100.8] * 4, 100 * number + 50)
    words = headline(measure(rows))
    assert "took 1 % less active time (95 % interval 1 to 1 %" in words


def test_an_edit_distance_counts_characters_and_words_of_all_fields() -> None:
    before = {"instruction": "Name a fruit.", "output": "An aple"}
    after = {"instruction": "Name a fruit.", "output": "An apple", "explanation": "Apples grow on trees."}
    # one letter put in and the whole explanation; one word replaced and five words and signs put in
    assert edit_distance(before, after) == (1 + 21, 1 + 5)
    assert edit_distance(before, before) == (0, 0)
    assert edit_distance({}, {"output": ""}) == (0, 0)


def test_very_long_texts_are_compared_in_little_time() -> None:
    assert edit_distance({"output": "a" * 400_000}, {"output": "b" * 300_000})[0] == 50_000 + 100_000
