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
from tunewright.review.model import Decision, Queue, QueueKind, Session, Texts, Work
from tunewright.review.store.database import Database
from tunewright.review.store.queues import item, queue
from tunewright.review.store.revisions import Stale, autosave, history, save, undo
from tunewright.review.store.waiting import waiting
from tunewright.review.store.work import PlaceLost, next_work, renew, work_on
from tunewright.review.text import shown
from tunewright.review.web import reasons
from tunewright.review.web.pages import render
from tunewright.review.web.revise_form import Sent, meant, read_form, refused, times, whole
from tunewright.review.web.revise_page import (
    TITLES,
    VIEWS,
    DonePage,
    Entered,
    ItemPage,
    LostPage,
    fields_of,
    general_criteria,
    general_findings,
    merge_page,
    texts_in_editor,
    texts_shown,
    wants_all_views,
)
from tunewright.review.web.security import EXPERTS, allow, form_lists

router = APIRouter()

Expert = Annotated[Session, Depends(allow(*EXPERTS))]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]  # larger ones no database takes
Form = Annotated[Mapping[str, list[str]], Depends(form_lists)]

_RENEW_BELOW_SECONDS = 900.0
_WORDS = {
    Decision.ACCEPT: "accepted",
    Decision.EDIT: "saved with your text",
    Decision.REJECT: "rejected",
    Decision.SKIP: "skipped",
    Decision.FLAG: "flagged for the quality owner",
}


@router.get("/revise/{queue_id}")
def next_item(request: Request, session: Expert, queue_id: Id, after: str = "", how: str = "") -> Response:
    """On to the pair that is theirs now; a page with the numbers where there is none."""
    db: Database = request.app.state.db
    found = _revise_queue(db, queue_id)
    work = next_work(db, queue_id, session.person)
    if work is not None:
        return _see(f"/item/{work.item.id}", after, how)
    num_done, num_left = _progress(db, session, found)
    last, words = _last(after, how)
    return render(request, "revise_done.html.j2", DonePage(found, num_done, num_left, last, words))


@router.get("/item/{item_id}")
def show_item(
    request: Request, session: Expert, item_id: Id, view: str = "", after: str = "", how: str = ""
) -> Response:
    """The pair with its editor."""
    db: Database = request.app.state.db
    work = work_on(db, item_id, session.person)
    if work is None:
        return _not_theirs(request, db, item_id)
    if work.lease_until - db.clock() < _RENEW_BELOW_SECONDS:
        renew(db, item_id, session.person)
    return _item_page(request, session, work, view=view, after=after, how=how)


@router.post("/item/{item_id}")
def save_item(request: Request, session: Expert, item_id: Id, form: Form) -> Response:
    """Save the decision and go on to the next pair; 422, 409 and 410 come back with all that was typed."""
    db: Database = request.app.state.db
    sent = read_form(form)
    work = work_on(db, item_id, session.person) or _taken_again(db, session, item_id, sent)
    if work is None:
        return _lost(request, db, item_id, sent)
    texts = meant(work, sent)
    decision = sent.decision
    if decision is Decision.EDIT and texts == whole(texts_shown(work)):
        decision = Decision.ACCEPT  # nothing was changed after all
    entered = refused(work, sent, decision, texts)
    if entered is not None:
        with contextlib.suppress(Stale, PlaceLost):  # the page carries the texts too
            autosave(db, item_id, session.person, texts, version=sent.version)
        return _item_page(
            request, session, work, view=sent.view, entered=entered, opened=sent.opened, status=422
        )
    assert decision is not None
    if decision is Decision.ACCEPT:
        texts = whole(texts_shown(work))
    seconds, seconds_open = times(sent, db.clock())
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
        return _merge(request, work, stale, texts, sent)
    except PlaceLost:
        return _lost(request, db, item_id, sent)
    coming = next_work(db, work.item.queue_id, session.person)
    address = f"/revise/{work.item.queue_id}" if coming is None else f"/item/{coming.item.id}"
    return _see(address, str(item_id), decision)


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
    except PlaceLost as lost:
        return JSONResponse({"error": str(lost)}, 410)
    return Response(status_code=204)


