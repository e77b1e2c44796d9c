"""One call of the loop: what is asked for an order, and the reading of the reply."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tunewright.generate.grow.cells import Form
from tunewright.generate.grow.examples import Example
from tunewright.generate.grow.plan import Order
from tunewright.generate.grow.tuples import Given, read, schema
from tunewright.llm.reply import Reply
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import Parser
from tunewright.run.seeds import derive_seed

PROMPTS = files("tunewright.generate.grow") / "prompts"


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

    text = _template(f"{group.form}.txt").render(
        topics=order.topics,
        skill=group.skill,
        task=group.task.replace("-", " ").replace("_", " "),
        level=group.level,
        level_means=level_meanings().get(group.level, ""),
        examples=examples,
        code=_code(examples),
        explanations=explanations,
    )
    return Request(
        messages=(Message("system", _template("system.txt").render().strip()), Message("user", text.strip())),
        schema=schema(group.form, order.topics),
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        max_tokens=decoding.max_tokens,
        seed=derive_seed(seed, "reply", order.round, order.number) % 2**31,  # endpoints take 31 bits
        subject=f"round {order.round} call {order.number}: {group.skill} {group.task} {group.level}".rstrip(),
    )


def parser(form: Form) -> Parser[list[Given]]:
    """The reading of replies to orders of this form; Unparsable when no tuple of a reply can be used."""

    def parse(reply: Reply) -> list[Given]:
        return read(reply, form)

    return parse


def prompt_hashes() -> dict[str, str]:
    """SHA-256 of each prompt file: part of the stage's fingerprint."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(PROMPTS.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".txt")
    }


@cache
def prompt_hash() -> str:
    """One hash over all prompt files, stored with every tuple: 16 hexadecimal digits."""
    return hashlib.sha256("".join(prompt_hashes().values()).encode()).hexdigest()[:16]


@cache
def level_meanings() -> dict[str, str]:
    """What a text at each CEFR level is like, in the words of the prompt."""
    lines = (PROMPTS / "levels.txt").read_text(encoding="utf-8").splitlines()
    return {level: means for level, _, means in (line.partition(" ") for line in lines if line)}


def _code(examples: Sequence[Example]) -> str:
    """Twelve hexadecimal digits that no example contains, so that none can end its own frame."""
    texts = "\0".join(f"{e.instruction}\0{e.input}\0{e.output}\0{e.explanation}" for e in examples)
    for attempt in range(1000):
        digest = hashlib.sha256(f"{attempt}\0{texts}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
        if digest not in texts:
            return digest
    raise AssertionError("a text that contains a thousand hashes of itself")


@cache
def _template(name: str) -> Any:
    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(lambda wanted: (PROMPTS / wanted).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,  # a file ends a line wherever it is included
    )
    return environment.get_template(name)
