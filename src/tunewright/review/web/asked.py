"""A study's questions as the fields of a form, and the form read back as ratings.

A field is named by its question and the place of the answer as shown, so that no code stands in the page:
`validity.1` asks about the first answer, `preference.0` about the pair. Its value is the option's number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.evaluate.study.questions import TIE, Question, QuestionSet
from tunewright.review.web.form_values import whole_number

MOST_CHARS = 20_000  # of a comment
_PLACES = ("", "First answer", "Second answer")
_OF_PAIR = (
    ("The first", "Even if only slightly better."),
    ("The second", "Even if only slightly better."),
    ("No difference", "Either would do as well."),
)

Given = Mapping[tuple[str, str], Any]  # (question, answer's code or "") -> value


@dataclass(frozen=True, slots=True)
class Choice:
    """One radio button. `number`, from 1, is its form value and its key."""

    number: int
    label: str
    anchor: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One group of the form: a choice with its buttons, or (`choices` empty) a text field.

    `about` says which answer is meant, "" where there is only one thing to ask about. `was_missing` marks a
    required one that came back empty.
    """

    name: str
    ask: str
    about: str
    choices: tuple[Choice, ...]
    text: str
    is_required: bool
    was_missing: bool = False

    @property
    def is_row(self) -> bool:
        """Whether the buttons stand side by side: first, second and neither, as the answers do."""
        return self.name.endswith(".0") and len(self.choices) == 3

    @property
    def chosen(self) -> str:
        """What is answered, in words; "" for nothing."""
        return next((one.label for one in self.choices if one.is_chosen), self.text)


def questions_asked(
    questions: QuestionSet, codes: Sequence[str], given: Given, *, missing: Sequence[str] = ()
) -> tuple[Asked, ...]:
    """The groups of the form for the answers `codes` in the order shown, filled with what was `given`.

    Questions come in the study's order; about two answers first all about one, then all about the other,
    then about the pair; texts last, since they are optional and slow.
    """
    return tuple(
        _asked(question, place, codes, given, missing) for question, place in _groups(questions, codes)
    )


def read_answers(
    questions: QuestionSet, codes: Sequence[str], form: Mapping[str, Any]
) -> tuple[dict[tuple[str, str], Any], list[str]]:
    """The values in a sent form, and the names of required fields without one.

    A value that no button of the page has counts as none: the form was tampered with or is of another study.
    An empty comment is a value only where the form has the field, so that a comment can be taken back.
    """
    values: dict[tuple[str, str], Any] = {}
    missing = []
    for question, place in _groups(questions, codes):
        name = field_name(question, place)
        sent = form.get(name)
        code = codes[place - 1] if place else ""
        if question.kind == "text":
            text = sent.strip() if isinstance(sent, str) else ""
            if isinstance(sent, str):
                values[question.id, code] = text[:MOST_CHARS]
            if question.required and not text:
                missing.append(name)
            continue
        value = _value(question, codes, sent)
        if value is not None:
            values[question.id, code] = value
        elif question.required:
            missing.append(name)
    return values, missing


def field_name(question: Question, place: int) -> str:
    """The name of a form field: `place` from 1, 0 for the pair."""
    return f"{question.id}.{place}"


def value_label(question: Question, codes: Sequence[str], value: Any) -> str:
    """A value in the words of its button."""
    if question.kind == "text":
        return str(value)
    return next(
        (label for label, _, own in _options(question, codes) if own == value and value is not None), ""
    )


def _groups(questions: QuestionSet, codes: Sequence[str]) -> list[tuple[Question, int]]:
    found = [
        (question, place)
        for place in range(1, len(codes) + 1)
        for question in questions.questions
        if question.about == "answer"
    ]
    found += [(question, 0) for question in questions.questions if question.about == "pair"]
    return sorted(found, key=lambda one: one[0].kind == "text")


def _asked(
    question: Question, place: int, codes: Sequence[str], given: Given, missing: Sequence[str]
) -> Asked:
    value = given.get((question.id, codes[place - 1] if place else ""))
    name = field_name(question, place)
    choices = tuple(
        Choice(number, label, anchor, value is not None and own == value)
        for number, (label, anchor, own) in enumerate(_options(question, codes), start=1)
    )
    about = _PLACES[place] if len(codes) > 1 else ""
    text = str(value or "") if question.kind == "text" else ""
    return Asked(name, question.ask, about, choices, text, question.required, name in missing)


def _options(question: Question, codes: Sequence[str]) -> list[tuple[str, str, Any]]:
    """(label, anchor, value) of each button; none for a text."""
    if question.kind == "preference":
        values = (*codes, TIE)
        assert len(values) == len(_OF_PAIR)
        return [(label, anchor, value) for (label, anchor), value in zip(_OF_PAIR, values, strict=True)]
    return [(option.label, option.anchor, option.value) for option in question.options]


def _value(question: Question, codes: Sequence[str], sent: Any) -> Any:
    options = _options(question, codes)
    place = whole_number(sent) if isinstance(sent, str) else None
    return options[place - 1][2] if place and place <= len(options) else None
