"""The lead's two forms of a queue of pairs: who revises it, and how many people revise each pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tunewright.errors import DataError
from tunewright.review.model import Person, QueueKind, Role, Session
from tunewright.review.store.assignment import MAX_OVERLAP, assign, assigned, raise_overlap
from tunewright.review.store.database import Database
from tunewright.review.store.people import people
from tunewright.review.web.asked_queue import asked_queue
from tunewright.review.web.form_values import whole_number
from tunewright.review.web.security import LEADS, MAX_ID, allow, form_lists, form_of

router = APIRouter()

Lead = Annotated[Session, Depends(allow(*LEADS))]


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """Who may be given the queue, each with whether they are; nobody ticked means everybody."""

    choices: tuple[tuple[Person, bool], ...]
    most: int = MAX_OVERLAP

    @property
    def names(self) -> list[str]:
        return [person.name for person, is_chosen in self.choices if is_chosen]


def assignment_view(db: Database, queue_id: int) -> AssignmentView:
    """Everybody who may revise and log in, and whoever was chosen before, by name."""
    chosen = {one.id for one in assigned(db, queue_id)}
    able = [one for one in people(db) if one.id in chosen or (one.is_active and one.role is not Role.RATER)]
    return AssignmentView(
        tuple((one, one.id in chosen) for one in sorted(able, key=lambda one: one.name.casefold()))
    )


@router.post("/lead/{queue_id}/people")
def give_to(
    request: Request,
    session: Lead,
    form: Annotated[Mapping[str, list[str]], Depends(form_lists)],
    queue_id: int,
) -> Response:
    """The ticked people get the work of the queue; nobody ticked, everybody."""
    db = request.app.state.db
    found = asked_queue(db, queue_id, QueueKind.REVISE)
    chosen = [whole_number(one) for one in form.get("person", [])]
    if any(one is None or one > MAX_ID for one in chosen):
        raise HTTPException(422, "Choose people from the list; load the page again if it is old.")
    try:
        assign(db, found.id, [one for one in chosen if one is not None], by=session.person)
    except DataError as error:
        raise HTTPException(422, _sentence(error)) from None
    return RedirectResponse(f"/lead/{found.id}?said=given", 303)


@router.post("/lead/{queue_id}/overlap")
def ask_more(
    request: Request,
    session: Lead,
    form: Annotated[Mapping[str, str], Depends(form_of)],
    queue_id: int,
) -> Response:
    """So many people revise each pair from now on."""
    db = request.app.state.db
    found = asked_queue(db, queue_id, QueueKind.REVISE)
    try:
        raise_overlap(db, found.id, whole_number(form.get("overlap", "")) or 0, by=session.person)
    except DataError as error:
        raise HTTPException(422, _sentence(error)) from None
    return RedirectResponse(f"/lead/{found.id}?said=overlap", 303)


def _sentence(error: DataError) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:]}."
