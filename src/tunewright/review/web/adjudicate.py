"""Adjudicating: what raters judged differently, the largest differences first; a decision and its reason.

It begins with the lock, as `evaluate.study.adjudicate` asks: first ratings are final then, and stay. A
decision is in the database and in the study's folder before it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.study.adjudicate import Disagreement
from tunewright.evaluate.study.questions import QuestionSet
from tunewright.review.model import Queue, QueueKind, Session
from tunewright.review.store import adjudications, ratings
from tunewright.review.store.adjudications import AlreadyDecided
from tunewright.review.store.database import Database
from tunewright.review.store.study_items import study_item
from tunewright.review.studies import folder_of, standing, sync_adjudications, without_path
from tunewright.review.web.adjudicate_page import (
    ListPage,
    address_of,
    by_size,
    decide_page,
    list_page,
    question_of,
    texts_of,
)
from tunewright.review.web.asked import read_answers, value_label
from tunewright.review.web.asked_queue import asked_queue
from tunewright.review.web.form_values import whole_number
from tunewright.review.web.pages import render
from tunewright.review.web.replies import go
from tunewright.review.web.security import OWNERS, allow, form_of

MOST_REASON_CHARS = 4_000
router = APIRouter()

Owner = Annotated[Session, Depends(allow(*OWNERS))]
Form = Annotated[Mapping[str, str], Depends(form_of)]


@router.get("/adjudicate/{queue_id}")
def show_list(request: Request, queue_id: int, session: Owner) -> Response:
    """All disagreements of a locked study, those without a decision first, the largest on top."""
    db = request.app.state.db
    queue = asked_queue(db, queue_id, QueueKind.RATE)
    try:
        waits = _waits(db, queue)
    except RunFolderError as error:
        raise HTTPException(409, without_path(error, queue)) from None
    page = ListPage(queue.name, waits, (), ()) if waits else list_page(db, queue)
    return render(request, "adjudicate.html.j2", page)


@router.get("/adjudicate/{queue_id}/{item}/{question}/{place}")
def show(request: Request, queue_id: int, item: str, question: str, place: int, session: Owner) -> Response:
    db = request.app.state.db
    queue = _ready(db, queue_id)
    found = _find(db, queue_id, item, question, place)
    return render(request, "adjudicate_item.html.j2", decide_page(db, queue, found, place))


@router.post("/adjudicate/{queue_id}/{item}/{question}/{place}")
def decide(
    request: Request, queue_id: int, item: str, question: str, place: int, session: Owner, form: Form
) -> Response:
    """Keep a decision, in the database and the study's folder. 409 when somebody else decided meanwhile."""
    db = request.app.state.db
    queue = _ready(db, queue_id)
    found = _find(db, queue_id, item, question, place)
    texts = texts_of(db, queue_id, item)
    codes = tuple(texts.answers)
    only = QuestionSet(questions=(question_of(db, queue_id, question),))
    values, _ = read_answers(only, codes, form)
    value = values.get((question, found.system))
    num_before = whole_number(form.get("before", ""))
    if value is None or num_before is None:
        page = decide_page(db, queue, found, place, form=form, was_missing=value is None)
        return render(request, "adjudicate_item.html.j2", page, status=422)
    place_of = (queue_id, item, found.system, question)
    reason = form.get("reason", "").strip()[:MOST_REASON_CHARS]
    try:
        adjudications.adjudicate(db, *place_of, session.person, value, reason, num_before=num_before)
        sync_adjudications(db, queue)
    except AlreadyDecided as decided:
        label = value_label(only.questions[0], codes, decided.current.value)
        words = f"Not saved: somebody decided this one meanwhile, “{label}”"
        words += f", and wrote: {decided.current.reason} " if decided.current.reason else ". "
        words += "Your own choice still stands below; send it again and it counts instead."
        page = decide_page(db, queue, found, place, note=words, form=form)
        return render(request, "adjudicate_item.html.j2", page, status=409)
    except (DataError, RunFolderError) as error:
        raise HTTPException(409, without_path(error, queue)) from None
    asked = ratings.questions(db, queue_id)
    left = by_size(db, queue_id, asked, undecided_only=True)
    if not left:
        return go(request, f"/adjudicate/{queue_id}")
    codes_of_next = tuple(texts_of(db, queue_id, left[0].item).answers)
    return go(request, address_of(queue_id, left[0], codes_of_next))


def _ready(db: Database, queue_id: int) -> Queue:
    queue = asked_queue(db, queue_id, QueueKind.RATE)
    try:
        if not folder_of(queue).is_locked:
            raise HTTPException(409, "Adjudication begins when a lead locks the study. Ask a lead.")
    except RunFolderError as error:
        raise HTTPException(409, without_path(error, queue)) from None
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
