"""Pairs on which experts differ: all of a queue in a list, then the versions of one, side by side, to choose.

Who made which version is not shown: versions have letters, drawn anew for each pair. Every version stays; the
chosen one is final.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tunewright.review.model import Queue, QueueKind, Revision, Session
from tunewright.review.store import versions
from tunewright.review.store.database import Database
from tunewright.review.store.owner_rows import Unseen
from tunewright.review.store.versions import AlreadyChosen, Versions
from tunewright.review.text import excerpt
from tunewright.review.web.asked_queue import asked_queue
from tunewright.review.web.changes import Change, changes
from tunewright.review.web.decisions import past
from tunewright.review.web.form_values import whole_number
from tunewright.review.web.pages import render
from tunewright.review.web.security import OWNERS, allow, form_of

PAGE = 50
MOST_REASON_CHARS = 4_000
router = APIRouter()

Owner = Annotated[Session, Depends(allow(*OWNERS))]
Form = Annotated[Mapping[str, str], Depends(form_of)]


@dataclass(frozen=True, slots=True)
class Line:
    """A pair in the list: what became of it in words ("edited, rejected"), and whether one was chosen;
    `is_gone`: the one that was chosen is no longer there."""

    address: str
    beginning: str
    said: str
    is_chosen: bool
    is_gone: bool


@dataclass(frozen=True, slots=True)
class ListPage:
    """`earlier` and `later` are addresses, "" at an end."""

    name: str
    lines: tuple[Line, ...]
    first: int
    earlier: str
    later: str


@dataclass(frozen=True, slots=True)
class Version:
    """One expert's revision under a letter, as changes from the original."""

    letter: str
    decision: str
    reason: str
    fields: tuple[Change, ...]
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ChoicePage:
    """`seen` is what the versions and the choice were when the page was made; it goes back with the next
    choice. `because` is the reason that was given for the latest one."""

    name: str
    home: str
    address: str
    item_id: int
    versions: tuple[Version, ...]
    seen: str
    reason: str
    because: str
    is_gone: bool
    problem: str = ""


@router.get("/versions/{queue_id}")
def show_list(request: Request, session: Owner, queue_id: int) -> Response:
    db = request.app.state.db
    queue = asked_queue(db, queue_id, QueueKind.REVISE)
    offset = whole_number(request.query_params.get("from", "")) or 0
    found, more = versions.differing(db, queue_id, offset=offset, limit=PAGE)
    page = ListPage(
        queue.name,
        tuple(map(_line, found)),
        offset + 1,
        f"/versions/{queue_id}?from={max(offset - PAGE, 0)}" if offset else "",
        f"/versions/{queue_id}?from={offset + PAGE}" if more else "",
    )
    return render(request, "versions.html.j2", page)


@router.get("/versions/{queue_id}/{item_id}")
def show(request: Request, session: Owner, queue_id: int, item_id: int) -> Response:
    db = request.app.state.db
    return render(
        request,
        "versions_item.html.j2",
        _page(asked_queue(db, queue_id, QueueKind.REVISE), _find(db, queue_id, item_id)),
    )


@router.post("/versions/{queue_id}/{item_id}")
def choose(request: Request, session: Owner, form: Form, queue_id: int, item_id: int) -> Response:
    """Keep the choice and go back to the list. 422 without one, 409 when an expert saved or another owner
    chose meanwhile."""
    db = request.app.state.db
    queue, found = asked_queue(db, queue_id, QueueKind.REVISE), _find(db, queue_id, item_id)
    taken = dict(_drawn(found)).get(form.get("take", ""))
    reason = form.get("reason", "").strip()[:MOST_REASON_CHARS]
    problem, status = "", 409
    if taken is None:
        problem, status = "Choose one of the versions.", 422
    else:
        try:
            versions.choose(db, item_id, taken, session.person, reason, seen=form.get("seen", ""))
        except Unseen:
            problem = "Not kept: an expert changed a version meanwhile. Look at them again, then choose."
        except AlreadyChosen:
            problem = (
                "Not kept: somebody chose the version marked below meanwhile. Choose again, and yours counts."
            )
    if problem:
        page = _page(queue, _find(db, queue_id, item_id), reason=reason, problem=problem)
        return render(request, "versions_item.html.j2", page, status=status)
    return RedirectResponse(f"/versions/{queue_id}", 303)


def _find(db: Database, queue_id: int, item_id: int) -> Versions:
    found = versions.versions_of(db, queue_id, item_id)
    if found is None:
        raise HTTPException(404, "There is no such pair with two versions.")
    return found


def _line(found: Versions) -> Line:
    said = [past(revision.decision) for _, revision in found.made]
    text = found.item.original.get("instruction") or found.item.original.get("output") or "(no instruction)"
    return Line(
        f"/versions/{found.item.queue_id}/{found.item.id}",
        excerpt(text),
        ", ".join(said),
        found.choice is not None,
        found.choice is None and found.latest is not None,
    )


def _page(queue: Queue, found: Versions, *, reason: str = "", problem: str = "") -> ChoicePage:
    chosen = next(
        (
            revision
            for who, revision in found.made
            if found.choice and (who.name, revision.version) == (found.choice.expert, found.choice.version)
        ),
        None,
    )
    return ChoicePage(
        name=queue.name,
        home=f"/versions/{queue.id}",
        address=f"/versions/{queue.id}/{found.item.id}",
        item_id=found.item.id,
        versions=tuple(
            Version(
                letter,
                past(revision.decision),
                revision.reason,
                changes(found.item.original, revision.texts),
                revision is chosen,
            )
            for letter, revision in _drawn(found)
        ),
        seen=found.seen,
        reason=reason,
        because=found.choice.reason if found.choice else "",
        is_gone=found.choice is None and found.latest is not None,
        problem=problem,
    )


def _drawn(found: Versions) -> list[tuple[str, Revision]]:
    """The revisions with their letters, in an order that differs from pair to pair."""

    def place(revision: Revision) -> bytes:
        return hashlib.sha256(f"{found.item.id}|{revision.person_id}".encode()).digest()

    revisions = sorted((revision for _, revision in found.made), key=place)
    return list(zip(string.ascii_uppercase, revisions, strict=False))
