"""The scripted backend: rules in a file instead of a model."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import ModelError, RecipeError
from tunewright.llm.reply import Answer, Broken, Busy, Refused, Reply, TokenLogprob, Usage
from tunewright.llm.request import Message, Request
from tunewright.llm.scripted import ScriptedBackend, question_of

RULES = """
rules:
  - contains: "Rate"
    attempt: 0
    reply: "four, I think"
  - contains: "Rate"
    reply: {score: 4, reason: "Ça va."}
    output_tokens: 9
    prompt_tokens: 30
  - matches: "(?i)^write an? item"
    sample: 1
    reply: "second item"
    finish: length
  - matches: "(?i)^write an? item"
    one_of: ["red", "green", "blue"]
  - contains: "busy"
    busy: 2
    retry_after_seconds: 0.5
    broken: 1
    reply: "at last"
  - contains: "never"
    refused: "not this one"
  - contains: "A or B"
    reply: "A"
    logprobs: {B: -2.0, A: -0.1, C: -5.0}
"""


@pytest.fixture
def backend(tmp_path: Path) -> ScriptedBackend:
    return script(tmp_path, RULES)


def script(folder: Path, text: str) -> ScriptedBackend:
    file = folder / "script.yaml"
    file.write_text(text, encoding="utf-8")
    return ScriptedBackend(file)


def question(text: str, **more: Any) -> Request:
    return Request(messages=(Message("system", "You rate busy texts."), Message("user", text)), **more)


def answer(backend: ScriptedBackend, request: Request) -> Answer:
    return asyncio.run(backend.answer([request]))[0]


def text_of(backend: ScriptedBackend, request: Request) -> str:
    reply = answer(backend, request)
    assert isinstance(reply, Reply)
    return reply.text


def test_the_first_rule_that_fits_answers(backend: ScriptedBackend) -> None:
    assert text_of(backend, question("Rate this.")) == "four, I think"


def test_a_question_that_is_asked_again_is_still_the_same_question(backend: ScriptedBackend) -> None:
    """Its conditions look at the question, and `attempt` counts the corrections after it."""
    again = question("Rate this.").asked_again("four, I think", "there is no JSON object in it")
    reply = answer(backend, again)
    assert isinstance(reply, Reply)
    assert reply.text == '{"score":4,"reason":"Ça va."}'
    assert reply.usage == Usage(30, 9)
    assert question_of(again.asked_again("x", "y")) == ("Rate this.", 2)


def test_a_rule_can_ask_for_the_sample(backend: ScriptedBackend) -> None:
    reply = answer(backend, question("Write an item.", sample=1))
    assert isinstance(reply, Reply)
    assert (reply.text, reply.finish) == ("second item", "length")


def test_one_of_several_is_chosen_by_the_request_alone(tmp_path: Path, backend: ScriptedBackend) -> None:
    requests = [question(f"Write an item {number}") for number in range(60)]
    forward = [text_of(backend, request) for request in requests]
    backward = [text_of(script(tmp_path, RULES), request) for request in reversed(requests)]
    assert forward == backward[::-1]
    assert set(forward) == {"red", "green", "blue"}


def test_busy_and_broken_come_before_the_answer_for_each_request_by_itself(backend: ScriptedBackend) -> None:
    one, other = question("busy 1"), question("busy 2")
    assert answer(backend, one) == Busy("the script says it is busy", 0.5)
    assert isinstance(answer(backend, other), Busy)
    assert isinstance(answer(backend, one), Busy)
    assert isinstance(answer(backend, one), Broken)
    assert text_of(backend, one) == "at last"
    assert isinstance(answer(backend, other), Busy)


def test_a_request_can_be_refused(backend: ScriptedBackend) -> None:
    assert answer(backend, question("never")) == Refused("not this one")


def test_log_probabilities_come_only_when_asked_for(backend: ScriptedBackend) -> None:
    with_them = answer(backend, question("A or B?", top_logprobs=2))
    assert isinstance(with_them, Reply)
    assert with_them.logprobs == (TokenLogprob("A", -0.1, (("A", -0.1), ("B", -2.0))),)
    without = answer(backend, question("A or B?"))
    assert isinstance(without, Reply)
    assert without.logprobs is None


def test_usage_is_estimated_when_the_script_does_not_say(backend: ScriptedBackend) -> None:
    reply = answer(backend, question("A or B?"))  # 20 and 7 bytes: five and two tokens; "A": one
    assert isinstance(reply, Reply)
    assert reply.usage == Usage(7, 1, is_estimated=True)


def test_a_question_without_a_rule_ends_the_run(backend: ScriptedBackend) -> None:
    with pytest.raises(ModelError, match=re.escape("no rule fits the question that begins 'What now?'")):
        answer(backend, question("What now?"))


def test_other_rules_are_another_revision(tmp_path: Path) -> None:
    first = script(tmp_path, "rules: [{reply: a}]")
    assert first.revision == hashlib.sha256(b"rules: [{reply: a}]").hexdigest()
    assert script(tmp_path, "rules: [{reply: b}]").revision != first.revision


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: []", "rules"),
        ("rules: [{contains: x}]", "exactly one of reply, one_of and refused; there is none"),
        ("rules: [{reply: x, refused: y}]", "there is reply and refused"),
        ("rules: [{reply: x, matches: '('}]", "no regular expression"),
        ("rules: [{reply: x, contians: y}]", "contains"),
        ("rules: [{reply: x, busy: -1}]", "busy"),
        ("- reply: x", "script.yaml"),
    ],
)
def test_a_mistake_in_the_script_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(words)):
        script(tmp_path, text)


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no such file"):
        ScriptedBackend(tmp_path / "none.yaml")


@given(st.text(min_size=1), st.integers(0, 4))
def test_corrections_never_hide_the_question(text: str, times: int) -> None:
    """Unless the question itself begins like a correction, and then only when it is not the first message."""
    request = Request(messages=(Message("user", text),))
    for _ in range(times):
        request = request.asked_again("no", "wrong")
    assert question_of(request) == (text, times)
