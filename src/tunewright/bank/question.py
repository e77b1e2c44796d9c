"""A question as item banks think of it: what is shown, what is right, and what is said afterwards.

Every bank format is written from this type and read back into it, so "the same key and the same texts" is
one comparison. Texts are plain: line breaks are "\\n", nothing in them is markup.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["choice", "multiple_response", "cloze", "short_answer", "essay"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option; `feedback` is what a learner who chose it reads, e.g. the mistake behind it."""

    id: str
    text: str
    correct: bool
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap in a cloze text: either `answers`, any of which is right, or `options` to choose one from."""

    answers: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question. The learner sees instruction, passage and prompt, in that order; each may be empty.

    A cloze also has `pieces` and `gaps`: n gaps stand between n + 1 pieces of text. `answers` are the
    accepted texts of a short answer or the model answers of an essay. `shuffle` says whether the options may
    be shown in any order. `meta` holds skill, level, task, topic and the like, as texts. `line` is where the
    question begins in the file it was read from, counted from 1, or 0; it is no part of what is compared.
    """

    id: str
    kind: Kind
    prompt: str = ""
    instruction: str = ""
    passage: str = ""
    options: tuple[Option, ...] = ()
    pieces: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    answers: tuple[str, ...] = ()
    explanation: str = ""
    shuffle: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> tuple[str, ...]:
        """The ids of the right options; for a cloze with options, one for each such gap, else empty."""
        options = [self.options, *(gap.options for gap in self.gaps)]
        return tuple(option.id for group in options for option in group if option.correct)

    @property
    def parts(self) -> dict[str, str]:
        """Instruction, passage and prompt, those that are not empty."""
        parts = {"instruction": self.instruction, "passage": self.passage, "prompt": self.prompt}
        return {name: text for name, text in parts.items() if text}


def is_right_to_left(text: str) -> bool:
    """Whether the first character with a strong direction reads from right to left (UAX #9, rule P2)."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def first_difference(expected: Question, found: Question) -> str:
    """The first field in which two questions differ, with both values; '' when they are equal."""
    for name, described in Question.__dataclass_fields__.items():
        if not described.compare:
            continue
        ours, theirs = getattr(expected, name), getattr(found, name)
        if name == "meta":
            ours, theirs = dict(ours), dict(theirs)
        if ours != theirs:
            return f"'{name}' is {theirs!r:.300} but should be {ours!r:.300}"
    return ""
