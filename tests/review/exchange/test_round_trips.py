"""What we export to Label Studio, Argilla or Potato and read back is the same: texts, people and times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from review.exchange.items_and_results import NASTY, all_texts, item, result, worked_on
from tunewright.records.row import RowError, decode_json, encode_json
from tunewright.review.exchange import argilla, label_studio, potato, potato_results
from tunewright.review.exchange.result import Result, shown_draft_of
from tunewright.review.model import TEXT_FIELDS, Arm, Decision, Item
from tunewright.review.store.queues import NewItem


def _choice(word: str) -> dict[str, Any]:
    return {"from_name": "decision", "type": "choices", "value": {"choices": [word]}}


few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def as_new(item: Item) -> NewItem:
    """The item as an import makes it."""
    draft = shown_draft_of(item)
    return NewItem(
        item.key,
        item.original,
        draft,
        item.draft_reason if draft is not None else "",
        item.findings,
        item.history,
        item.meta,
        item.lineage,
    )


def through(tool: Any, row: dict[str, Any]) -> tuple[NewItem, list[Result]]:
    """A row of Label Studio or Argilla, written and read."""
    read = decode_json(encode_json(row))
    item, note = tool.item_of(read)
    return item, list(tool.results_of(read, item, note, people={}))


def through_potato(item: Item, results: Sequence[Result]) -> tuple[NewItem, list[Result]]:
    row = decode_json(encode_json(potato.instance(item, results)))
    items = {row["id"]: potato_results.item_of(row)}
    read: list[Result] = []
    for one in results:
        state = decode_json(encode_json(potato.state(one.person, [(item, one)])))
        for found in potato_results.states_results(state, items, people={}):
            assert not isinstance(found, RowError), found
            read.append(found)
    return items[row["id"]][0], read


@few
@given(worked_on())
def test_label_studio_gives_back_item_texts_people_and_times(case: tuple[Item, tuple[Result, ...]]) -> None:
    item, results = case
    found, read = through(label_studio, label_studio.task(item, results, people={}))
    assert found == as_new(item)
    assert read == list(results)


@few
@given(worked_on())
def test_argilla_gives_back_item_texts_people_and_times(case: tuple[Item, tuple[Result, ...]]) -> None:
    item, results = case
    found, read = through(argilla, argilla.record(item, results, people={}))
    assert found == as_new(item)
    assert read == list(results)


@few
@given(worked_on())
def test_potato_gives_back_item_texts_people_and_times(case: tuple[Item, tuple[Result, ...]]) -> None:
    item, results = case
    found, read = through_potato(item, results)
    assert found == as_new(item)
    assert read == list(results)


@pytest.mark.parametrize("text", [*NASTY, "long " * 200_000])
def test_every_nasty_text_comes_back_from_every_tool(text: str) -> None:
    nasty = item(draft=all_texts(instruction=text, output="x" + text), original=all_texts(output=text))
    said = (result(texts=all_texts(instruction="a", input=text, output=text), reason=text),)
    assert through(label_studio, label_studio.task(nasty, said, people={})) == (as_new(nasty), list(said))
    assert through(argilla, argilla.record(nasty, said, people={})) == (as_new(nasty), list(said))
    assert through_potato(nasty, said) == (as_new(nasty), list(said))


def test_a_draft_that_an_experiment_hides_leaves_in_no_file() -> None:
    hidden = item(draft=all_texts(instruction="SECRET", output="SECRET"), arm=Arm.WITHOUT_DRAFT)
    for row in (
        label_studio.task(hidden, (), people={}),
        argilla.record(hidden, (), people={}),
        potato.instance(hidden, ()),
    ):
        assert "SECRET" not in json.dumps(row)


def test_what_was_changed_in_label_studio_is_of_who_changed_it_and_when() -> None:
    row = label_studio.task(item(draft=all_texts(instruction="Do.", output="Apple")), [result()], people={})
    annotation = row["annotations"][0]
    for region in annotation["result"]:
        if region["from_name"] == "revised_output":
            region["value"]["text"] = ["Strawberry"]
    annotation |= {
        "id": 4711,
        "import_id": 1,
        "completed_by": {"id": 3, "email": "eve@example.org"},
        "updated_at": "2026-05-04T09:30:00.500000Z",
        "lead_time": 8.5,
    }
    _, [read] = through(label_studio, row)
    assert (read.person, read.texts["output"]) == ("eve@example.org", "Strawberry")
    assert (read.at, read.seconds) == (1777887000.5, 8.5)  # 2026-05-04 09:30:00.5 UTC


def test_an_annotation_made_in_label_studio_with_a_number_and_texts_like_ours_is_not_ours() -> None:
    row = label_studio.task(item(), [result()], people={})
    row["annotations"][0] |= {
        "id": 1,
        "import_id": None,
        "completed_by": 9,
        "updated_at": None,
        "created_at": None,
    }
    _, [read] = through(label_studio, row)
    assert (read.person, read.at) == ("9", None)


def test_the_text_that_was_emptied_in_label_studio_is_empty_and_one_never_shown_is_as_it_was() -> None:
    row = label_studio.task(item(), (), people={})
    regions = row["predictions"][0]["result"]
    kept = [region for region in regions if region["from_name"] != "revised_input"]
    row["annotations"] = [{"id": 5, "result": kept, "completed_by": 1}]
    _, [read] = through(label_studio, row)
    assert read.texts == all_texts(instruction="Name a red fruit.", output="Banana")
    foreign = {
        "data": {"instruction": "Name a red fruit.", "input": "Fruit:", "output": "Banana"},
        "annotations": [
            {"completed_by": 1, "result": [_area("answer", "Cherry")]},
            {"completed_by": 2, "result": [], "was_cancelled": True},
        ],
    }
    _, [edited, skipped] = through(label_studio, foreign)
    assert edited.texts == all_texts(instruction="Name a red fruit.", input="Fruit:", output="Cherry")
    assert (edited.decision, skipped.decision) == (Decision.EDIT, Decision.SKIP)


def test_people_of_a_tool_get_their_names_here() -> None:
    row = label_studio.task(item(), [result("ann")], people={"ann": "ann@example.org"})
    assert row["annotations"][0]["completed_by"] == {"email": "ann@example.org"}
    row["annotations"][0] |= {"import_id": None}
    found, note = label_studio.item_of(row)
    [read] = label_studio.results_of(row, found, note, people={"ann@example.org": "Ann B."})
    assert read.person == "Ann B."


def test_argilla_responses_of_accounts_there_are_theirs_without_a_time() -> None:
    row = argilla.record(item(), [result("ann")], people={})
    account = "8a3c8a9e-3f6c-4a38-9a54-0d7ff5d62d11"
    row["responses"]["revised_output"].append({"value": "Plum", "user_id": account})
    row["responses"]["decision"].append({"value": "accept", "user_id": account})
    found, note = argilla.item_of(row)
    first, second = argilla.results_of(row, found, note, people={account: "bob"})
    assert (first.person, first.at) == ("ann", 1_700_000_000.25)
    assert (second.person, second.at, second.seconds) == ("bob", None, None)
    assert second.decision is Decision.EDIT  # they said accept, and wrote another text
    assert second.texts == all_texts(instruction="Name a red fruit.", input="Fruit:", output="Plum")


def test_people_come_back_from_argilla_in_their_order_whatever_each_has_left_empty() -> None:
    said = [
        result("zoe", texts=all_texts(output="b"), at=1.0),
        result("al", texts=all_texts(system="a"), at=2.0),
    ]
    _, read = through(argilla, argilla.record(item(), said, people={}))
    assert read == said


def test_an_annotator_of_potato_has_the_time_of_the_session() -> None:
    shown = item(draft=all_texts(instruction="Do.", output="Apple"))
    row = potato.instance(shown, ())
    state = {
        "user_id": "carol",
        "instance_id_to_label_to_value": {
            "r1": [
                [{"schema": "revised_output", "name": "revised_output"}, '{"edited_text": ""}'],
                [{"schema": "decision", "name": "reject"}, "reject"],
                [{"schema": "reason", "name": "text_box"}, "hopeless"],
            ],
            "r2": [],
        },
        "instance_id_to_behavioral_data": {
            "r1": {
                "session_start": 1000.0,
                "session_end": 1050.0,
                "total_time_ms": 42_000,
                "annotation_changes": [{"timestamp": 1020.0}, {"timestamp": 1060.5}],
            }
        },
    }  # fmt: skip
    read, unknown = potato_results.states_results(state, {"r1": potato_results.item_of(row)}, people={})
    assert read == Result(
        "r1",
        "carol",
        Decision.REJECT,
        all_texts(instruction="Do."),
        "hopeless",
        at=1060.5,
        seconds=42.0,
        seconds_open=60.5,
        shown_draft=True,
    )
    assert isinstance(unknown, RowError)
    assert "no item of the data" in unknown.reason


def test_an_exported_row_of_potato_is_read_too() -> None:
    row = potato.instance(item(), ())
    said = {"instance_id": "r1", "user_id": "dan", "annotations": {"revised_output": {"text_box": "Cherry"}}}
    read = potato_results.row_result(said, {"r1": potato_results.item_of(row)}, people={"dan": "Dan"})
    assert (read.person, read.decision, read.texts["output"]) == ("Dan", Decision.EDIT, "Cherry")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"data": 5}, "not an object"),
        ({"data": {"a": "b"}}, "fit no known format"),
        ({"data": {"tunewright_note": {"form": 9}}}, "has the form 9"),
        ({"data": {"tunewright_note": {"form": 1, "key": "r"}}}, "is damaged"),
        ({"data": {"tunewright_note": "{"}}, "not JSON"),
    ],
)
def test_a_task_that_cannot_be_used_says_why(row: dict[str, Any], says: str) -> None:
    with pytest.raises(RowError) as caught:
        label_studio.item_of(row)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("annotations", "says"),
    [
        (5, "not a list"),
        ([{"result": 5}], "has no list"),
        ([{"result": [5], "completed_by": 1}], "without a value"),
        ([{"result": []}], "nobody can tell"),
        ([{"result": [], "completed_by": 1, "updated_at": "yesterday"}], "updated_at"),
        ([{"result": [], "completed_by": 1, "lead_time": -1}], "lead_time"),
        ([{"result": [_choice("maybe")], "completed_by": 1}], "'maybe'"),
    ],
)
def test_an_annotation_that_cannot_be_used_says_why(annotations: Any, says: str) -> None:
    row = {**label_studio.task(item(), (), people={}), "annotations": annotations}
    found, note = label_studio.item_of(row)
    with pytest.raises(RowError) as caught:
        list(label_studio.results_of(row, found, note, people={}))
    assert says in str(caught.value)


def test_the_labelling_interface_names_every_text_of_a_task() -> None:
    data = label_studio.task(item(), (), people={})["data"]
    for name in TEXT_FIELDS:
        assert f'value="${name}"' in label_studio.LABEL_CONFIG
        assert name in data
    assert {"history", "findings"} <= set(data)


def _area(name: str, text: str) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "textarea", "value": {"text": [text]}}
