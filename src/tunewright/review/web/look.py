"""Looking records up: search with filters, one record's whole life, and the reports of the runs it went
through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from tunewright.review.model import Decision, Queue, QueueKind, Session
from tunewright.review.run_folders import ReportPage, RunFolders
from tunewright.review.store import look, people, queues
from tunewright.review.store.look import STATUSES, Found
from tunewright.review.web.form_values import whole_number
from tunewright.review.web.framed import framed_page
from tunewright.review.web.pages import render
from tunewright.review.web.record_page import record_page
from tunewright.review.web.security import OWNERS, allow

PAGE = 50
MOST_CHARS = 500  # of what is searched for
router = APIRouter()

Owner = Annotated[Session, Depends(allow(*OWNERS))]


@dataclass(frozen=True, slots=True)
class Sought:
    """What was asked for, as it stands in the form."""

    text: str = ""
    queue: str = ""
    person: str = ""
    decision: str = ""
    status: str = ""
    flagged: bool = False

    def address(self, offset: int) -> str:
        fields = {
            "q": self.text,
            "queue": self.queue,
            "person": self.person,
            "decision": self.decision,
            "status": self.status,
            "flagged": "yes" if self.flagged else "",
            "from": str(offset) if offset else "",
        }
        query = urlencode({name: value for name, value in fields.items() if value})
        return f"/look?{query}" if query else "/look"

    @property
    def is_empty(self) -> bool:
        return self == Sought()


@dataclass(frozen=True, slots=True)
class LookPage:
    """One page of what was found; `earlier` and `later` are addresses, "" at an end. A mask's page is one of
    many alike: it is linked from the models of a record, not here."""

    sought: Sought
    found: tuple[Found, ...]
    first: int
    earlier: str
    later: str
    queues: tuple[Queue, ...]
    people: tuple[str, ...]
    reports: tuple[ReportPage, ...]
    decisions: tuple[str, ...] = tuple(Decision)
    statuses: tuple[str, ...] = STATUSES


@router.get("/look")
def look_page(
    request: Request,
    session: Owner,
    q: str = "",
    queue: str = "",
    person: str = "",
    decision: str = "",
    status: str = "",
    flagged: str = "",
) -> Response:
    """Filters that name nothing known are left out, so that an old bookmark still finds something."""
    db = request.app.state.db
    revise = tuple(one for one in queues.queues(db) if one.kind is QueueKind.REVISE)
    names = tuple(one.name for one in people.people(db))
    sought = Sought(
        q.strip()[:MOST_CHARS],
        queue if queue in {str(one.id) for one in revise} else "",
        person if person in names else "",
        decision if decision in set(Decision) else "",
        status if status in STATUSES else "",
        flagged == "yes",
    )
    offset = whole_number(request.query_params.get("from", "")) or 0
    found, more = look.search(
        db,
        sought.text,
        queue_id=int(sought.queue) if sought.queue else None,
        decision=Decision(sought.decision) if sought.decision else None,
        person=sought.person or None,
        status=sought.status or None,
        flagged=sought.flagged,
        offset=offset,
        limit=PAGE,
    )
    page = LookPage(
        sought,
        tuple(found),
        offset + 1,
        sought.address(max(offset - PAGE, 0)) if offset else "",
        sought.address(offset + PAGE) if more else "",
        revise,
        names,
        tuple(one for one in run_folders(request).pages() if not one.path.name.startswith("mask")),
    )
    return render(request, "look.html.j2", page)


@router.get("/record/{item_id}")
def record(request: Request, session: Owner, item_id: int) -> Response:
    page = record_page(request.app.state.db, item_id, run_folders(request))
    if page is None:
        raise HTTPException(404, "There is no such record.")
    return render(request, "record.html.j2", page)


@router.get("/look/report/{digest}")
def report(request: Request, session: Owner, digest: str) -> Response:
    """A report that was found in the named folders; its address is no path, so none can be made up."""
    page = run_folders(request).page(digest)
    if page is None:
        raise HTTPException(404, "There is no such report in the folders that were named at the start.")
    return framed_page(page.path)


def run_folders(request: Request) -> RunFolders:
    """The folders named when the page was started, looked through once for all requests of this process."""
    state = request.app.state
    named: Sequence[Path] = getattr(state, "run_folders", ())
    known: RunFolders | None = getattr(state, "looked_through", None)
    if known is None or tuple(known.folders) != tuple(named):
        known = state.looked_through = RunFolders(tuple(named))
    return known
