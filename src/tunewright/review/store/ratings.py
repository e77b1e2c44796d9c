"""Rating blind: what raters say of a study's items, by code; nothing of which system is which.

A rating is one row per item, answer, rater and question, by constraint. A rater who changes an answer before
the lock changes the row; the audit has both values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from tunewright.errors import DataError, TunewrightError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.questions import Question, QuestionSet
from tunewright.evaluate.study.ratings import Rating
from tunewright.review.model import Person, Task
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.schema import adjudications, queues, tasks
from tunewright.review.store.schema import ratings as table
from tunewright.review.store.tasks import (
    Expected,
    expected,
    next_task,
    own_tasks,
    questions,
    questions_in,
    task,
    task_at,
    task_in,
    tasks_of,
)

__all__ = [
    "Expected",
    "StaleTask",
    "check_taking",
    "expected",
    "is_adjudicated",
    "is_complete",
    "next_task",
    "questions",
    "rate",
    "rating_rows",
    "task",
    "task_at",
    "tasks_of",
]

_ROWS_AT_ONCE = 2_000


class StaleTask(TunewrightError):
    """The task was answered in another window since the page was opened. `current` is what counts now."""

    def __init__(self, current: Task) -> None:
        super().__init__("another window rated this item since it was opened here; compare, then save again")
        self.current = current


def rate(
    db: Database,
    queue_id: int,
    item: str,
    person: Person,
    *,
    version: int,
    values: Mapping[tuple[str, str], Any],
    comment: str = "",
    seconds: float,
) -> Task:
    """Keep what `person` says of an item, by (question, answer code or ""); the task as it is then.

    The values take the place of those before. A task is done when all required questions are answered; what
    is not answered yet may be left out. `seconds` is active time, added to that of earlier saves. StaleTask
    when another window was quicker; DataError after the lock, for others' items, for a value that is none,
    and for an item that was adjudicated: its first ratings stay.
    """
    if not (math.isfinite(seconds) and seconds >= 0):
        raise DataError(f"{seconds} seconds: a time is 0 or more")
    now = db.clock()
    with db.write() as connection:
        row = connection.execute(
            select(tasks.c.version, tasks.c.seconds, tasks.c.answers)
            .where(own_tasks(queue_id, person), tasks.c.item == item)
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise DataError(f"item {item!r} is not assigned to {person.name!r}")
        check_taking(connection, queue_id)
        if is_adjudicated(connection, queue_id, item):
            raise DataError(f"item {item!r} was adjudicated; its first ratings stay as they are")
        current = task_in(connection, queue_id, item, person)
        assert current is not None
        asked = questions_in(connection, queue_id)
        checked = _checked(asked, tuple(row.answers), values)
        if row.version != version:
            if row.version == version + 1 and (current.given, current.comment) == (checked, comment):
                return current  # the same save sent twice
            raise StaleTask(current)
        _replace(connection, queue_id, item, person, current.given, checked, now, row.seconds + seconds)
        connection.execute(
            update(tasks)
            .where(own_tasks(queue_id, person), tasks.c.item == item)
            .values(
                version=version + 1,
                comment=comment,
                is_done=is_complete(asked, tuple(row.answers), checked),
                seconds=row.seconds + seconds,
                at=now,
            )
        )
        said = [[question, answer, value] for (question, answer), value in checked.items()]
        detail = {"queue": queue_id, "version": version + 1, "values": said, "comment": comment}
        note(connection, db, person, "rate", f"task:{queue_id}:{item}", detail)
        after = task_in(connection, queue_id, item, person)
        assert after is not None
        return after


def rating_rows(db: Database, queue_id: int) -> Iterator[Rating]:
    """The ratings that count, as the study's rows; still blind. In the order of raters and their places."""
    with db.read() as connection:
        rows = connection.execute(
            select(table)
            .join(tasks, and_(*(tasks.c[name] == table.c[name] for name in ("queue_id", "rater", "item"))))
            .where(table.c.queue_id == queue_id)
            .order_by(table.c.rater, tasks.c.place, table.c.question, table.c.answer)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        for row in rows:
            time = datetime.fromtimestamp(row.at, UTC).isoformat(timespec="milliseconds")
            yield Rating(row.item, row.answer, row.rater, row.question, row.value, time, row.seconds)


def check_taking(connection: Connection, queue_id: int) -> None:
    """DataError when the study is closed or locked."""
    # a shared lock: who closes the queue waits for ratings under way, and none begins after that
    row = connection.execute(
        select(queues.c.is_open, queues.c.study).where(queues.c.id == queue_id).with_for_update(read=True)
    ).one()
    if not row.is_open or StudyFolder(row.study).is_locked:
        raise DataError(
            "the study is closed or locked; no rating is taken any more, what was saved before counts"
        )


def is_adjudicated(connection: Connection, queue_id: int, item: str) -> bool:
    found = connection.execute(
        select(adjudications.c.id)
        .where(adjudications.c.queue_id == queue_id, adjudications.c.item == item)
        .limit(1)
    )
    return found.one_or_none() is not None


def _checked(
    asked: QuestionSet, answers: tuple[str, ...], values: Mapping[tuple[str, str], Any]
) -> dict[tuple[str, str], Any]:
    """The values, whole numbers as floats as in a study's files. DataError names the first that is none."""
    checked = {}
    for (id, answer), value in values.items():
        question = asked.get(id)
        if question is None:
            raise DataError(f"no question is called {id!r}")
        if answer not in (answers if question.about == "answer" else ("",)):
            raise DataError(f"question {id!r}: {answer!r} is not what it is about")
        refusal = question.refusal(value, answers)
        if refusal:
            raise DataError(f"question {id!r}: {refusal}")
        checked[id, answer] = float(value) if isinstance(value, int) else value
    return checked


def is_complete(asked: QuestionSet, answers: tuple[str, ...], given: Mapping[tuple[str, str], Any]) -> bool:
    """Whether all required questions are answered, by (question, answer code or "")."""
    return all(
        place in given
        for question in asked.questions
        if question.required
        for place in _places(question, answers)
    )


def _places(question: Question, answers: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(question.id, code) for code in (answers if question.about == "answer" else ("",))]


def _replace(
    connection: Connection,
    queue_id: int,
    item: str,
    person: Person,
    before: Mapping[tuple[str, str], Any],
    after: Mapping[tuple[str, str], Any],
    now: float,
    seconds: float,
) -> None:
    """Write what changed; what stays the same keeps its time."""
    changed = {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}
    own = and_(table.c.queue_id == queue_id, table.c.item == item, table.c.rater == person.name)
    for question, answer in sorted(changed):
        if (question, answer) in before:
            connection.execute(
                delete(table).where(own, table.c.question == question, table.c.answer == answer)
            )
        if (question, answer) in after:
            connection.execute(
                insert(table).values(
                    queue_id=queue_id,
                    item=item,
                    answer=answer,
                    rater=person.name,
                    question=question,
                    value=after[question, answer],
                    at=now,
                    seconds=seconds,
                )
            )