@router.post("/item/{item_id}/diff")
def live_diff(request: Request, session: Expert, item_id: Id, form: Form) -> Response:
    """The fields sent, against the original: HTML of both sides for each. One diff for page and script."""
    work = work_on(request.app.state.db, item_id, session.person)
    if work is None:
        raise HTTPException(410, "This pair is no longer yours.")
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
        return _lost(request, db, item_id, None)
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


def _item_page(
    request: Request,
    session: Session,
    work: Work,
    *,
    view: str,
    after: str = "",
    how: str = "",
    entered: Entered | None = None,
    opened: float | None = None,
    status: int = 200,
) -> Response:
    db: Database = request.app.state.db
    found = queue(db, work.item.queue_id)
    assert found is not None, "an item is of a queue"
    has_draft = work.item.draft is not None
    view = view if view in VIEWS and (has_draft or view != "draft") else "differences"
    texts = texts_in_editor(work) if entered is None else entered.texts
    all_views = wants_all_views(work, texts)
    picked, own_words = reasons.read(work.saved.reason) if work.saved else (frozenset[str](), "")
    if entered is not None:
        picked, own_words = entered.picked, entered.own_words
    num_done, num_left = _progress(db, session, found)
    last, words = _last(after, how)
    page = ItemPage(
        work=work,
        queue=found,
        view=view,
        has_all_views=all_views,
        fields=fields_of(work, found, texts, view=view, all_views=all_views),
        history=tuple((speaker, shown(said)) for speaker, said in work.item.history),
        general_findings=general_findings(work),
        general_criteria=general_criteria(found),
        groups=reasons.groups(with_draft=has_draft),
        picked=picked,
        own_words=own_words,
        entered=entered,
        num_done=num_done,
        num_left=num_left,
        opened=db.clock() if opened is None else opened,
        person_id=session.person.id,
        last=last,
        last_words=words,
    )
    return render(request, "item.html.j2", page, status=status)


def _merge(request: Request, work: Work, stale: Stale, texts: Texts, sent: Sent) -> Response:
    entered = Entered(texts, sent.picked, sent.own_words, "")
    page = merge_page(
        work,
        stale.current,
        stale.version,
        texts,
        decision=sent.decision or Decision.EDIT,
        entered=entered,
        seconds="" if sent.seconds is None else f"{sent.seconds:.0f}",
        opened="" if sent.opened is None else f"{sent.opened:.3f}",
    )
    return render(request, "merge.html.j2", page, status=409)


def _lost(request: Request, db: Database, item_id: int, sent: Sent | None) -> Response:
    found = item(db, item_id)
    assert found is not None
    typed = {} if sent is None else sent.typed
    page = LostPage(
        "This pair went to somebody else",
        "Nobody touched it for half an hour, so its place was given to another expert, and your decision "
        "was not counted. What you typed is kept, and stands here too.",
        found.queue_id,
        tuple((TITLES[name], text) for name, text in typed.items()),
    )
    return render(request, "revise_lost.html.j2", page, status=410)


def _not_theirs(request: Request, db: Database, item_id: int) -> Response:
    found = item(db, item_id)
    if found is None:
        raise HTTPException(404, "There is no such pair.")
    page = LostPage(
        "This pair is not yours now",
        "You skipped it, or it was not touched for half an hour and went to somebody else, or it never was "
        "yours. What you typed here is kept.",
        found.queue_id,
        (),
    )
    return render(request, "revise_lost.html.j2", page, status=404)


def _revise_queue(db: Database, queue_id: int) -> Queue:
    found = queue(db, queue_id)
    if found is None or found.kind is not QueueKind.REVISE:
        raise HTTPException(404, "There is no such queue of pairs to revise.")
    return found


def _progress(db: Database, session: Session, found: Queue) -> tuple[int, int]:
    """(done by this person, left for all) in the queue."""
    mine = [one for one in waiting(db, session.person) if one.queue.id == found.id]
    return (mine[0].num_done, mine[0].num_left) if mine else (0, 0)


def _last(after: str, how: str) -> tuple[int, str]:
    """The item saved before, and what was done with it, from the address; (0, "") where there is none."""
    if not (after.isascii() and after.isdigit() and len(after) < 19 and how in set(Decision)):
        return 0, ""
    return int(after), _WORDS[Decision(how)]


def _see(address: str, after: str, how: str) -> Response:
    last, _ = _last(after, how)
    return RedirectResponse(f"{address}?after={last}&how={how}" if last else address, 303)
