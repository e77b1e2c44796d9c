"""What a rater gets of a study: the next item, one of their own, how many are left; never anybody else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from tunewright.errors import DataError
from tunewright.evaluate.study.questions import QuestionSet
from tunewright.review.model import Person, Task
from tunewright.review.store.database import Database
from tunewright.review.store.schema import queues, rate_items, ratings, tasks

TRAINING = "training"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a careful rater says of a training item, by question, and why; shown after rating it."""

    values: Mapping[str, Any]
    feedback: str


def questions(db: Database, queue_id: int) -> QuestionSet:
    """What the study asks."""
    with db.read() as connection:
        return questions_in(connection, queue_id)


def next_task(db: Database, queue_id: int, person: Person) -> Task | None:
    """The first item of `person` that is not done, training items first; None when all are or the queue is
    closed."""
    with db.read() as connection:
        item = connection.execute(
            select(tasks.c.item)
            .join_from(tasks, queues, tasks.c.queue_id == queues.c.id)
            .where(own_tasks(queue_id, person), ~tasks.c.is_done, queues.c.is_open)
            .order_by(tasks.c.place)
            .limit(1)
        ).scalar()
        return None if item is None else task_in(connection, queue_id, item, person)


def task(db: Database, queue_id: int, item: str, person: Person) -> Task | None:
    """One item assigned to `person`; None for any other."""
    with db.read() as connection:
        return task_in(connection, queue_id, item, person)


def task_at(db: Database, queue_id: int, place: int, person: Person) -> Task | None:
    """The item at a place of this rater's order, from 1, for going back; None when there is none."""
    with db.read() as connection:
        item = connection.execute(
            select(tasks.c.item).where(own_tasks(queue_id, person), tasks.c.place == place)
        ).scalar()
        return None if item is None else task_in(connection, queue_id, item, person)


def tasks_of(db: Database, queue_id: int, person: Person) -> tuple[int, int, int]:
    """How many items `person` has done, how many there are, and how many training items are left."""
    with db.read() as connection:
        row = connection.execute(
            select(
                func.count().filter(tasks.c.is_done),
                func.count(),
                func.count().filter(and_(~tasks.c.is_done, tasks.c.part == TRAINING)),
            ).where(own_tasks(queue_id, person))
        ).one()
        return row[0], row[1], row[2]


def expected(db: Database, queue_id: int, item: str, person: Person | None = None) -> Expected | None:
    """What a careful rater says of a training item; None of any other, and before `person` has rated it."""
    with db.read() as connection:
        row = connection.execute(
            select(rate_items.c.expected).where(
                rate_items.c.queue_id == queue_id, rate_items.c.item == item, rate_items.c.kind == TRAINING
            )
        ).one_or_none()
        if row is None:
            return None
        if person is not None:
            found = task_in(connection, queue_id, item, person)
            if found is None or not found.is_done:
                return None
        return Expected(row.expected.get("expected", {}), row.expected.get("feedback") or "")


def own_tasks(queue_id: int, person: Person) -> ColumnElement[bool]:
    return and_(tasks.c.queue_id == queue_id, tasks.c.rater == person.name)


def questions_in(connection: Connection, queue_id: int) -> QuestionSet:
    row = connection.execute(select(queues.c.questions).where(queues.c.id == queue_id)).one_or_none()
    if row is None or not row.questions:
        raise DataError(f"queue {queue_id} is no study")
    return QuestionSet.model_validate({"questions": row.questions})


def task_in(connection: Connection, queue_id: int, item: str, person: Person) -> Task | None:
    num_places = connection.execute(
        select(func.count()).select_from(tasks).where(own_tasks(queue_id, person))
    ).scalar_one()
    row = connection.execute(
        select(tasks, rate_items.c.prompt, rate_items.c.answers.label("shown"))
        .join(rate_items, and_(rate_items.c.queue_id == tasks.c.queue_id, rate_items.c.item == tasks.c.item))
        .where(own_tasks(queue_id, person), tasks.c.item == item)
    ).one_or_none()
    if row is None:
        return None
    given = connection.execute(
        select(ratings.c.question, ratings.c.answer, ratings.c.value).where(
            ratings.c.queue_id == queue_id, ratings.c.item == item, ratings.c.rater == person.name
        )
    )
    contents = {answer["answer"]: answer for answer in row.shown}
    return Task(
        queue_id=queue_id,
        item=item,
        place=row.place,
        num_places=num_places,
        part=row.part,
        prompt=row.prompt,
        answers=tuple((code, _text(contents[code])) for code in row.answers),
        given={(question, answer): value for question, answer, value in given},
        comment=row.comment,
        version=row.version,
        is_done=row.is_done,
    )


def _text(answer: Mapping[str, Any]) -> str:
    """Output and explanation of an answer as one text."""
    return "\n\n".join(answer[name] for name in ("output", "explanation") if answer.get(name))
