"""Planted faults: one at a time, known, and gone again only when the item is as it was."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from tunewright.coach.planted import FAULTS, Fault, is_repaired, is_worse, plant, planted
from tunewright.coach.revision import changed_fields
from tunewright.generate.items import generate_items
from tunewright.records.record import Record

ITEMS = list(generate_items(400, seed=3))
PLACES: dict[Fault, tuple[str, ...]] = {
    "wrong_key": ("output",),
    "duplicate_option": ("input",),
    "agreement": ("input",),
    "missing_explanation": ("explanation",),
    "explanation_defends_other": ("explanation",),
}


def broken(fault: Fault) -> list[tuple[Record, Record]]:
    rng = random.Random(1)
    found = [(item, plant(item, fault, rng)) for item in ITEMS]
    return [(item, record) for item, record in found if record is not None]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_changes_one_field_and_only_that(fault: Fault) -> None:
    pairs = broken(fault)
    assert len(pairs) >= 40
    for item, record in pairs:
        assert changed_fields(item, record) == PLACES[fault]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_good_item_is_the_repair_and_the_broken_one_is_not(fault: Fault) -> None:
    for item, record in broken(fault):
        assert is_repaired(item, fault, item)
        assert not is_repaired(item, fault, record)
        assert not is_worse(item, record, record)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_repair_that_touches_something_else_is_none(fault: Fault) -> None:
    item, record = broken(fault)[0]
    assert not is_repaired(item, fault, replace(item, instruction=item.instruction + "!"))
    assert is_worse(item, record, replace(item, instruction=item.instruction + "!"))


def test_a_wrong_key_is_another_option_with_its_text() -> None:
    for item, record in broken("wrong_key"):
        option = next(o for o in item.meta["options"] if record.output == f"{o['letter']}) {o['text']}")
        assert not option["correct"]


def test_a_duplicate_option_makes_two_options_the_same() -> None:
    for item, record in broken("duplicate_option"):
        num_options = len(item.meta["options"])
        options = [line.split(") ", 1)[1] for line in record.input.split("\n")[-num_options:]]
        assert len(set(options)) == num_options - 1


def test_agreement_is_broken_by_one_word_outside_the_options() -> None:
    for item, record in broken("agreement"):
        before, after = item.input.split(), record.input.split()
        differing = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert len(differing) == 1, differing


def test_a_missing_explanation_may_come_back_in_other_words_for_the_same_key() -> None:
    item, record = next((i, r) for i, r in broken("missing_explanation") if i.meta["options"])
    letter = item.meta["key"]
    other = next(o["letter"] for o in item.meta["options"] if not o["correct"])
    said = "It fits, for the reason above."
    assert is_repaired(
        item, "missing_explanation", replace(record, explanation=f"The answer is {letter}. {said}")
    )
    wrong = f"The answer is {other}. {said}"
    assert not is_repaired(item, "missing_explanation", replace(record, explanation=wrong))
    assert not is_repaired(item, "missing_explanation", replace(record, explanation="Because."))


def test_faults_come_in_equal_numbers_and_the_rest_stays() -> None:
    found = list(planted(ITEMS, seed=5, faulty_share=0.5))
    counts = Counter(fault for _, fault in found)
    assert len(found) == len(ITEMS)
    assert 160 <= counts[None] <= 240
    # few items have a place for an agreement error, so that it may fall behind
    others = [counts[fault] for fault in FAULTS if fault != "agreement"]
    assert max(others) - min(others) <= 2
    assert counts["agreement"] >= 30
    for (revision, fault), item in zip(found, ITEMS, strict=True):
        assert revision.revised == item
        assert bool(revision.changed) == (fault is not None)
    assert found == list(planted(ITEMS, seed=5, faulty_share=0.5))


def test_a_wrong_explanation_is_worse_than_none() -> None:
    item, record = next((i, r) for i, r in broken("missing_explanation") if i.meta["options"])
    other = next(o["letter"] for o in item.meta["options"] if not o["correct"])
    assert is_worse(item, record, replace(record, explanation=f"The answer is {other}. It fits."))
    assert not is_worse(item, record, item)


def test_a_faulty_field_can_get_worse() -> None:
    item, record = broken("duplicate_option")[0]
    assert is_worse(item, record, replace(record, input="rubbish"))
    assert not is_worse(item, record, item)
