"""A request's key: the same for the same question, another for everything that could change the reply."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunewright.llm.request import Message, Request

REQUEST = Request(messages=(Message("system", "Be brief."), Message("user", "Name a colour.")))


def key(request: Request, *, model: str = "openai:m", revision: str = "") -> str:
    return request.key(model=model, revision=revision)


def test_the_order_of_properties_is_part_of_the_key_for_they_are_written_in_it() -> None:
    first = replace(REQUEST, schema={"properties": {"reason": {}, "score": {}}})
    second = replace(REQUEST, schema={"properties": {"score": {}, "reason": {}}})
    assert key(first) != key(second)


def test_equal_requests_have_equal_keys() -> None:
    assert key(replace(REQUEST, temperature=0)) == key(replace(REQUEST, temperature=0.0))


def test_a_long_reply_is_quoted_by_its_beginning() -> None:
    again = REQUEST.asked_again("x" * 100_000, "it is not JSON")
    assert len(again.messages[2].text) == 8_001


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message("user", "Name a colour."),)},
        {"messages": (Message("system", "Be brief."), Message("user", "Name a color."))},
        {"messages": (Message("user", "Be brief."), Message("user", "Name a colour."))},
        {"schema": {"type": "object"}},
        {"temperature": 0.7},
        {"top_p": 0.9},
        {"max_tokens": 10},
        {"seed": 1},
        {"top_logprobs": 5},
        {"sample": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_could_change_the_reply_changes_the_key(change: dict[str, object]) -> None:
    assert key(replace(REQUEST, **change)) != key(REQUEST)


def test_model_and_revision_are_part_of_the_key() -> None:
    keys = {key(REQUEST), key(REQUEST, model="openai:n"), key(REQUEST, revision="2")}
    assert len(keys) == 3


def test_a_subject_is_for_people_and_no_part_of_the_key() -> None:
    assert key(replace(REQUEST, subject="record 7")) == key(REQUEST)


def test_the_key_does_not_change_between_versions() -> None:
    """Every journal in the world depends on it."""
    expected = "4860fa7718269170a68ac2d21c67fc0eccca50742130efb7b2df0d2fa806734d"
    assert key(REQUEST, revision="r1") == expected


def test_a_request_comes_back_from_its_row() -> None:
    request = replace(REQUEST, schema={"type": "object"}, seed=3, subject="x", top_logprobs=2)
    again = Request.from_row(request.to_row())
    assert again == request
    assert again.subject == "x"


def test_lone_surrogates_have_a_key_too() -> None:
    assert len(key(Request(messages=(Message("user", "\ud800"),)))) == 64


def test_asked_again_holds_the_reply_and_what_is_wrong_with_it() -> None:
    again = REQUEST.asked_again("blue!", "it is not JSON")
    assert again.messages[:2] == REQUEST.messages
    assert again.messages[2] == Message("assistant", "blue!")
    assert "it is not JSON" in again.messages[3].text
    assert again.messages[3].role == "user"


def test_what_a_request_is_about_is_neither_kept_nor_part_of_its_key() -> None:
    plain = Request((Message("user", "hello"),))
    about = replace(plain, about={"a": "record"})
    assert about == plain
    assert about.key(model="m", revision="") == plain.key(model="m", revision="")
    assert Request.from_row(about.to_row()).about is None
    assert about.asked_again("no", "say yes").about == {"a": "record"}
