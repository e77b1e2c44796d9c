"""The queue that an address names."""

from __future__ import annotations

from fastapi import HTTPException

from tunewright.review.model import Queue, QueueKind
from tunewright.review.store import queues
from tunewright.review.store.database import Database

_NONE = {QueueKind.REVISE: "There is no such queue of pairs.", QueueKind.RATE: "There is no such study."}


def asked_queue(db: Database, queue_id: int, kind: QueueKind | None = None) -> Queue:
    """The queue with that id; 404 when there is none, or none of that kind."""
    found = queues.queue(db, queue_id)
    if found is None or kind not in (None, found.kind):
        raise HTTPException(404, f"There is no queue {queue_id}." if kind is None else _NONE[kind])
    return found
