"""The expert's routes: the next pair, the page of a pair, its save, autosave, live diff and undo.

Nothing typed is lost: a save that cannot be made answers with a page that holds every text that came with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tunewright.review.diff import compare
from tunewright.review.marked import diff_html
from tunewright.review.model import Decision, QueueKind, Session, Work
from tunewright.review.store.assignment import is_for
from tunewright.review.store.database import Database
from tunewright.review.store.queues import item
from tunewright.review.store.revisions import Stale, autosave, history, save, undo
from tunewright.review.store.waiting import done_and_left, has_open
from tunewright.review.store.work import PlaceLost, begun_at, next_work, renew, work_on
from tunewright.review.web import reasons
from tunewright.review.web.asked_queue import asked_queue
from tunewright.review.web.pages import render
from tunewright.review.web.revise_answers import (
    item_answer,
    last_of,
    lost_answer,
    merge_answer,
    not_theirs,
    see,
    why_lost,
)
from tunewright.review.web.revise_fields import texts_shown
from tunewright.review.web.revise_form import Sent, meant, read_form, refused, times, whole
from tunewright.review.web.revise_page import DonePage
from tunewright.review.web.security import EXPERTS, MAX_ID, allow, form_lists

router = APIRouter()

Expert = Annotated[Session, Depends(allow(*EXPERTS))]
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
Form = Annotated[Mapping[str, list[str]], Depends(form_lists)]

_RENEW_BELOW_SECONDS = 900.0


@router.get("/revise/{queue_id}")
def next_item(request: Request, session: Expert, queue_id: Id, after: str = "", how: str = "") -> Response:
    """On to the pair that is theirs now; a page with the numbers where there is none."""
    db: Database = request.app.state.db
    found = asked_queue(db, queue_id, QueueKind.REVISE)
    work = next_work(db, queue_id, session.person)
    if work is not None:
        return see(f"/item/{work.item.id}", after, how)
    num_done, num_left = done_and_left(db, found.id, session.person)
    if not num_done and not is_for(db, found.id, session.person):
        raise HTTPException(404, "This queue is given to other people.")
    last, words = last_of(after, how)
    return render(
        request,
        "revise_done.html.j2",
        DonePage(found, num_done, num_left, last, words, not has_open(db, found.id)),
    )


@router.get("/item/{item_id}")
def show_item(
    request: Request, session: Expert, item_id: Id, view: str = "", after: str = "", how: str = ""
) -> Response:
    """The pair with its editor."""
    db: Database = request.app.state.db
    work = work_on(db, item_id, session.person)
    if work is None:
        return not_theirs(request, session, item_id)
    if work.lease_until - db.clock() < _RENEW_BELOW_SECONDS:
        renew(db, item_id, session.person)
    return item_answer(request, session, work, view=view, after=after, how=how)


@router.post("/item/{item_id}")
def save_item(request: Request, session: Expert, item_id: Id, form: Form) -> Response:
    """Save the decision and go on to the next pair; 422, 409 and 410 come back with all that was typed."""
    db: Database = request.app.state.db
    sent = read_form(form)
    work = work_on(db, item_id, session.person) or _taken_again(db, session, item_id, sent)
    if work is None:
        return lost_answer(request, session, item_id, sent)
    texts = meant(work, sent)
    decision = sent.decision
    if decision is Decision.EDIT and texts == whole(texts_shown(work)):
        decision = Decision.ACCEPT  # nothing was changed after all
    entered = refused(work, sent, decision, texts)
    if entered is not None:
        with contextlib.suppress(Stale, PlaceLost):  # the page carries the texts too
            autosave(db, item_id, session.person, texts, version=sent.version)
        return item_answer(
            request, session, work, view=sent.view, entered=entered, opened=sent.opened, status=422
        )
    assert decision is not None
    if decision is Decision.ACCEPT:
        texts = whole(texts_shown(work))
    seconds, seconds_open = times(sent, db.clock(), begun_at(db, item_id, session.person))
    try:
        save(
            db,
            item_id,
            session.person,
            version=sent.version,
            decision=decision,
            texts=texts,
            reason=reasons.written(sent.picked, sent.own_words),
            seconds=seconds,
            seconds_open=seconds_open,
        )
    except Stale as stale:
        return merge_answer(request, work, stale, texts, sent)
    except PlaceLost:
        return lost_answer(request, session, item_id, sent)
    coming = next_work(db, work.item.queue_id, session.person)
    address = f"/revise/{work.item.queue_id}" if coming is None else f"/item/{coming.item.id}"
    return see(address, str(item_id), decision)


@router.post("/item/{item_id}/autosave")
def keep_typed(request: Request, session: Expert, item_id: Id, form: Form) -> Response:
    """Keep what is typed; 204, or 409 when another window saved, 410 when the place went to somebody else."""
    db: Database = request.app.state.db
    sent = read_form(form)
    work = work_on(db, item_id, session.person)
    if work is None and item(db, item_id) is None:
        raise HTTPException(404, "There is no such pair.")
    texts = sent.typed if work is None else meant(work, sent)
    try:
        autosave(db, item_id, session.person, texts, version=sent.version)
    except Stale as stale:
        return JSONResponse({"error": str(stale)}, 409)
    except PlaceLost:
        lost = item(db, item_id)
        assert lost is not None, "what was typed is kept for an item"
        words = f"{why_lost(db, lost, session.person)} What you typed is kept on the server."
        return JSONResponse({"error": words}, 410)
    return Response(status_code=204)


@router.post("/item/{item_id}/diff")
def live_diff(request: Request, session: Expert, item_id: Id, form: Form) -> Response:
    """The fields sent, against the original: HTML of both sides for each. One diff for page and script."""
    work = work_on(request.app.state.db, item_id, session.person)
    if work is None:
        raise HTTPException(
            410, "This pair is no longer yours. Copy what you typed, then load the page again."
        )
    texts = meant(work, sent := read_form(form))
    numbered = tuple(enumerate(work.item.findings, start=1))
    answer = {}
    for name in sent.typed:
        diff = compare(work.item.original.get(name, ""), texts[name])
        findings = tuple(one for one in numbered if one[1].field == name)
        answer[name] = {
            "before": diff_html(diff.before, findings),
            "after": diff_html(diff.after),
            "is_coarse": diff.is_coarse,
            "is_equal": diff.is_equal,
        }
    return JSONResponse(answer)


@router.post("/item/{item_id}/undo")
def take_back(request: Request, session: Expert, item_id: Id) -> Response:
    """Undo this person's last save of the pair; it is shown again, with the texts of that save."""
    db: Database = request.app.state.db
    if item(db, item_id) is None:
        raise HTTPException(404, "There is no such pair.")
    mine = [one for one in history(db, item_id) if one.person_id == session.person.id]
    try:
        undo(db, item_id, session.person)
        work = work_on(db, item_id, session.person)
        if work is not None and mine and work.autosaved is None and work.saved is None:
            undone = mine[-1]
            if whole(undone.texts) != whole(texts_shown(work)):
                autosave(db, item_id, session.person, undone.texts, version=work.version)
    except PlaceLost:
        return lost_answer(
            request, session, item_id, None, whats_kept="What you had decided stays as it was."
        )
    return RedirectResponse(f"/item/{item_id}", 303)


def _taken_again(db: Database, session: Session, item_id: int, sent: Sent) -> Work | None:
    """The pair once more, if its lease ran out while typing and a place is free still; else None.

    Either way what was typed is kept."""
    if item(db, item_id) is None:
        raise HTTPException(404, "There is no such pair.")
    try:
        autosave(db, item_id, session.person, sent.typed, version=sent.version)
    except (PlaceLost, Stale):
        return None
    return work_on(db, item_id, session.person)
