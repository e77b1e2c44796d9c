"""What the expert's routes answer: a pair's page, the merge, a pair that went to others, on to the next."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tunewright.review.model import FIELD_TITLES, Decision, Item, Person, Session, Texts, Work
from tunewright.review.store.assignment import is_for
from tunewright.review.store.database import Database
from tunewright.review.store.queues import item, queue
from tunewright.review.store.revisions import Stale, history
from tunewright.review.store.waiting import done_and_left, sent_back
from tunewright.review.store.work import begun_at
from tunewright.review.text import shown
from tunewright.review.web import reasons
from tunewright.review.web.form_values import whole_number
from tunewright.review.web.merge_page import merge_page
from tunewright.review.web.pages import render
from tunewright.review.web.revise_fields import (
    VIEWS,
    fields_of,
    general_criteria,
    general_findings,
    texts_in_editor,
    wants_all_views,
)
from tunewright.review.web.revise_form import Sent
from tunewright.review.web.revise_page import Entered, ItemPage, LostPage

_WORDS = {
    Decision.ACCEPT: "accepted",
    Decision.EDIT: "saved with your text",
    Decision.REJECT: "rejected",
    Decision.SKIP: "skipped",
    Decision.FLAG: "flagged for the quality owner",
}


def item_answer(
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
    num_done, num_left = done_and_left(db, found.id, session.person)
    last, words = last_of(after, how)
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
        sent_back=next(iter(sent_back(db, session.person, item_id=work.item.id)), None),
    )
    return render(request, "item.html.j2", page, status=status)


def merge_answer(request: Request, work: Work, stale: Stale, texts: Texts, sent: Sent) -> Response:
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


def lost_answer(
    request: Request, session: Session, item_id: int, sent: Sent | None, *, whats_kept: str = ""
) -> Response:
    """The page of a decision or an undo (`sent` None) about a pair that the person has no place at."""
    db: Database = request.app.state.db
    found = item(db, item_id)
    assert found is not None
    typed = {} if sent is None else sent.typed
    kept = whats_kept or "Your decision was not counted. What you typed is kept, and stands here too."
    page = LostPage(
        "This pair is not yours now",
        f"{why_lost(db, found, session.person)} {kept}",
        found.queue_id,
        tuple((FIELD_TITLES[name], text) for name, text in typed.items()),
    )
    return render(request, "revise_lost.html.j2", page, status=410)


def why_lost(db: Database, lost: Item, person: Person) -> str:
    """Why this person has no place at the pair, in a sentence."""
    mine = [one for one in history(db, lost.id) if one.person_id == person.id]
    found = queue(db, lost.queue_id)
    if begun_at(db, lost.id, person) is None:
        return "It was never given to you."
    if found is not None and not found.is_open:
        return "The lead has closed this queue since."
    if not is_for(db, lost.queue_id, person):
        return "The lead gives this queue to other people now."
    if mine and mine[-1].decision is Decision.SKIP:
        return "You skipped it, so it went to somebody else."
    return "Nobody touched it for half an hour, so it went to somebody else."


def not_theirs(request: Request, session: Session, item_id: int) -> Response:
    db: Database = request.app.state.db
    found = item(db, item_id)
    if found is None:
        raise HTTPException(404, "There is no such pair.")
    page = LostPage(
        "This pair is not yours now",
        f"{why_lost(db, found, session.person)} What you typed here is kept.",
        found.queue_id,
        (),
    )
    return render(request, "revise_lost.html.j2", page, status=404)


def last_of(after: str, how: str) -> tuple[int, str]:
    """The item saved before, and what was done with it, from the address; (0, "") where there is none."""
    item_id = whole_number(after)
    if not item_id or how not in set(Decision):
        return 0, ""
    return item_id, _WORDS[Decision(how)]


def see(address: str, after: str, how: str) -> Response:
    last, _ = last_of(after, how)
    return RedirectResponse(f"{address}?after={last}&how={how}" if last else address, 303)
