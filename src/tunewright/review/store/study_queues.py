"""A queue of a rating study: what raters may see is copied from its folder; who is who stays there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from tunewright.errors import DataError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.review.model import Person, Queue, QueueKind
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.queue_rows import add_queue
from tunewright.review.store.schema import queues, rate_items, tasks
from tunewright.run.files import read_jsonl


def add_rate_queue(db: Database, folder: StudyFolder, *, name: str = "", by: Person | None = None) -> Queue:
    """A queue of a study: its items by code, questions, each rater's items in their order. Not its key.

    The raters of the study are people by name; who is not there yet can be added later. `name` is the
    folder's without one. DataError when the study has a queue already."""
    if folder.is_locked:
        raise DataError(f"{folder.path}: the study is locked; no rating is taken any more")
    training = _training(folder)
    kinds = folder.kinds()
    with db.write() as connection:
        there = connection.execute(
            select(queues.c.name).where(queues.c.study == str(folder.path.resolve()))
        ).scalar()
        if there is not None:
            raise DataError(f"{folder.path}: the queue {there!r} is of this study already")
        queue = add_queue(
            connection,
            db,
            name or folder.path.resolve().name,
            QueueKind.RATE,
            overlap=folder.design["overlap"],
            num_items=len(folder.items),
            study=str(folder.path.resolve()),
            questions=folder.design["questions"],
        )
        items = [
            {
                "queue_id": queue.id,
                "item": code,
                "kind": kinds[code],
                "prompt": row["prompt"],
                "answers": row["answers"],
                "expected": training.get(code, {}),
            }
            for code, row in folder.items.items()
        ]
        assigned = [
            {
                "queue_id": queue.id,
                "rater": rater,
                **{column: row[column] for column in ("item", "place", "part", "answers")},
                "comment": "",
                "version": 0,
                "is_done": False,
                "seconds": 0.0,
            }
            for rater, rows in folder.assignments.items()
            for row in rows
        ]
        connection.execute(insert(rate_items), items)
        connection.execute(insert(tasks), assigned)
        note(
            connection, db, by, "import study", f"queue:{queue.id}", {"name": queue.name, "items": len(items)}
        )
    return queue


def is_as_drawn(db: Database, queue: Queue, folder: StudyFolder) -> bool:
    """Whether the folder still shows raters the items and asks the questions that its queue was made of."""
    with db.read() as connection:
        questions = connection.execute(select(queues.c.questions).where(queues.c.id == queue.id)).scalar()
        rows = connection.execute(
            select(rate_items.c.item, rate_items.c.prompt, rate_items.c.answers).where(
                rate_items.c.queue_id == queue.id
            )
        )
        kept = {row.item: (row.prompt, row.answers) for row in rows}
    shown = {code: (row["prompt"], row["answers"]) for code, row in folder.items.items()}
    return bool(questions == folder.design["questions"] and kept == shown)


def _training(folder: StudyFolder) -> dict[str, dict[str, Any]]:
    path = folder.for_raters / "training.jsonl"
    return {row["item"]: row for row in read_jsonl(path)} if path.exists() else {}
