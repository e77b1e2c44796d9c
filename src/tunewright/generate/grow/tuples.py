"""What a model is asked to give, and the reading of what it gave: each tuple by itself.

One broken tuple costs that tuple, a cut reply its last one. So nothing here judges a reply as a whole but
`read`, which asks again only when not a single tuple can be used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import pydantic

from tunewright.generate.cloze_rules import GAP
from tunewright.generate.grow.cells import Form
from tunewright.llm.reply import Reply
from tunewright.llm.structured import Unparsable, schema_of

_MOST_ITEMS = 200  # of one reply: a reply can be huge and hostile
_MOST_SHOWN = 3  # problems named to the model at once


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


Text = Annotated[str, pydantic.AfterValidator(str.strip)]
Filled = Annotated[str, pydantic.AfterValidator(_filled)]


class WrongOption(pydantic.BaseModel):
    """A distractor and the mistake that leads to it."""

    text: Filled
    mistake: Filled


class ChoiceTuple(pydantic.BaseModel):
    """An item with one right option. The model gives the options apart and no letters: whatever order it
    likes to put the key in, we shuffle."""

    topic: Text
    instruction: Filled
    passage: Text
    question: Filled
    answer: Filled
    wrong_options: list[WrongOption]
    explanation: Filled
    evidence: Text


class SeveralTuple(pydantic.BaseModel):
    """An item with several right options, all of which are to be chosen."""

    topic: Text
    instruction: Filled
    passage: Text
    question: Filled
    answers: list[Filled]
    wrong_options: list[WrongOption]
    explanation: Filled
    evidence: Text

    @pydantic.field_validator("answers")
    @classmethod
    def _are_several(cls, answers: list[str]) -> list[str]:
        if len(answers) < 2:
            raise ValueError("needs two right options or more")
        return answers


class GapTuple(pydantic.BaseModel):
    """A gap: what fills it, what else does, and what a learner chooses from (empty when it is written)."""

    answer: Filled
    also_right: list[Filled]
    wrong_options: list[Filled]

    @pydantic.model_validator(mode="after")
    def _fits_one_kind(self) -> GapTuple:
        if self.also_right and self.wrong_options:
            raise ValueError("a gap with options has one right answer: leave also_right empty")
        if any("\n" in text for text in (self.answer, *self.also_right, *self.wrong_options)):
            raise ValueError("what fills a gap is one line")
        return self


class ClozeTuple(pydantic.BaseModel):
    """A text with gaps in it, each with its answer, in their order."""

    topic: Text
    instruction: Filled
    passage: Text
    text: Filled
    gaps: list[GapTuple]
    explanation: Filled
    evidence: Text

    @pydantic.model_validator(mode="after")
    def _gaps_match(self) -> ClozeTuple:
        found = len(GAP.findall(self.text))
        if not found or found != len(self.gaps):
            raise ValueError(f"the text has {found} gaps (____), but 'gaps' has {len(self.gaps)} answers")
        return self

    @property
    def pieces(self) -> list[str]:
        """The text around the gaps: one more than there are gaps."""
        return GAP.split(self.text)


class OpenTuple(pydantic.BaseModel):
    """An item that is answered in writing, or a task for an author of items."""

    topic: Text
    instruction: Filled
    input: Text
    output: Filled
    explanation: Filled
    evidence: Text


class GeneralTuple(pydantic.BaseModel):
    """A task of any kind."""

    instruction: Filled
    input: Text
    output: Filled
    explanation: Filled


class BareTuple(GeneralTuple):
    """The same where no explanation is asked for."""

    explanation: Text


class _Choices(pydantic.BaseModel):
    items: list[ChoiceTuple]


class _Severals(pydantic.BaseModel):
    items: list[SeveralTuple]


class _Clozes(pydantic.BaseModel):
    items: list[ClozeTuple]


class _Opens(pydantic.BaseModel):
    items: list[OpenTuple]


class _Generals(pydantic.BaseModel):
    items: list[GeneralTuple]


Tuple = ChoiceTuple | SeveralTuple | ClozeTuple | OpenTuple | GeneralTuple
_TUPLES: dict[Form, type[Tuple]] = {
    "choice": ChoiceTuple,
    "multiple_response": SeveralTuple,
    "cloze": ClozeTuple,
    "open": OpenTuple,
    "author": OpenTuple,
    "general": GeneralTuple,
}
_REPLIES: dict[Form, type[pydantic.BaseModel]] = {
    "choice": _Choices,
    "multiple_response": _Severals,
    "cloze": _Clozes,
    "open": _Opens,
    "author": _Opens,
    "general": _Generals,
}


@dataclass(frozen=True, slots=True)
class Given:
    """One tuple of a reply: its text as it came, and its parts, or what is wrong with it.

    `reason` is "" for a usable one, else `cut` (the reply ended inside it), `not_json` or `schema`.
    """

    text: str
    parts: Tuple | None
    reason: str = ""
    problem: str = ""


def schema(form: Form, topics: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of a reply; its topics are those that were asked for, and no others."""
    found = schema_of(_REPLIES[form])
    for one in (found, *found["$defs"].values()):
        one.pop("description", None)  # docstrings are for us; the prompt says what each part is
    tuple_schema = found["$defs"][_TUPLES[form].__name__]
    if "topic" in tuple_schema["properties"]:
        tuple_schema["properties"]["topic"] = {"type": "string", "enum": list(dict.fromkeys(topics))}
    return found


