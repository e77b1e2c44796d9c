"""What the pages of adjudication show, as plain values: disagreements by their size, one of them to decide.

Neither systems nor raters are named: raters have letters, drawn anew for each item.
"""

from __future__ import annotations

import hashlib
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from urllib.parse import quote

from tunewright.evaluate.study.adjudicate import Disagreement
from tunewright.evaluate.study.questions import TIE, Question, QuestionSet
from tunewright.review.model import Queue
from tunewright.review.store import adjudications, ratings
from tunewright.review.store.adjudications import Adjudication
from tunewright.review.store.database import Database
from tunewright.review.store.study_items import (
    StudyItem,
    orders_of_item,
    ratings_of_item,
    study_item,
    study_items,
)
from tunewright.review.text import excerpt
from tunewright.review.web.asked import Asked, questions_asked, read_answers, value_label
from tunewright.review.web.rating_texts import Part, ShownAnswer, prompt_parts, shown_answers


@dataclass(frozen=True, slots=True)
class Line:
    """A disagreement in the list. `apart` says how far in words; `said` who said what, without who."""

    address: str
    question: str
    about: str
    prompt: str
    said: str
    apart: str
    decided: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """`waits` says why nobody can decide yet, "" when they can."""

    name: str
    waits: str
    open: tuple[Line, ...]
    decided: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What one rater, by letter, said: the value in words, and comments on the same item.

    `saw_turned` says that "first" in a comment means the answer that is second here.
    """

    rater: str
    value: str
    comments: tuple[str, ...]
    saw_turned: bool


@dataclass(frozen=True, slots=True)
class DecidePage:
    """One disagreement. `num_before` counts earlier decisions on it, `note` says what happened meanwhile."""

    heading: str
    home: str
    address: str
    prompt: tuple[Part, ...]
    answers: tuple[ShownAnswer, ...]
    said: tuple[Said, ...]
    asked: Asked
    reason: str
    num_before: int
    decided: str
    note: str = ""


def list_page(db: Database, queue: Queue) -> ListPage:
    """All disagreements of a locked study, the largest on top."""
    asked = ratings.questions(db, queue.id)
    decided = _latest(db, queue.id)
    texts = study_items(db, queue.id)
    lines = [_line(queue.id, texts[one.item], asked, one, decided) for one in by_size(db, queue.id, asked)]
    return ListPage(
        queue.name,
        "",
        tuple(line for line in lines if not line.decided),
        tuple(line for line in lines if line.decided),
    )


def texts_of(db: Database, queue_id: int, item: str) -> StudyItem:
    found = study_item(db, queue_id, item)
    assert found is not None
    return found


def question_of(db: Database, queue_id: int, id: str) -> Question:
    found = ratings.questions(db, queue_id).get(id)
    assert found is not None
    return found


def decisions_on(db: Database, queue_id: int, one: Disagreement) -> list[Adjudication]:
    return [
        decision
        for decision in adjudications.decisions(db, queue_id)
        if (decision.item, decision.answer, decision.question) == (one.item, one.system, one.question)
    ]


def _latest(db: Database, queue_id: int) -> dict[tuple[str, str, str], Adjudication]:
    return {(one.item, one.answer, one.question): one for one in adjudications.decisions(db, queue_id)}


def by_size(
    db: Database, queue_id: int, asked: QuestionSet, *, undecided_only: bool = False
) -> list[Disagreement]:
    """The disagreements, those furthest apart first; of equal ones those with more raters apart."""
    found = adjudications.disagreements(db, queue_id, undecided_only=undecided_only)
    return sorted(found, key=lambda one: _size(asked, one), reverse=True)


def _size(asked: QuestionSet, one: Disagreement) -> tuple[float, float]:
    """The largest and the mean distance between two raters, from 0 to 1 of the scale."""
    gaps = [_gap(asked, one, a, b) for a, b in combinations(one.values.values(), 2)]
    return max(gaps), sum(gaps) / len(gaps)


def _gap(asked: QuestionSet, one: Disagreement, a: Any, b: Any) -> float:
    """Steps between two values as a share of the scale; names are either the same or wholly different."""
    question = asked.get(one.question)
    assert question is not None
    if a == b:
        return 0.0
    if question.kind == "preference":
        return 0.5 if TIE in (a, b) else 1.0
    scale = question.scale()
    if question.level == "nominal":
        return 1.0
    return abs(scale.index(a) - scale.index(b)) / (len(scale) - 1)


def _apart(asked: QuestionSet, one: Disagreement) -> str:
    question = asked.get(one.question)
    assert question is not None
    if question.kind == "preference":
        return "opposite" if _size(asked, one)[0] == 1 else "one sees no difference"
    if question.level == "nominal":
        return "different"
    places = [question.scale().index(value) for value in one.values.values()]
    steps = max(places) - min(places)
    return f"{steps} step{'s' if steps > 1 else ''} of {len(question.scale()) - 1}"


def _line(
    queue_id: int,
    texts: StudyItem,
    asked: QuestionSet,
    one: Disagreement,
    decided: Mapping[tuple[str, str, str], Adjudication],
) -> Line:
    codes = tuple(texts.answers)
    question = asked.get(one.question)
    assert question is not None
    counts = Counter(value_label(question, codes, value) for value in one.values.values())
    decision = decided.get((one.item, one.system, one.question))
    return Line(
        address=address_of(queue_id, one, codes),
        question=question.ask,
        about=_about(one, codes),
        prompt=excerpt(texts.prompt["instruction"]),
        said=", ".join(f"{label} ×{count}" if count > 1 else label for label, count in counts.most_common()),
        apart=_apart(asked, one),
        decided=value_label(question, codes, decision.value) if decision else "",
    )


def address_of(queue_id: int, one: Disagreement, codes: Sequence[str]) -> str:
    place = codes.index(one.system) + 1 if one.system else 0
    return f"/adjudicate/{queue_id}/{quote(one.item)}/{quote(one.question)}/{place}"


def _about(one: Disagreement, codes: Sequence[str]) -> str:
    if not one.system or len(codes) == 1:
        return ""
    return ("First answer", "Second answer")[codes.index(one.system)]


def decide_page(
    db: Database,
    queue: Queue,
    one: Disagreement,
    place: int,
    *,
    note: str = "",
    form: Mapping[str, str] | None = None,
    was_missing: bool = False,
) -> DecidePage:
    texts = texts_of(db, queue.id, one.item)
    codes = tuple(texts.answers)
    question = question_of(db, queue.id, one.question)
    earlier = decisions_on(db, queue.id, one)
    given = {(one.question, one.system): earlier[-1].value} if earlier else {}
    if form is not None:
        given = {**given, **read_answers(QuestionSet(questions=(question,)), codes, form)[0]}
    name = f"{one.question}.{place}"
    asked = next(
        group
        for group in questions_asked(
            QuestionSet(questions=(question,)), codes, given, missing=[name] if was_missing else []
        )
        if group.name == name
    )
    return DecidePage(
        heading="Decide a disagreement",
        home=f"/adjudicate/{queue.id}",
        address=address_of(queue.id, one, codes),
        prompt=prompt_parts(texts.prompt),
        answers=shown_answers(list(texts.answers.values())),
        said=_said(db, queue, one, question, codes),
        asked=asked,
        reason=form.get("reason", "") if form else (earlier[-1].reason if earlier else ""),
        num_before=len(earlier),
        decided=value_label(question, codes, earlier[-1].value) if earlier else "",
        note=note,
    )


def _said(
    db: Database, queue: Queue, one: Disagreement, question: Question, codes: tuple[str, ...]
) -> tuple[Said, ...]:
    texts = {other.id for other in ratings.questions(db, queue.id).questions if other.kind == "text"}
    given = ratings_of_item(db, queue.id, one.item)
    orders = orders_of_item(db, queue.id, one.item)
    rows = []
    for letter, rater in zip(string.ascii_uppercase * 9, _drawn(queue, one.item, given), strict=False):
        comments = tuple(
            value
            for (id, code), value in given[rater].items()
            if id in texts and code in ("", one.system) and value
        )
        value = one.values.get(rater)
        words = "not rated" if value is None else value_label(question, codes, value)
        rows.append(Said(f"Rater {letter}", words, comments, orders.get(rater, codes) != codes))
    return tuple(rows)


def _drawn(queue: Queue, item: str, raters: Mapping[str, Any]) -> list[str]:
    """The raters in an order that differs from item to item and says nothing about their names."""
    return sorted(raters, key=lambda rater: hashlib.sha256(f"{queue.study}|{item}|{rater}".encode()).digest())
