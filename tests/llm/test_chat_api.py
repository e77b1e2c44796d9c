"""Laws of reading what an endpoint sends: no body, however odd, gets past it or brings it down."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.hostile_server import completion
from tunewright.llm.chat_api import Complaint, body_of, encoded, reply_of_body
from tunewright.llm.reply import Broken, Busy, Refused, Reply
from tunewright.llm.request import Message, Request

MESSAGES = (Message("user", "hello"),)
REQUEST = Request(MESSAGES, schema={"type": "object"}, temperature=0.5, top_p=0.5, seed=1, top_logprobs=2)
FIELD_OF = {
    "schema": "response_format",
    "logprobs": "logprobs",
    "seed": "seed",
    "temperature": "temperature",
    "max_tokens": "max_tokens",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in JSON-like data."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(way for name, one in inner for way in places(one, (*at, name)))]


GOOD = completion("fine", refusal=None)
GOOD["choices"][0]["logprobs"] = {"content": [{"token": "A", "logprob": -0.5, "top_logprobs": []}]}


@given(st.sampled_from(places(GOOD)[1:]), json_values)
def test_a_body_with_anything_in_any_place_is_a_reply_or_is_broken(way: tuple[Any, ...], value: Any) -> None:
    body = copy.deepcopy(GOOD)
    inside = body
    for name in way[:-1]:
        inside = inside[name]
    inside[way[-1]] = value
    answer = reply_of_body(encoded(body), MESSAGES, seconds=1.0)
    assert isinstance(answer, Reply | Broken)
    if isinstance(answer, Reply):
        assert (
            Reply.from_row(orjson.loads(orjson.dumps(answer.to_row()))) == answer
        )  # as the journal keeps it
        assert 0 <= answer.usage.prompt_tokens < 2**31


@given(st.binary() | json_values.map(orjson.dumps), st.integers(400, 599))
def test_any_failure_is_busy_broken_or_refused(raw: bytes, status: int) -> None:
    assert isinstance(reply_of_body(raw, MESSAGES, seconds=1.0), Reply | Broken)
    complaint = Complaint.of(status, raw)
    assert isinstance(complaint.answer(), Busy | Broken | Refused)
    assert len(complaint.message) <= 301


@given(st.text(), st.integers(400, 599), st.sets(st.sampled_from(sorted(FIELD_OF))))
def test_only_what_was_sent_can_be_unwanted(words: str, status: int, without: set[Any]) -> None:
    """So leaving out what is unwanted, again and again, comes to an end."""
    body = body_of(REQUEST, "m", without=without)
    every_word = f"{words} response_format logprobs seed temperature max_completion_tokens"
    unwanted = Complaint.of(status, orjson.dumps({"error": {"message": every_word[-290:]}})).unwanted(body)
    assert unwanted not in without
    assert unwanted is None or FIELD_OF[unwanted] in body


def test_a_reply_cut_inside_an_emoji_is_kept_with_a_question_mark() -> None:
    raw = orjson.dumps(completion("fine XX")).replace(b"XX", rb"\ud83d")
    answer = reply_of_body(raw, MESSAGES, seconds=0.0)
    assert isinstance(answer, Reply)
    assert answer.text == "fine ?"
    assert r"fine \ud83d" in answer.raw


@pytest.mark.parametrize("tokens", [2**31, 2**64 - 1, True, 1.5])
def test_a_usage_that_cannot_be_is_estimated(tokens: Any) -> None:
    body = completion("fine") | {"usage": {"prompt_tokens": tokens, "completion_tokens": 1}}
    answer = reply_of_body(body, MESSAGES, seconds=0.0)
    assert isinstance(answer, Reply)
    assert answer.usage.is_estimated
