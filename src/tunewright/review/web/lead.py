"""The lead's pages: all queues, one queue with its people, the owner's samples, lock and unblind, the
experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tunewright.errors import DataError, RunFolderError, TunewrightError
from tunewright.review import studies
from tunewright.review.efficiency_words import headline
from tunewright.review.model import Queue, QueueKind, Session
from tunewright.review.store import lead, overview, queues
from tunewright.review.store.database import Database
from tunewright.review.store.overview import Totals
from tunewright.review.web import assignment, owner, people_page
from tunewright.review.web.asked_queue import asked_queue
from tunewright.review.web.experiment_page import experiment, experiment_page, firm
from tunewright.review.web.framed import framed_page
from tunewright.review.web.lead_pages import LeadPage, QueuePage, StudyView, bars, queue_row, verdicts
from tunewright.review.web.live_agreement import agreements, revision_agreement
from tunewright.review.web.pages import render
from tunewright.review.web.security import LEADS, allow, form_of
from tunewright.run.files import file_sha256

SAMPLE_SEED = 7  # the same items for the same share, whenever it is asked
RESULTS_PAGE = "results.html"
SAID = {
    "opened": "The queue is open: work is given out again.",
    "closed": "The queue is closed: nothing more is given out. Who has an item in hand may still save it.",
    "given": "The queue is given to the people below.",
    "overlap": "Done: the number of people for each pair stands below.",
    "drawn": "The sample is drawn.",
    "none-drawn": "Nothing new is drawn: nothing is finished, or its share is in the sample already.",
    "locked": "The study is locked. Ratings can no longer change.",
}
router = APIRouter()
router.include_router(people_page.router)
router.include_router(assignment.router)
router.include_router(owner.router)

Lead = Annotated[Session, Depends(allow(*LEADS))]
Form = Annotated[Mapping[str, str], Depends(form_of)]


@router.get("/lead")
def lead_page(request: Request, session: Lead) -> Response:
    db = request.app.state.db
    totals = overview.totals(db)
    rows = tuple(
        queue_row(db, one, totals.get(one.id, Totals()), overview.finished_per_day(db, one.id))
        for one in queues.queues(db)
    )
    return render(request, "lead.html.j2", LeadPage(rows, lead.num_waiting(db)))


@router.get("/lead/{queue_id}")
def queue_page(request: Request, session: Lead, queue_id: int, said: str = "") -> Response:
    db = request.app.state.db
    queue = asked_queue(db, queue_id)
    days = overview.finished_per_day(db, queue.id)
    sample = lead.verdicts(db, queue.id) if queue.kind is QueueKind.REVISE else []
    page = QueuePage(
        row=queue_row(db, queue, overview.totals(db).get(queue.id, Totals()), days),
        paces=tuple(lead.paces(db, queue.id)),
        days=bars(days),
        verdicts=verdicts(overview.sampled_by_expert(db, queue.id)),
        num_for_owner=sum(one.is_good is None for one in sample),
        num_drawn=sum(one.is_drawn for one in sample),
        study=_study(db, queue) if queue.kind is QueueKind.RATE else None,
        result=firm(headline(experiment(db, queue, with_edits=False))) if queue.experiment else "",
        said=SAID.get(said, ""),
        assignment=assignment.assignment_view(db, queue) if queue.kind is QueueKind.REVISE else None,
        agreement=revision_agreement(db, queue),
    )
    return render(request, "queue.html.j2", page)


@router.get("/lead/{queue_id}/experiment")
def experiment_of(request: Request, session: Lead, queue_id: int) -> Response:
    queue = asked_queue(request.app.state.db, queue_id)
    if not queue.experiment:
        raise HTTPException(
            404,
            "This queue is no experiment. One is begun with `tunewright review import --experiment`.",
        )
    return render(request, "efficiency.html.j2", experiment_page(request.app.state.db, queue))


@router.post("/lead/{queue_id}/open")
def open_queue(request: Request, session: Lead, queue_id: int) -> Response:
    queue = asked_queue(request.app.state.db, queue_id)
    if queue.kind is QueueKind.RATE and _is_locked(queue):
        raise HTTPException(409, "The study is locked; no rating is taken any more.")
    queues.open_queue(request.app.state.db, queue_id, by=session.person)
    return _back(queue_id, "opened")


@router.post("/lead/{queue_id}/close")
def close_queue(request: Request, session: Lead, queue_id: int) -> Response:
    asked_queue(request.app.state.db, queue_id)
    queues.close_queue(request.app.state.db, queue_id, by=session.person)
    return _back(queue_id, "closed")


@router.post("/lead/{queue_id}/sample")
def sample(request: Request, session: Lead, form: Form, queue_id: int) -> Response:
    """Draw that share (in per cent) of the finished items for the owner."""
    db = request.app.state.db
    if asked_queue(db, queue_id).kind is not QueueKind.REVISE:
        raise HTTPException(409, "Samples are drawn of revised pairs; a study has gold and repeated items.")
    try:
        share = float(form.get("percent", "")) / 100
        num_drawn = lead.sample_for_owner(db, queue_id, share, SAMPLE_SEED, by=session.person)
    except (ValueError, DataError):
        raise HTTPException(422, "Give the share to draw as a number from 0 to 100.") from None
    return _back(queue_id, "drawn" if num_drawn else "none-drawn")


@router.post("/lead/{queue_id}/lock")
def lock(request: Request, session: Lead, form: Form, queue_id: int) -> Response:
    """End the rating for good. Nothing is unblinded by this."""
    db = request.app.state.db
    queue = asked_queue(db, queue_id, QueueKind.RATE)
    allow_missing = form.get("missing") == "yes"
    try:
        missing = 0 if allow_missing or _is_locked(queue) else studies.standing(db, queue).num_missing
        if missing:
            raise HTTPException(
                409, f"{missing:,} ratings are missing: wait for them, or tick the box to lock without them."
            )
        studies.lock(db, queue, allow_missing=allow_missing, by=session.person)
    except TunewrightError as error:
        raise HTTPException(409, studies.without_path(error, queue)) from None
    return _back(queue_id, "locked")


@router.post("/lead/{queue_id}/unblind")
def unblind(request: Request, session: Lead, queue_id: int) -> Response:
    """Open the key and compute the results; refused before the lock."""
    queue = asked_queue(request.app.state.db, queue_id, QueueKind.RATE)
    if not _is_locked(queue):
        raise HTTPException(
            409, "Lock the study first: after a look at the results no rating is blind any more."
        )
    try:
        studies.sync_adjudications(request.app.state.db, queue)
        studies.results(queue)
    except TunewrightError as error:
        raise HTTPException(409, studies.without_path(error, queue)) from None
    return RedirectResponse(f"/lead/{queue_id}/results", 303)


@router.get("/lead/{queue_id}/results")
def results(request: Request, session: Lead, queue_id: int) -> Response:
    queue = asked_queue(request.app.state.db, queue_id, QueueKind.RATE)
    page = Path(queue.study) / RESULTS_PAGE
    if not _is_locked(queue) or not page.is_file():
        raise HTTPException(404, "There are no results yet: lock the study, then unblind it.")
    return framed_page(page)


def _study(db: Database, queue: Queue) -> StudyView:
    found = agreements(db, queue.id)
    has_results = (Path(queue.study) / RESULTS_PAGE).is_file()
    try:
        standing = studies.standing(db, queue)
        digest = file_sha256(studies.folder_of(queue).lock_path) if standing.locked_at else ""
        return StudyView(standing, found, has_results, lock_sha256=digest)
    except (DataError, RunFolderError) as error:
        return StudyView(None, found, has_results=False, problem=studies.without_path(error, queue))


def _is_locked(queue: Queue) -> bool:
    try:
        return studies.folder_of(queue).is_locked
    except TunewrightError as error:
        raise HTTPException(409, studies.without_path(error, queue)) from None


def _back(queue_id: int, said: str) -> Response:
    return RedirectResponse(f"/lead/{queue_id}?said={said}", 303)
