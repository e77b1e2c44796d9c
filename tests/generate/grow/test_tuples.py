"""Reading replies: each tuple by itself, and a cut reply loses only its last one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.generate.grow.tuples import ChoiceTuple, GeneralTuple, given_in, read, schema
from tunewright.llm.reply import Reply, Usage
from tunewright.llm.structured import Unparsable


def task(number: int, **parts: Any) -> dict[str, Any]:
    return {
        "instruction": f'Say {number}: "}}]" and \\ {{[',
        "input": "",
        "output": "Yes.",
        "explanation": "It was asked for.",
    } | parts


def reply(text: str, *, finish: Any = "stop") -> Reply:
    return Reply(text, finish, Usage(1, 1), 0.0)


WHOLE = json.dumps({"items": [task(1), task(2), task(3)]})


def test_all_tuples_of_a_whole_reply_are_read() -> None:
    found = read(reply(WHOLE), "general")
    assert [one.parts.instruction for one in found if one.parts] == [
        task(n)["instruction"] for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("around", ["```json\n{}\n```", "Here they are:\n{}\nThat is all.", "{}"])
def test_words_and_fences_around_it_do_not_matter(around: str) -> None:
    assert len(read(reply(around.replace("{}", WHOLE)), "general")) == 3


def test_a_list_without_the_object_around_it_is_read_too() -> None:
    assert len(read(reply(json.dumps([task(1), task(2)])), "general")) == 2


@given(st.integers(0, len(WHOLE)))
def test_a_cut_reply_loses_only_its_last_tuple(end: int) -> None:
    """Every tuple that stands whole before the cut is read; what was begun is one reject, `cut`."""
    ends = [WHOLE.index(json.dumps(task(n))) + len(json.dumps(task(n))) for n in (1, 2, 3)]
    begins = [WHOLE.index(json.dumps(task(n))) for n in (1, 2, 3)]
    found = given_in(WHOLE[:end], "general")
    assert [one.reason for one in found if one.parts is not None] == [""] * sum(e <= end for e in ends)
    num_begun = sum(b < end for b in begins) - sum(e <= end for e in ends)
    assert [one.reason for one in found if one.parts is None] == ["cut"] * num_begun
    assert "".join(one.text for one in found) in WHOLE.replace(", {", "{")


def test_a_broken_tuple_costs_that_tuple() -> None:
    text = json.dumps({"items": [task(1), task(2, output=" "), "words", task(4, output=4), task(5)]})
    found = read(reply(text), "general")
    assert [(one.reason, one.problem) for one in found] == [
        ("", ""),
        ("schema", "output: is empty"),
        ("schema", "the item: input should be a valid dictionary or instance of GeneralTuple"),
        ("schema", "output: input should be a valid string"),
        ("", ""),
    ]


def test_a_general_task_without_its_explanation_is_none_unless_none_was_asked_for() -> None:
    text = json.dumps({"items": [task(1), task(2, explanation=" ")]})
    assert [(one.reason, one.problem) for one in read(reply(text), "general")] == [
        ("", ""),
        ("schema", "explanation: is empty"),
    ]
    assert [one.reason for one in read(reply(text), "general", explanations=False)] == ["", ""]


def test_json_that_is_none_costs_that_tuple() -> None:
    text = '{"items": [{"instruction": oh no}, ' + json.dumps(task(2)) + "]}"
    assert [one.reason for one in read(reply(text), "general")] == ["not_json", ""]


def test_a_reply_without_one_usable_tuple_is_asked_again_in_words() -> None:
    with pytest.raises(Unparsable, match="output: is empty"):
        read(reply(json.dumps({"items": [task(1, output="")]})), "general")
    with pytest.raises(Unparsable, match="cut at the length limit; write shorter"):
        read(reply(WHOLE[:40], finish="length"), "general")
    with pytest.raises(Unparsable, match="no item in it"):
        read(reply("I would rather not."), "general")


@given(st.text(alphabet='{}[]",:\\ai ', max_size=80))
def test_no_text_breaks_the_reading(text: str) -> None:
    for one in given_in('{"items": [' + text, "general"):
        assert one.parts is None or isinstance(one.parts, GeneralTuple)


def test_a_huge_open_reply_is_read_in_no_time() -> None:
    assert len(given_in('{"items": [' + '{"a": ["' * 200_000, "general")) == 1


def test_the_schema_allows_the_topics_asked_for_and_explains_nothing() -> None:
    found = schema("choice", ["food", "travel", "food"])
    properties = found["$defs"]["ChoiceTuple"]["properties"]
    assert properties["topic"] == {"type": "string", "enum": ["food", "travel"]}
    assert found["$defs"]["ChoiceTuple"]["required"] == list(ChoiceTuple.model_fields)
    assert "description" not in json.dumps(found)
