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
from tunewright.review.store.mending import Left, left_behind, take_over
from tunewright.review.store.owner_rows import Unseen
from tunewright.review.web.changes import Change, changes
from tunewright.review.web.form_values import whole_number
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
    """`work` None: nothing waits. `to_settle` are addresses, in words, of lists of what people differ on;
    `left` was sent back and nobody can mend it. `reason` is what the owner wrote before the page came again,
    `written` what they wrote on a pair that is not theirs to judge any more. `last` is the item judged before
    (0: none), whose verdict may be taken back; `last_good` what it was."""

    work: OwnerWork | None
    queue: str
    made: tuple[Made, ...]
    history: tuple[tuple[str, Markup], ...]
    num_waiting: int
    to_settle: tuple[tuple[str, str], ...]
    left: tuple[Left, ...] = ()
    problem: str = ""
    reason: str = ""
    written: str = ""
    last: int = 0
    last_good: bool = False


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
def next_item(request: Request, session: Owner, after: str = "", said: str = "") -> Response:
    return _page(request, session, last=whole_number(after) or 0, last_good=said == "good")


@router.post("/owner/{item_id}")
def verdict(request: Request, session: Owner, form: Form, item_id: int) -> Response:
    """Good, or not good with a reason; then the next one. 409, with what was written, when an expert saved
    another version meanwhile or the pair is another owner's now."""
    said, reason = form.get("verdict", ""), form.get("reason", "").strip()[:4000]
    if said not in ("good", "bad"):
        raise HTTPException(422, "Choose whether the work is good.")
    if said == "bad" and not reason:
        problem = "Say in a sentence what is wrong: the expert learns from it."
        return _page(request, session, problem=problem, status=422)
    db = request.app.state.db
    try:
        lead.owner_verdict(db, item_id, session.person, said == "good", reason, seen=form.get("seen", ""))
    except Unseen:
        problem = "Not kept: an expert changed a version meanwhile. Look at it as it is now, then say again."
        return _page(request, session, problem=problem, status=409, reason=reason)
    except DataError as error:
        return _page(request, session, problem=f"Not kept: {error}.", status=409, written=reason)
    return RedirectResponse(f"/owner?after={item_id}&said={said}", 303)


@router.post("/owner/{item_id}/undo")
def take_back(request: Request, session: Owner, item_id: int) -> Response:
    """Take one's own verdict back; the pair is asked about once more, before any other."""
    try:
        lead.take_back_verdict(request.app.state.db, item_id, session.person)
    except DataError as error:
        return _page(request, session, problem=f"Not taken back: {error}.", status=409)
    return RedirectResponse("/owner", 303)


@router.post("/owner/{item_id}/take")
def take(request: Request, session: Owner, item_id: int) -> Response:
    """Mend a pair oneself that was sent back and left behind; on to its editor."""
    try:
        take_over(request.app.state.db, item_id, session.person)
    except DataError as error:
        return _page(request, session, problem=f"Not taken over: {error}.", status=409)
    return RedirectResponse(f"/item/{item_id}", 303)


def _page(
    request: Request,
    session: Session,
    *,
    problem: str = "",
    status: int = 200,
    reason: str = "",
    written: str = "",
    last: int = 0,
    last_good: bool = False,
) -> Response:
    db = request.app.state.db
    work = lead.owner_work(db, session.person)
    left = tuple(left_behind(db))
    if work is None:
        page = OwnerPage(None, "", (), (), 0, to_settle(db), left, problem, "", written, last, last_good)
        return render(request, "owner.html.j2", page, status=status)
    queue = queues.queue(db, work.item.queue_id)
    made = tuple(
        Made(revision.decision.value, revision.reason, changes(work.item.original, revision.texts))
        for _, revision in work.revisions
    )
    history = tuple((speaker, Markup.escape(text)) for speaker, text in work.item.history)
    page = OwnerPage(
        work,
        queue.name if queue else "",
        made,
        history,
        lead.num_waiting(db),
        to_settle(db),
        left,
        problem,
        reason,
        written,
        last,
        last_good,
    )
    return render(request, "owner.html.j2", page, status=status)
