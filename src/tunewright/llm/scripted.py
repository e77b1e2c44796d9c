"""Replies from a file: the way to run and test a pipeline without any model.

`--model scripted:FILE` reads a YAML file of rules. The first rule that fits a request answers it:

    rules:
      - contains: "Rate the output"     # the question has these words; or `matches`, a regular expression
        attempt: 0                      # only when it is asked for the first time
        reply: "I would say four."      # cannot be parsed, so it is asked again
      - contains: "Rate the output"
        reply: {score: 4, reason: "Clear."}     # a mapping is sent as JSON
      - matches: "(?i)write an? .*item"
        one_of: ["first text", "second text"]   # chosen by the request's content
        busy: 1                                 # told to wait once before
      - reply: "else"                           # no condition: fits every request

What a request is answered depends on the request alone, never on the order of the calls, so a run gives the
same whatever the concurrency; `busy` and `broken` are counted for each request by itself.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import orjson
import pydantic

from tunewright.errors import ModelError
from tunewright.llm.chat_api import estimated_tokens
from tunewright.llm.reply import Answer, Broken, Busy, Refused, Reply, TokenLogprob, Usage
from tunewright.llm.request import Request
from tunewright.run.config import Config, parse_config
from tunewright.run.files import file_sha256
from tunewright.run.strict_yaml import load_yaml

Text = str | dict[str, Any]
_ASKED_AGAIN = "That answer cannot be used: "  # as Request.asked_again begins
_SHOWN_CHARS = 80


class Rule(Config):
    """When it fits, and what is answered. All conditions given must hold; exactly one kind of answer."""

    contains: str | None = None
    matches: str | None = None
    sample: int | None = None
    attempt: int | None = pydantic.Field(None, description="0 for the question, 1 when it is asked again, …")

    reply: Text | None = None
    one_of: list[Text] | None = pydantic.Field(None, min_length=1)
    refused: str | None = pydantic.Field(None, description="answer that the request can never be answered")

    finish: Literal["stop", "length", "filtered", "other"] = "stop"
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    logprobs: dict[str, float] | None = pydantic.Field(
        None, description="of the first token; given when the request asks for log probabilities"
    )
    seconds: float = pydantic.Field(0.0, ge=0, description="how long the call takes")
    busy: int = pydantic.Field(0, ge=0, description="times to be told to wait before the answer")
    retry_after_seconds: float | None = None
    broken: int = pydantic.Field(0, ge=0, description="times to fail before the answer, after `busy`")

    @pydantic.model_validator(mode="after")
    def _is_whole(self) -> Rule:
        answers = [name for name in ("reply", "one_of", "refused") if getattr(self, name) is not None]
        if len(answers) != 1:
            found = " and ".join(answers) or "none"
            raise ValueError(f"a rule needs exactly one of reply, one_of and refused; there is {found}")
        try:
            re.compile(self.matches or "")
        except re.error as error:
            raise ValueError(f"matches is no regular expression: {error}") from None
        return self

    def fits(self, request: Request) -> bool:
        question, attempt = question_of(request)
        return (
            (self.contains is None or self.contains in question)
            and (self.matches is None or re.search(self.matches, question) is not None)
            and (self.sample is None or self.sample == request.sample)
            and (self.attempt is None or self.attempt == attempt)
        )


class Script(Config):
    """The whole file."""

    rules: list[Rule] = pydantic.Field(min_length=1)


class ScriptedBackend:
    """Answers by the rules of a file. Its revision is the file's SHA-256: other rules are another model.

    Raises RecipeError, naming the line, when the file is not as described at the top of this module.
    """

    batch_size = 1
    max_concurrency: int | None = None

    def __init__(self, file: str | Path) -> None:
        self.model = f"scripted:{file}"
        self._rules = parse_config(Script, load_yaml(file), where=str(file)).rules
        self.revision = file_sha256(file)
        self._times: Counter[str] = Counter()

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """Raises ModelError when no rule fits: a script must say what it means to answer."""
        return [await self._answer(request) for request in requests]

    async def close(self) -> None:
        """Nothing is open."""

    async def _answer(self, request: Request) -> Answer:
        rule = next((rule for rule in self._rules if rule.fits(request)), None)
        if rule is None:
            begin = question_of(request)[0][:_SHOWN_CHARS]
            raise ModelError(
                f"{self.model}: no rule fits the question that begins {begin!r}; add one, or a last rule "
                "without a condition"
            )
        key = request.key(model=self.model, revision=self.revision)
        times = self._times[key]
        self._times[key] += 1
        await asyncio.sleep(rule.seconds)
        if times < rule.busy:
            return Busy("the script says it is busy", rule.retry_after_seconds)
        if times < rule.busy + rule.broken:
            return Broken("the script says it is broken")
        return Refused(rule.refused) if rule.refused is not None else _reply(rule, request)


def question_of(request: Request) -> tuple[str, int]:
    """The last user message that is no correction, and how many corrections follow it."""
    texts = [message.text for message in request.messages if message.role == "user"]
    num_corrections = 0
    while num_corrections < len(texts) - 1 and texts[-1 - num_corrections].startswith(_ASKED_AGAIN):
        num_corrections += 1
    return (texts[-1 - num_corrections] if texts else ""), num_corrections


def _reply(rule: Rule, request: Request) -> Reply:
    choices = rule.one_of if rule.one_of is not None else [rule.reply]
    chosen = choices[_number_of(request) % len(choices)]
    text = chosen if isinstance(chosen, str) else orjson.dumps(chosen).decode()
    prompt_tokens = sum(estimated_tokens(message.text) for message in request.messages)
    logprobs = None
    if rule.logprobs and request.top_logprobs:
        top = sorted(rule.logprobs.items(), key=lambda pair: -pair[1])[: request.top_logprobs]
        logprobs = (TokenLogprob(*top[0], top=tuple(top)),)
    return Reply(
        text=text,
        finish=rule.finish,
        usage=Usage(
            prompt_tokens if rule.prompt_tokens is None else rule.prompt_tokens,
            estimated_tokens(text) if rule.output_tokens is None else rule.output_tokens,
            is_estimated=rule.prompt_tokens is None or rule.output_tokens is None,
        ),
        seconds=rule.seconds,
        raw=text,
        model="scripted",
        logprobs=logprobs,
    )


def _number_of(request: Request) -> int:
    """A number that looks random but depends on nothing but the request, not even on the script's name."""
    return int(request.key(model="", revision=""), 16)
