"""The lead's two forms of a queue of pairs: who revises it, and how many people revise each pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tunewright.errors import DataError
from tunewright.review.model import Person, Queue, QueueKind, Role, Session
from tunewright.review.store.assignment import (
    MAX_OVERLAP,
    AssignmentChanged,
    Stuck,
    assign,
    assigned,
    raise_overlap,
    stuck,
)
from tunewright.review.store.database import Database
from tunewright.review.store.people import people
from tunewright.review.web.asked_queue import asked_queue
from tunewright.review.web.form_values import whole_number
from tunewright.review.web.security import LEADS, MAX_ID, allow, form_lists, form_of

router = APIRouter()

Lead = Annotated[Session, Depends(allow(*LEADS))]


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """Who may be given the queue, each with whether they are; nobody ticked means everybody. `warnings` say
    why these people cannot finish it."""

    choices: tuple[tuple[Person, bool], ...]
    warnings: tuple[str, ...] = ()
    most: int = MAX_OVERLAP

    @property
    def names(self) -> list[str]:
        return [person.name for person, is_chosen in self.choices if is_chosen]

    @property
    def before(self) -> str:
        """Whom the queue is for now, as the form sends it back."""
        return ",".join(str(person.id) for person, is_chosen in self.choices if is_chosen)


def assignment_view(db: Database, queue: Queue) -> AssignmentView:
    """Everybody who may revise and log in, and whoever was chosen before, by name."""
    chosen = {one.id for one in assigned(db, queue.id)}
    able = [one for one in people(db) if one.id in chosen or (one.is_active and one.role is not Role.RATER)]
    return AssignmentView(
        tuple((one, one.id in chosen) for one in sorted(able, key=lambda one: one.name.casefold())),
        _warnings(queue, [one for one in able if one.id in chosen], stuck(db, queue.id)),
    )


def _warnings(queue: Queue, named: Sequence[Person], found: Stuck) -> tuple[str, ...]:
    said = []
    raters = [one.name for one in named if one.role is Role.RATER]
    if raters:
        are = "is a rater now and gets" if len(raters) == 1 else "are raters now and get"
        said.append(f"{' and '.join(raters)} {are} no pairs; the next save of the list leaves them out.")
    if not found.num_short:
        return tuple(said)
    if not found.num_able:
        nobody = "Nobody who is named can revise" if named else "Nobody can revise"
        return (*said, f"{nobody}, so this queue is given to nobody. Choose somebody below.")
    if found.num_able < queue.overlap:
        who = f"{found.num_able} may revise"
        if named:
            who = f"{found.num_able} {'is' if found.num_able == 1 else 'are'} named"
            if len(named) > found.num_able:
                who = f"{found.num_able} of those named may revise"
        said.append(
            f"{queue.overlap} people are asked for each pair, and {who}: "
            f"{_pairs(found.num_short)} cannot be finished."
        )
    if found.num_skipped:
        said.append(
            f"{_pairs(found.num_skipped)} {_was(found.num_skipped)} skipped by everybody who was left for "
            "them; ask somebody else, or close the queue."
        )
    elif found.num_able >= queue.overlap:
        said.append(
            f"{_pairs(found.num_short)} {_was(found.num_short)} skipped by so many that fewer people are "
            "left than are asked for; ask somebody else, or close the queue."
        )
    return tuple(said)


def _pairs(num: int) -> str:
    return "1 pair" if num == 1 else f"{num:,} pairs"


def _was(num: int) -> str:
    return "was" if num == 1 else "were"


@router.post("/lead/{queue_id}/people")
def give_to(
    request: Request,
    session: Lead,
    form: Annotated[Mapping[str, list[str]], Depends(form_lists)],
    queue_id: int,
) -> Response:
    """The ticked people get the work of the queue; nobody ticked, everybody. 409 when another lead gave it to
    others since the page was loaded."""
    db = request.app.state.db
    found = asked_queue(db, queue_id, QueueKind.REVISE)
    chosen = [whole_number(one) for one in form.get("person", [])]
    if any(one is None or one > MAX_ID for one in chosen):
        raise HTTPException(422, "Choose people from the list; load the page again if it is old.")
    before = None
    if "before" in form:
        before = [whole_number(one) or 0 for one in form["before"][-1].split(",") if one]
    try:
        assign(db, found.id, [one for one in chosen if one is not None], before=before, by=session.person)
    except AssignmentChanged as error:
        raise HTTPException(409, _sentence(error)) from None
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
