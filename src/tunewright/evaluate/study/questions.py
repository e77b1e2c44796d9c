"""What raters are asked: questions with anchored options, ours or the user's own from a YAML file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import pydantic

from tunewright.errors import RecipeError
from tunewright.run.config import Config, parse_config
from tunewright.run.strict_yaml import load_yaml

OWN = Path(__file__).parent / "questions"
TIE = "tie"

Value = float | str


class Option(Config):
    """One answer a rater can choose; `anchor` says in a sentence when to choose it."""

    value: Value
    label: str
    anchor: str = ""


class Question(Config):
    """One question. `good` are the values whose share is reported, `good_means` what they are called.

    A `preference` is about a pair and has no options: its value is an answer's code, or "tie". A `text` is
    kept and shown, and never counted.
    """

    id: str
    ask: str
    kind: Literal["choice", "preference", "text"] = "choice"
    about: Literal["answer", "pair"] = "answer"
    level: Literal["nominal", "ordinal", "interval"] = "ordinal"
    options: tuple[Option, ...] = ()
    good: tuple[Value, ...] = ()
    good_means: str = ""
    required: bool = True

    @pydantic.model_validator(mode="after")
    def _fits(self) -> Question:
        values = [option.value for option in self.options]
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", self.id):
            raise ValueError(f"{self.id!r}: an id is a letter followed by letters, digits, _ or -")
        if self.kind == "choice" and len(set(values)) < 2:
            raise ValueError(f"{self.id}: a choice needs two different options or more")
        if len(set(values)) != len(values):
            raise ValueError(f"{self.id}: two options have the same value")
        if self.kind != "choice" and self.options:
            raise ValueError(f"{self.id}: only a choice has options")
        if self.kind == "preference" and self.about != "pair":
            raise ValueError(f"{self.id}: a preference is about a pair; write 'about: pair'")
        if not set(self.good) <= set(values):
            raise ValueError(f"{self.id}: 'good' names values that are no options")
        if len({isinstance(value, str) for value in values}) > 1:
            raise ValueError(f"{self.id}: values are all numbers or all texts")
        if self.level != "nominal" and any(isinstance(value, str) for value in values):
            raise ValueError(f"{self.id}: texts have no order; write 'level: nominal' or give numbers")
        return self

    def scale(self) -> tuple[Value, ...]:
        """The values in order: numbers from low to high, texts as given."""
        values = tuple(option.value for option in self.options)
        return values if any(isinstance(value, str) for value in values) else tuple(sorted(values))

    def refusal(self, value: Any, answers: tuple[str, ...]) -> str:
        """Why `value` is no rating of an item with these answer codes; "" when it is one."""
        if self.kind == "text":
            return "" if isinstance(value, str) else "the value must be a text"
        if self.kind == "preference":
            return (
                "" if value == TIE or value in answers else f"the value must be {TIE!r} or an answer's code"
            )
        if isinstance(value, bool) or value not in self.scale():
            return "the value must be one of " + ", ".join(map(_shown, self.scale()))
        return ""


class QuestionSet(Config):
    """The questions of a study, in the order they are asked."""

    questions: tuple[Question, ...] = pydantic.Field(min_length=1)

    @pydantic.model_validator(mode="after")
    def _distinct(self) -> QuestionSet:
        ids = [question.id for question in self.questions]
        if len(set(ids)) != len(ids):
            raise ValueError("two questions have the same id")
        return self

    def get(self, id: str) -> Question | None:
        return next((question for question in self.questions if question.id == id), None)


def load_questions(path: Path | None, *, pairwise: bool) -> QuestionSet:
    """The questions of a YAML file with a list `questions`; without one, our own for that kind of study."""
    file = path or OWN / ("pairwise.yaml" if pairwise else "single.yaml")
    found = parse_config(QuestionSet, load_yaml(file), where=str(file))
    if not pairwise and any(question.about == "pair" for question in found.questions):
        raise RecipeError(f"{file}: a question about a pair needs --pairwise")
    return found


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"
