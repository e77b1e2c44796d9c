"""Adjudicating: what raters judged differently, the largest differences first; a decision and its reason.

It begins with the lock, as `evaluate.study.adjudicate` asks: first ratings are final then, and stay. Neither
systems nor raters are named: raters have letters, drawn anew for each item. A decision is in the database and
in the study's folder before it is answered.
"""

from __future__ import annotations

import hashlib
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.study.adjudicate import Disagreement
from tunewright.evaluate.study.questions import TIE, Question, QuestionSet
from tunewright.review.model import Queue, QueueKind, Session
from tunewright.review.store import adjudications, queues, ratings
from tunewright.review.store.adjudications import Adjudication
from tunewright.review.store.database import Database
from tunewright.review.store.study_items import (
    StudyItem,
    orders_of_item,
    ratings_of_item,
    study_item,
    study_items,
)
from tunewright.review.studies import folder_of, standing, sync_adjudications
from tunewright.review.web.asked import Asked, questions_asked, read_answers, value_label
from tunewright.review.web.pages import render
from tunewright.review.web.rating_texts import Part, ShownAnswer, prompt_parts, shown_answers
from tunewright.review.web.replies import go
from tunewright.review.web.security import OWNERS, allow, form_of

MOST_EXCERPT_CHARS = 110
MOST_REASON_CHARS = 4_000
router = APIRouter()

Owner = Annotated[Session, Depends(allow(*OWNERS))]
Form = Annotated[Mapping[str, str], Depends(form_of)]


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


@router.get("/adjudicate/{queue_id}")
def show_list(request: Request, queue_id: int, session: Owner) -> Response:
    """All disagreements of a locked study, those without a decision first, the largest on top."""
    db = request.app.state.db
    queue = _study(db, queue_id)
    try:
        waits = _waits(db, queue)
    except RunFolderError as error:
        raise HTTPException(409, str(error)) from None
    page = ListPage(queue.name, waits, (), ())
    if not waits:
        asked = ratings.questions(db, queue_id)
        decided = _latest(db, queue_id)
        texts = study_items(db, queue_id)
        found = _by_size(db, queue_id, asked)
        lines = [_line(queue_id, texts[one.item], asked, one, decided) for one in found]
        page = ListPage(
            queue.name,
            "",
            tuple(line for line in lines if not line.decided),
            tuple(line for line in lines if line.decided),
        )
    return render(request, "adjudicate.html.j2", page)


@router.get("/adjudicate/{queue_id}/{item}/{question}/{place}")
def show(request: Request, queue_id: int, item: str, question: str, place: int, session: Owner) -> Response:
    db = request.app.state.db
    queue = _ready(db, queue_id)
    found = _find(db, queue_id, item, question, place)
    return render(request, "adjudicate_item.html.j2", _decide_page(db, queue, found, place))


@router.post("/adjudicate/{queue_id}/{item}/{question}/{place}")
def decide(
    request: Request, queue_id: int, item: str, question: str, place: int, session: Owner, form: Form
) -> Response:
    """Keep a decision, in the database and the study's folder. 409 when somebody else decided meanwhile."""
    db = request.app.state.db
    queue = _ready(db, queue_id)
    found = _find(db, queue_id, item, question, place)
    texts = _texts(db, queue_id, item)
    codes = tuple(texts.answers)
    only = QuestionSet(questions=(_question(db, queue_id, question),))
    values, _ = read_answers(only, codes, form)
    value = values.get((question, found.system))
    before = len(_decisions(db, queue_id, found))
    if value is None or form.get("before") != str(before):
        words = (
            ""
            if value is None
            else "Somebody decided this one meanwhile. Look at it, then decide again if need be."
        )
        page = _decide_page(db, queue, found, place, note=words, form=form, was_missing=value is None)
        return render(request, "adjudicate_item.html.j2", page, status=422 if value is None else 409)
    reason = form.get("reason", "").strip()[:MOST_REASON_CHARS]
    try:
        adjudications.adjudicate(db, queue_id, item, found.system, question, session.person, value, reason)
        sync_adjudications(db, queue)
    except (DataError, RunFolderError) as error:
        raise HTTPException(409, str(error)) from None
    asked = ratings.questions(db, queue_id)
    left = _by_size(db, queue_id, asked, undecided_only=True)
    if not left:
        return go(request, f"/adjudicate/{queue_id}")
    codes_of_next = tuple(_texts(db, queue_id, left[0].item).answers)
    return go(request, _address(queue_id, left[0], codes_of_next))


