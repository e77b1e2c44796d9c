"""From item to record: letters, explanation, and what a later edit can break."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tunewright.errors import ItemError
from tunewright.generate.item import Distractor, Item, ItemModel
from tunewright.generate.render import check_record, item_of, render
from tunewright.records.record import Record

ITEM = Item(
    task="gap choice",
    level="A1",
    topic="home",
    instruction="Choose the right word.",
    stem="These keys ____ mine.",
    key="are",
    why='"Keys" is plural.',
    distractors=(
        Distractor("is", "uses the singular"),
        Distractor("am", "uses the form for I"),
        Distractor("be", "uses the bare form"),
    ),
    passage="A note on the door.",
)


def draw(rng: random.Random) -> Item:
    return ITEM


MODEL = ItemModel(name="keys", skill="reading", levels=("A1",), construct="Agreement", draw=draw)


def test_the_record_of_one_seed_is_written_out() -> None:
    record = render(ITEM, model=MODEL, seed=3)
    key = record.meta["key"]
    lines = record.input.split("\n\n")[2].splitlines()
    assert record.input.startswith("A note on the door.\n\nThese keys ____ mine.\n\nA) ")
    assert sorted(line[3:] for line in lines) == ["am", "are", "be", "is"]
    assert [line[:2] for line in lines] == ["A)", "B)", "C)", "D)"]
    assert record.output == f"{key}) are"
    assert record.output in lines
    assert record.explanation.startswith(f'The answer is {key}. "Keys" is plural.\n')
    assert ") is: uses the singular." in record.explanation
    assert record.explanation not in record.output
    assert check_record(record) == []


def test_the_seed_alone_decides_the_order() -> None:
    assert render(ITEM, model=MODEL, seed=5) == render(ITEM, model=MODEL, seed=5)
    assert len({render(ITEM, model=MODEL, seed=seed).input for seed in range(300)}) == 24


def test_the_item_comes_back_from_its_record() -> None:
    back = item_of(render(ITEM, model=MODEL, seed=1))
    assert set(back.distractors) == set(ITEM.distractors)
    assert replace(back, distractors=()) == replace(ITEM, distractors=())


def test_a_written_answer_has_no_letters() -> None:
    record = render(replace(ITEM, distractors=()), model=MODEL, seed=1)
    assert record.output == "are"
    assert record.meta["options"] == []
    assert record.explanation == 'The answer is: are\n"Keys" is plural.'
    assert check_record(record) == []


def test_an_edited_record_that_disagrees_with_its_key_is_found() -> None:
    record = render(ITEM, model=MODEL, seed=3)
    other = next(o for o in record.meta["options"] if not o["correct"])
    swapped = replace(record, output=f"{other['letter']}) {other['text']}")
    assert [finding.rule for finding in check_record(swapped)] == ["key_is_one_option"]
    defended = replace(record, explanation=f"The answer is {other['letter']}. It just is.")
    assert [finding.rule for finding in check_record(defended)] == ["explanation_defends_key"]
    article = replace(record, explanation="The answer is A noun; the key is right.")
    assert check_record(article) == []
    silent = replace(record, explanation="")
    assert [finding.rule for finding in check_record(silent)] == ["empty_explanation"]
    talkative = replace(record, explanation=record.output)
    assert [finding.rule for finding in check_record(talkative)] == ["explanation_in_output"]


def test_two_correct_options_are_found() -> None:
    record = render(ITEM, model=MODEL, seed=3)
    options = [option | {"correct": True} for option in record.meta["options"]]
    doubled = replace(record, meta={**record.meta, "options": options})
    assert "4 options are marked correct, not one" in [finding.reason for finding in check_record(doubled)]


def test_a_record_from_elsewhere_is_no_item() -> None:
    with pytest.raises(ItemError, match="does not hold an assessment item"):
        item_of(Record(id="1", instruction="Say hello.", output="Hello."))
