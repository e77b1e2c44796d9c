"""Rows of queues, items and revisions as the nouns of the review page."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from tunewright.errors import DataError
from tunewright.review.model import (
    TEXT_FIELDS,
    Arm,
    Decision,
    Finding,
    Item,
    Queue,
    QueueKind,
    Revision,
    Texts,
)
from tunewright.review.store.database import Database
from tunewright.review.store.names import checked_name
from tunewright.review.store.schema import queues

MAX_NAME_CHARS = 200


def add_queue(connection: Connection, db: Database, name: str, kind: QueueKind, **values: Any) -> Queue:
    """The row of a new queue. DataError when the name is taken or cannot be one."""
    row = {"study": "", "experiment": False, "criteria": [], "questions": [], "seed": 0, **values}
    name = checked_name(name, "a queue's name", most_chars=MAX_NAME_CHARS)
    try:
        found = connection.execute(
            insert(queues)
            .values(name=name, kind=kind.value, is_open=True, created_at=db.clock(), **row)
            .returning(queues)
        ).one()
    except IntegrityError:
        raise DataError(f"a queue is called {name!r} already; choose another name") from None
    return queue_of(found)


def queue_of(row: Any) -> Queue:
    return Queue(
        id=row.id,
        name=row.name,
        kind=QueueKind(row.kind),
        overlap=row.overlap,
        num_items=row.num_items,
        study=row.study,
        experiment=row.experiment,
        criteria=tuple(row.criteria),
        is_open=row.is_open,
    )


def item_of(row: Any) -> Item:
    return Item(
        id=row.id,
        queue_id=row.queue_id,
        key=row.key,
        original=row.original,
        draft=row.draft,
        draft_reason=row.draft_reason,
        findings=tuple(Finding(**finding) for finding in row.findings),
        history=tuple((speaker, said) for speaker, said in row.history),
        meta=row.meta,
        lineage=row.lineage,
        arm=None if row.arm is None else Arm(row.arm),
    )


def checked_texts(texts: Texts, where: str) -> dict[str, str]:
    """`texts` with only the fields there are. DataError names one that is unknown or no text."""
    for name, value in texts.items():
        if name not in TEXT_FIELDS or not isinstance(value, str):
            raise DataError(f"{where}: {name!r} is no text of {', '.join(TEXT_FIELDS)}")
    return dict(texts)


def revision_of(row: Any, prefix: str = "") -> Revision:
    """The revision in a row whose columns of `revisions` begin with `prefix`."""
    names = (one.name for one in dataclasses.fields(Revision))
    values = {name: row._mapping[prefix + name] for name in names}
    return Revision(**{**values, "decision": Decision(values["decision"])})
