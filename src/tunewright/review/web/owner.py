"""The quality owner's desk: finished work drawn from a queue, and what experts flagged, one item at a time.

Who did it is not shown: the owner judges the work. Flagged items come first, for somebody waits for a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from tunewright.errors import DataError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.review.model import QueueKind, Session
from tunewright.review.store import lead, queues
from tunewright.review.store.database import Database
from tunewright.review.store.lead import OwnerWork
from tunewright.review.web.changes import Change, changes
from tunewright.review.web.pages import render
from tunewright.review.web.security import OWNERS, allow, form_of

router = APIRouter()

Owner = Annotated[Session, Depends(allow(*OWNERS))]
Form = Annotated[Mapping[str, str], Depends(form_of)]


@dataclass(frozen=True, slots=True)
class Made:
    """One expert's revision, as changes from the original."""

    decision: str
    reason: str
    fields: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class OwnerPage:
    """`work` None: nothing waits. `to_settle` are addresses, in words, of lists of what people differ on."""

    work: OwnerWork | None
    queue: str
    made: tuple[Made, ...]
    history: tuple[tuple[str, Markup], ...]
    num_waiting: int
    to_settle: tuple[tuple[str, str], ...]
    problem: str = ""


def to_settle(db: Database) -> tuple[tuple[str, str], ...]:
    """Lists of what people differ on: pairs that several revise, studies that are locked."""
    found = []
    for queue in queues.queues(db):
        if queue.kind is QueueKind.REVISE and queue.overlap > 1:
            found.append((f"/versions/{queue.id}", f"Where experts differ: {queue.name}"))
        elif queue.kind is QueueKind.RATE and StudyFolder(queue.study).is_locked:
            found.append((f"/adjudicate/{queue.id}", f"Adjudicate: {queue.name}"))
    return tuple(found)


@router.get("/owner")
def next_item(request: Request, session: Owner) -> Response:
    return _page(request, session)


@router.post("/owner/{item_id}")
def verdict(request: Request, session: Owner, form: Form, item_id: int) -> Response:
    """Good, or not good with a reason; then the next one."""
    said, reason = form.get("verdict", ""), form.get("reason", "").strip()[:4000]
    if said not in ("good", "bad"):
        raise HTTPException(422, "Choose whether the work is good.")
    if said == "bad" and not reason:
        return _page(request, session, problem="Say in a sentence what is wrong: the expert learns from it.")
    try:
        lead.owner_verdict(request.app.state.db, item_id, session.person, said == "good", reason)
    except DataError as error:
        raise HTTPException(409, str(error)) from None
    return RedirectResponse("/owner", 303)


def _page(request: Request, session: Session, *, problem: str = "") -> Response:
    db = request.app.state.db
    work = lead.owner_work(db, session.person)
    if work is None:
        return render(request, "owner.html.j2", OwnerPage(None, "", (), (), 0, to_settle(db)))
    queue = queues.queue(db, work.item.queue_id)
    made = tuple(
        Made(revision.decision.value, revision.reason, changes(work.item.original, revision.texts))
        for _, revision in work.revisions
    )
    history = tuple((speaker, Markup.escape(text)) for speaker, text in work.item.history)
    page = OwnerPage(
        work, queue.name if queue else "", made, history, lead.num_waiting(db), to_settle(db), problem
    )
    return render(request, "owner.html.j2", page, status=422 if problem else 200)
