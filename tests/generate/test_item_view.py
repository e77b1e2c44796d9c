"""The view finds an item's parts in every layout that a record of ours can have."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.generate.item_view import view_of
from tunewright.generate.items import generate_items
from tunewright.generate.seeds import load_seeds
from tunewright.records import Record

LETTERED = [{"letter": "A", "text": "at nine"}, {"letter": "B", "text": "at ten"}]
MARKED = [
    {"letter": "A", "text": "at nine", "correct": False},
    {"letter": "B", "text": "at ten", "correct": True},
]


def record(input: str = "", output: str = "B) at ten", **meta: Any) -> Record:
    return Record(id="r", instruction="Choose.", input=input, output=output, explanation="So.", meta=meta)


def test_a_key_may_be_a_letter_a_text_or_a_mark() -> None:
    for meta in (
        {"options": LETTERED, "key": "B"},
        {"options": LETTERED, "key": "b)"},
        {"options": LETTERED, "key": "at ten"},
        {"options": MARKED},
        {"options": ["at nine", "at ten"], "key": "B"},
    ):
        view = view_of(record(**meta))
        assert (view.options, view.key_place, view.answer) == (("at nine", "at ten"), 1, "at ten"), meta


def test_a_mark_and_a_letter_that_disagree_are_two_keys() -> None:
    view = view_of(record(options=MARKED, key="A"))
    assert view.key_places == (0, 1)
    assert view.key_place is None


def test_a_key_that_names_no_option_is_lost() -> None:
    view = view_of(record(options=MARKED, key="E"))
    assert view.lost_keys == ("E",)
    assert view.key_place is None


def test_an_item_that_asks_for_all_right_options_has_no_single_key() -> None:
    view = view_of(record(options=LETTERED, key=["A", "B"], kind="multiple_response"))
    assert view.key_places == (0, 1)
    assert view.key_place is None
    assert view.has_several_keys


def test_the_stem_is_the_line_before_the_options_when_it_asks() -> None:
    shown = "The shop opens at ten.\nIt is small.\n\nQuestion: When does it open?\nA) at nine\nB) at ten"
    view = view_of(record(shown, options=LETTERED, key="B"))
    assert view.stem == "When does it open?"
    assert view.passage == "The shop opens at ten.\nIt is small."


def test_a_line_that_does_not_ask_is_not_taken_for_a_stem() -> None:
    view = view_of(record("The shop opens at ten.\n\nA) at nine\nB) at ten", options=LETTERED, key="B"))
    assert not view.has_stem
    assert view.text == "Choose.\nThe shop opens at ten.\n\nA) at nine\nB) at ten\nB) at ten"


def test_an_author_task_has_its_item_in_the_output() -> None:
    written = "When does it open?\nA) at nine\nB) at ten\nKey: B"
    view = view_of(record("The shop opens at ten.", written, options=LETTERED, key="B"))
    assert view.stem == "When does it open?"
    assert view.passage == "The shop opens at ten."


def test_parts_kept_in_meta_win() -> None:
    view = view_of(
        record("Why?\nA) at nine\nB) at ten", options=LETTERED, key="B", stem="When?", passage="P")
    )
    assert (view.stem, view.passage) == ("When?", "P")


def test_a_record_without_options_or_answer_is_no_item() -> None:
    view = view_of(Record(id="r", instruction="Write a letter.", output="Dear Ana, …"))
    assert not view.is_item
    assert view.item is None


def test_every_choice_item_of_seeds_and_models_has_one_key() -> None:
    records = [*load_seeds(), *generate_items(300, seed=1)]
    views = [view for view in map(view_of, records) if view.is_choice]
    assert len(views) > 200
    for view in views:
        assert view.key_place is not None, view.record.id
        assert view.letters[view.key_place] == view.record.meta["key"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["options", "key", "stem", "passage", "answer", "evidence", "kind", "why", "level"]),
        anything
        | st.lists(st.dictionaries(st.sampled_from(["text", "letter", "correct"]), anything, max_size=3)),
    )
)
def test_no_meta_makes_the_view_fail(meta: dict[str, Any]) -> None:
    view = view_of(record("Why?\nA) x\nB) y", **meta))
    assert len(view.letters) == len(view.options)
    assert all(0 <= place < len(view.options) for place in view.key_places)