def _study(db: Database, queue_id: int) -> Queue:
    queue = queues.queue(db, queue_id)
    if queue is None or queue.kind is not QueueKind.RATE:
        raise HTTPException(404, "There is no such study.")
    return queue


def _ready(db: Database, queue_id: int) -> Queue:
    queue = _study(db, queue_id)
    try:
        if not folder_of(queue).is_locked:
            raise HTTPException(409, "Adjudication begins when the study is locked.")
    except RunFolderError as error:
        raise HTTPException(409, str(error)) from None
    return queue


def _waits(db: Database, queue: Queue) -> str:
    """Why adjudication cannot begin, by the study's own rule; "" when it can."""
    if folder_of(queue).is_locked:
        return ""
    missing = standing(db, queue).num_missing
    if missing:
        items = "1 item is" if missing == 1 else f"{missing:,} items are"
        return f"{items} not rated yet. Adjudication begins when a lead locks the study."
    return "All items are rated. Adjudication begins when a lead locks the study."


def _find(db: Database, queue_id: int, item: str, question: str, place: int) -> Disagreement:
    texts = study_item(db, queue_id, item)
    codes = tuple(texts.answers) if texts else ()
    if 0 <= place <= len(codes):
        system = codes[place - 1] if place else ""
        for one in adjudications.disagreements(db, queue_id, undecided_only=False):
            if (one.item, one.system, one.question) == (item, system, question):
                return one
    raise HTTPException(404, "There is no such disagreement.")


def _texts(db: Database, queue_id: int, item: str) -> StudyItem:
    found = study_item(db, queue_id, item)
    assert found is not None
    return found


def _question(db: Database, queue_id: int, id: str) -> Question:
    found = ratings.questions(db, queue_id).get(id)
    assert found is not None
    return found


def _decisions(db: Database, queue_id: int, one: Disagreement) -> list[Adjudication]:
    return [
        decision
        for decision in adjudications.decisions(db, queue_id)
        if (decision.item, decision.answer, decision.question) == (one.item, one.system, one.question)
    ]


def _latest(db: Database, queue_id: int) -> dict[tuple[str, str, str], Adjudication]:
    return {(one.item, one.answer, one.question): one for one in adjudications.decisions(db, queue_id)}


def _by_size(
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
        address=_address(queue_id, one, codes),
        question=question.ask,
        about=_about(one, codes),
        prompt=_excerpt(texts.prompt["instruction"]),
        said=", ".join(f"{label} ×{count}" if count > 1 else label for label, count in counts.most_common()),
        apart=_apart(asked, one),
        decided=value_label(question, codes, decision.value) if decision else "",
    )


def _address(queue_id: int, one: Disagreement, codes: Sequence[str]) -> str:
    place = codes.index(one.system) + 1 if one.system else 0
    return f"/adjudicate/{queue_id}/{quote(one.item)}/{quote(one.question)}/{place}"


def _about(one: Disagreement, codes: Sequence[str]) -> str:
    if not one.system or len(codes) == 1:
        return ""
    return ("First answer", "Second answer")[codes.index(one.system)]


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_EXCERPT_CHARS else line[: MOST_EXCERPT_CHARS - 1] + "…"


def _decide_page(
    db: Database,
    queue: Queue,
    one: Disagreement,
    place: int,
    *,
    note: str = "",
    form: Mapping[str, str] | None = None,
    was_missing: bool = False,
) -> DecidePage:
    texts = _texts(db, queue.id, one.item)
    codes = tuple(texts.answers)
    question = _question(db, queue.id, one.question)
    earlier = _decisions(db, queue.id, one)
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
        address=_address(queue.id, one, codes),
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
