"""An assessment item as its author thinks of it, before it becomes a record.

An item model (`generate.models`) draws one of these from a random generator. The key is right by
construction; every distractor names the misconception that would lead a learner to choose it.
`generate.render` turns an item into a record, `generate.validity` checks it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Skill = Literal["reading", "listening", "writing", "speaking"]
Level = Literal["A1", "A2", "B1", "B2", "C1", "C2"]


@dataclass(frozen=True, slots=True)
class Distractor:
    """A wrong option and the misconception it catches, e.g. "uses the past simple after 'since'"."""

    text: str
    misconception: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `stem` is what the learner reads last; `passage` (a text, a script, notes) comes before it.

    With `distractors` it is multiple choice and `key` is the right option; without them the learner
    writes the answer and `key` is the expected text. `why` says why the key is right; `evidence`, when
    there is a passage, is the span of it that proves the key, copied literally.
    """

    task: str
    level: Level
    topic: str
    instruction: str
    stem: str
    key: str
    why: str
    distractors: tuple[Distractor, ...] = ()
    passage: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class ItemModel:
    """A family of items with one construct: its name, skill, levels, and `draw`, which makes one item."""

    name: str
    skill: Skill
    levels: tuple[Level, ...]
    construct: str  # what a right answer shows, in the words of an assessment specification
    draw: Callable[[random.Random], Item]
