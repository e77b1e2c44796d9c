"""JSON out of replies, whatever a server or model wraps around it."""

from __future__ import annotations

from typing import Literal

import orjson
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.llm.reply import Finish, Reply, Usage
from tunewright.llm.structured import Unparsable, json_object, parser_of, schema_of


class Score(pydantic.BaseModel):
    reason: str = pydantic.Field(max_length=50)
    score: Literal[0, 1, 2, 3, 4, 5]
    doubts: list[str] = []


def reply(text: str, finish: Finish = "stop") -> Reply:
    return Reply(text, finish, Usage(1, 1), 0.0)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '  {"a": 1}\n',
        '```json\n{"a": 1}\n```',
        'Here it is: {"a": 1}. I hope that helps {you}.',
        'A set {x, y} first, then {"a": 1}',
        'An open { first, then {"a": 1}',
    ],
)
def test_an_object_is_found_with_or_without_words_around_it(text: str) -> None:
    assert json_object(reply(text)) == {"a": 1}


def test_braces_and_quotes_inside_strings_do_not_end_the_object() -> None:
    assert json_object(reply('say {"a": "}\\"{", "b": {"c": []}} now')) == {"a": '}"{', "b": {"c": []}}


@pytest.mark.parametrize("text", ["", "4.5", "[1, 2]", "null", '{"a": 1', "{a: 1}", "no braces"])
def test_what_holds_no_object_cannot_be_parsed(text: str) -> None:
    with pytest.raises(Unparsable, match="no JSON object"):
        json_object(reply(text))


def test_a_reply_that_was_cut_says_so() -> None:
    with pytest.raises(Unparsable, match="cut at the length limit"):
        json_object(reply('{"reason": "it goes on and on', "length"))


def test_a_model_is_checked_and_the_problems_are_named() -> None:
    parse = parser_of(Score)
    assert parse(reply('{"reason": "clear", "score": 4}')) == Score(reason="clear", score=4)
    with pytest.raises(
        Unparsable, match=r"reason: field required; score: input should be 0, 1, 2, 3, 4 or 5"
    ):
        parse(reply('{"score": 9}'))


def test_the_schema_is_strict_and_bare() -> None:
    assert schema_of(Score) == {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 50},
            "score": {"type": "integer", "enum": [0, 1, 2, 3, 4, 5]},
            "doubts": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["reason", "score", "doubts"],
        "additionalProperties": False,
    }


def test_a_property_may_be_called_title_or_default() -> None:
    class Book(pydantic.BaseModel):
        title: str
        default: int

    assert list(schema_of(Book)["properties"]) == ["title", "default"]


@given(
    st.dictionaries(st.text(), st.text() | st.integers(-9, 9) | st.lists(st.text())),
    st.text(alphabet='abc {}."\n'),
)
def test_any_object_comes_back_with_plain_words_before_it(value: dict[str, object], words: str) -> None:
    before = words.replace("{", "").replace('"', "")
    assert json_object(reply(before + orjson.dumps(value).decode() + words.replace("{", ""))) == value


def test_a_huge_reply_of_braces_is_read_once() -> None:
    with pytest.raises(Unparsable):
        json_object(reply("{" * 200_000))
    with pytest.raises(Unparsable):
        json_object(reply("{x}" * 50_000))