def read(reply: Reply, form: Form, *, explanations: bool = True) -> list[Given]:
    """The tuples of a reply, usable and not. Raises Unparsable when not one of them can be used."""
    given = given_in(reply.text, form, explanations=explanations)
    if any(one.parts is not None for one in given):
        return given
    if given and given[0].reason != "cut":
        raise Unparsable("; ".join(dict.fromkeys(one.problem for one in given[:_MOST_SHOWN])))
    if reply.finish == "length":
        raise Unparsable("the answer was cut at the length limit; write shorter items, as one JSON object")
    raise Unparsable('there is no item in it; answer with one JSON object: {"items": [...]}')


def given_in(text: str, form: Form, *, explanations: bool = True) -> list[Given]:
    """Every tuple that the text holds, in order; empty when there is no list of items. An item without an
    explanation is none, but in general data where `explanations` are not asked for."""
    kind = _TUPLES[form] if explanations or form != "general" else BareTuple
    return [_given(part, kind) for part in _parts(text)]


def _given(text: str, kind: type[Tuple]) -> Given:
    if _end_of_value(text, 0) < 0:
        return Given(text, None, "cut", "the reply ends inside this item")
    try:
        value = orjson.loads(text)
    except ValueError as error:
        return Given(text, None, "not_json", f"an item is not valid JSON: {error}")
    try:
        return Given(text, kind.model_validate(value, strict=True))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the item"
        problem = first["msg"].removeprefix("Value error, ")
        return Given(text, None, "schema", f"{place}: {problem[:1].lower()}{problem[1:]}")


def _parts(text: str) -> Iterator[str]:
    """The elements of the list of items, each as it is written; the last one may be cut.

    The list is the value of "items", or the first list in a text without that name.
    """
    named = re.search(r'"items"\s*:\s*\[', text)
    place = named.end() if named else text.find("[") + 1
    if place == 0:
        return
    for _ in range(_MOST_ITEMS):
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place >= len(text) or text[place] == "]":
            return
        end = _end_of_value(text, place)
        if end < 0:
            yield text[place:]
            return
        yield text[place:end]
        place = end


_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)  # possessive: no backtracking on an open string
_STOP = re.compile(r'["{}\[\]]')


def _end_of_value(text: str, begin: int) -> int:
    """The place after the JSON value at `begin`, by its brackets alone; -1 when the text ends inside it."""
    if text[begin] not in '{["':
        found = re.compile(r"[,\]}\s]").search(text, begin)
        return found.start() if found and found.start() > begin else -1
    depth, place = 0, begin
    while (stop := _STOP.search(text, place)) is not None:
        sign = stop.group()
        if sign == '"':
            string = _STRING.match(text, stop.start())
            if string is None:
                return -1
            place = string.end()
        else:
            depth += 1 if sign in "{[" else -1
            place = stop.end()
        if depth == 0:
            return place
    return -1
