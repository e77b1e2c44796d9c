"""One call of the loop: what is asked for an order, and the reading of the reply."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tunewright.generate.grow.cells import Form
from tunewright.generate.grow.examples import Example
from tunewright.generate.grow.plan import Order
from tunewright.generate.grow.tuples import Given, read, schema
from tunewright.llm.prompt_files import PromptFiles, frame_code
from tunewright.llm.reply import Reply
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import Parser
from tunewright.run.seeds import derive_seed

PROMPTS = PromptFiles("tunewright.generate.grow")


@dataclass(frozen=True, slots=True)
class Decoding:
    """How replies are drawn; stored with every tuple."""

    temperature: float
    top_p: float
    max_tokens: int


def build(
    order: Order, examples: Sequence[Example], *, decoding: Decoding, seed: int, explanations: bool = True
) -> Request:
    """The question of one order. Its seed for sampling is its own, so that no two calls are the same."""
    group = order.group
    shown = [text for e in examples for text in (e.instruction, e.input, e.output, e.explanation)]
    text = PROMPTS.render(
        f"{group.form}.txt",
        topics=order.topics,
        skill=group.skill,
        task=group.task.replace("-", " ").replace("_", " "),
        level=group.level,
        level_means=level_meanings().get(group.level, ""),
        examples=examples,
        code=frame_code(shown),
        explanations=explanations,
    )
    return Request(
        messages=(Message("system", PROMPTS.render("system.txt")), Message("user", text)),
        schema=schema(group.form, order.topics),
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        max_tokens=decoding.max_tokens,
        seed=derive_seed(seed, "reply", order.round, order.number) % 2**31,  # endpoints take 31 bits
        subject=f"round {order.round} call {order.number}: {group.skill} {group.task} {group.level}".rstrip(),
    )


def parser(form: Form, *, explanations: bool = True) -> Parser[list[Given]]:
    """The reading of replies to orders of this form; Unparsable when no tuple of a reply can be used."""

    def parse(reply: Reply) -> list[Given]:
        return read(reply, form, explanations=explanations)

    return parse


def prompt_hashes() -> dict[str, str]:
    """SHA-256 of each prompt file: part of the stage's fingerprint."""
    return PROMPTS.hashes()


@cache
def prompt_hash() -> str:
    """One hash over all prompt files, stored with every tuple: 16 hexadecimal digits."""
    return hashlib.sha256("".join(prompt_hashes().values()).encode()).hexdigest()[:16]


@cache
def level_meanings() -> dict[str, str]:
    """What a text at each CEFR level is like, in the words of the prompt."""
    lines = PROMPTS.text("levels.txt").splitlines()
    return {level: means for level, _, means in (line.partition(" ") for line in lines if line)}
