"""Rating blind: one answer, or two side by side, with the study's questions; training first; pause; back.

Gold and repeated items take the same path as any other, so neither page nor timing tells them apart. A save
is answered after its commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Never

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tunewright.errors import DataError
from tunewright.review.model import Person, Queue, QueueKind, Session, Task
from tunewright.review.store import queues, ratings
from tunewright.review.store.database import Database
from tunewright.review.store.ratings import StaleTask
from tunewright.review.store.study_items import item_at, places_of
from tunewright.review.studies import Asking, asking
from tunewright.review.web.asked import read_answers
from tunewright.review.web.form_values import seconds, whole_number
from tunewright.review.web.pages import render
from tunewright.review.web.rate_page import (
    HomePage,
    InstructionsPage,
    PausePage,
    Place,
    codes_of,
    guide_of,
    home_of,
    instructions_of,
    progress_of,
    rate_page,
    stale_page,
)
from tunewright.review.web.replies import go
from tunewright.review.web.security import EVERYBODY, allow, form_of
from tunewright.review.web.training_page import training_page

MOST_SECONDS = 4 * 3600.0  # on one item; more was measured wrongly
router = APIRouter()

Rater = Annotated[Session, Depends(allow(*EVERYBODY))]
Form = Annotated[Mapping[str, str], Depends(form_of)]


@router.get("/rate/{queue_id}")
def home(request: Request, queue_id: int, session: Rater) -> Response:
    """Instructions, progress, and every item of one's own by its number."""
    db, person = request.app.state.db, session.person
    queue, asked = _open_or_ended(db, queue_id, person)
    places = tuple(
        Place(one.place, one.item, one.is_done and queue.is_open) for one in places_of(db, queue_id, person)
    )
    page = HomePage(
        study=queue.name,
        home=home_of(queue_id),
        progress=progress_of(db, queue_id, person),
        places=places,
        instructions=instructions_of(asked),
        guide=guide_of(asked),
        ended="" if queue.is_open else "Rating has ended: the study is closed, and ratings are final.",
    )
    return render(request, "rate_home.html.j2", page)


@router.get("/rate/{queue_id}/next")
def next_item(request: Request, queue_id: int, session: Rater) -> Response:
    """The first item without a rating; the start page when there is none."""
    db, person = request.app.state.db, session.person
    _open_or_ended(db, queue_id, person)
    return RedirectResponse(_next_address(db, queue_id, person), 303)


@router.get("/rate/{queue_id}/instructions")
def instructions(request: Request, queue_id: int, session: Rater) -> Response:
    queue, asked = _open_or_ended(request.app.state.db, queue_id, session.person)
    page = InstructionsPage(queue.name, home_of(queue_id), instructions_of(asked), guide_of(asked))
    return render(request, "rate_instructions.html.j2", page)


@router.get("/rate/{queue_id}/pause")
def pause(request: Request, queue_id: int, session: Rater) -> Response:
    _open_or_ended(request.app.state.db, queue_id, session.person)
    return render(request, "rate_pause.html.j2", PausePage(home_of(queue_id)))


@router.get("/rate/{queue_id}/{item}")
def show(request: Request, queue_id: int, item: str, session: Rater) -> Response:
    """The item with what was given so far; a rated training item with what was expected."""
    db, person = request.app.state.db, session.person
    queue, asked = _rating_is_open(db, queue_id, person)
    task = _own_task(db, queue_id, item, person)
    if task.part == "training" and task.is_done:
        return render(request, "training.html.j2", training_page(db, task, asked, person, study=queue.name))
    page = rate_page(db, task, asked, person, task.given, study=queue.name)
    return render(request, "rate.html.j2", page)


@router.post("/rate/{queue_id}/{item}")
def save(request: Request, queue_id: int, item: str, session: Rater, form: Form) -> Response:
    """Keep the rating and go on. 422 with the form when an answer is missing, 409 when saved meanwhile.

    A script (Accept: application/json) gets the next address, and errors as the page that tells them.
    """
    db, person = request.app.state.db, session.person
    queue, asked = _rating_is_open(db, queue_id, person)
    task = _own_task(db, queue_id, item, person)
    if task.part == "training" and task.is_done:
        return go(request, f"{home_of(queue_id)}/{item}")  # its expected answer was shown: said once is said
    codes = codes_of(task)
    values, missing = read_answers(asked.questions, codes, form)
    values = {place: value for place, value in values.items() if value != "" or place in task.given}
    if missing:
        page = rate_page(db, task, asked, person, values, study=queue.name, missing=tuple(missing))
        return render(request, "rate.html.j2", page, status=422)
    try:
        saved = ratings.rate(
            db,
            queue_id,
            item,
            person,
            version=_version(form),
            values=values,
            seconds=_seconds(form),
        )
    except StaleTask as stale:
        page_of_both = stale_page(stale.current, asked, form, values)
        return render(request, "rate_stale.html.j2", page_of_both, status=409)
    except DataError as error:
        raise HTTPException(409, str(error)) from None
    return go(request, _after(db, saved, person))


def _open_or_ended(db: Database, queue_id: int, person: Person) -> tuple[Queue, Asking]:
    """The queue if this person rates in it; else 404, whether or not there is such a queue."""
    queue = queues.queue(db, queue_id)
    if queue is None or queue.kind is not QueueKind.RATE or item_at(db, queue_id, person, 1) is None:
        _nothing_here()
    return queue, asking(db, queue)


def _rating_is_open(db: Database, queue_id: int, person: Person) -> tuple[Queue, Asking]:
    queue, asked = _open_or_ended(db, queue_id, person)
    if not queue.is_open:
        raise HTTPException(409, "Rating has ended: the study is closed. What you saved before counts.")
    return queue, asked


def _own_task(db: Database, queue_id: int, item: str, person: Person) -> Task:
    return ratings.task(db, queue_id, item, person) or _nothing_here()


def _nothing_here() -> Never:
    raise HTTPException(404, "There is nothing to rate for you here.")


def _after(db: Database, task: Task, person: Person) -> str:
    """Where to go after a save: a training item's expected answer, else on."""
    if task.part == "training":
        return f"{home_of(task.queue_id)}/{task.item}"
    return _next_address(db, task.queue_id, person)


def _next_address(db: Database, queue_id: int, person: Person) -> str:
    task = ratings.next_task(db, queue_id, person)
    return f"{home_of(queue_id)}/{task.item}" if task else home_of(queue_id)


def _version(form: Mapping[str, str]) -> int:
    version = whole_number(form.get("version", ""))
    if version is None:
        raise HTTPException(422, "This form is not from here; load the page again. Nothing was saved.")
    return version


def _seconds(form: Mapping[str, str]) -> float:
    """The active time that the script measured; 0 without one, or for a number that cannot be."""
    measured = seconds(form.get("seconds", ""))
    return measured if measured is not None and measured <= MOST_SECONDS else 0.0
