"""Ratings that were given elsewhere, brought in as their raters' own. What is there is never written over."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from tunewright.evaluate.study.questions import QuestionSet
from tunewright.evaluate.study.ratings import Rating
from tunewright.review.model import Person
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.ratings import check_taking, is_adjudicated, is_complete
from tunewright.review.store.schema import ratings as table
from tunewright.review.store.schema import tasks
from tunewright.review.store.tasks import questions_in

_TASKS_AT_ONCE = 200


class RatingOutcome(Enum):
    """What became of a rating from elsewhere."""

    ADDED = "added"
    KNOWN = "known"  # the same value is there
    OTHER_VALUE = "other value"  # the rater said something else here, which stays
    NOT_ASSIGNED = "not assigned"
    ADJUDICATED = "adjudicated"


def add_outside_ratings(
    db: Database, queue_id: int, found: Sequence[Rating], *, by: Person | None = None
) -> list[RatingOutcome]:
    """Add checked ratings, one for each item, answer, rater and question; what became of each, in order.

    A task is done when all required questions are answered. Some hundred tasks are one transaction: those
    before an error are kept. DataError when the study is closed or locked."""
    of_task: dict[tuple[str, str], list[int]] = {}
    for place, rating in enumerate(found):
        of_task.setdefault((rating.rater, rating.item), []).append(place)
    outcomes = [RatingOutcome.KNOWN] * len(found)
    for chunk in _chunks(sorted(of_task)):  # in one order: two imports at once do not wait for each other
        with db.write() as connection:
            check_taking(connection, queue_id)
            asked = questions_in(connection, queue_id)
            for rater, item in chunk:
                places = of_task[rater, item]
                own = [found[place] for place in places]
                for place, outcome in zip(
                    places, _add_to_task(connection, db, queue_id, asked, own, by), strict=True
                ):
                    outcomes[place] = outcome
    return outcomes


def _chunks(keys: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    iterator = iter(keys)
    while chunk := list(itertools.islice(iterator, _TASKS_AT_ONCE)):
        yield chunk


def _add_to_task(
    connection: Connection,
    db: Database,
    queue_id: int,
    asked: QuestionSet,
    own: Sequence[Rating],
    by: Person | None,
) -> list[RatingOutcome]:
    """The ratings of one rater on one item."""
    rater, item = own[0].rater, own[0].item
    of_task = (tasks.c.queue_id == queue_id, tasks.c.rater == rater, tasks.c.item == item)
    row = connection.execute(
        select(tasks.c.version, tasks.c.answers, tasks.c.seconds, tasks.c.at)
        .where(*of_task)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return [RatingOutcome.NOT_ASSIGNED] * len(own)
    given: dict[tuple[str, str], Any] = {
        (question, answer): value
        for question, answer, value in connection.execute(
            select(table.c.question, table.c.answer, table.c.value).where(
                table.c.queue_id == queue_id, table.c.item == item, table.c.rater == rater
            )
        )
    }
    decided = is_adjudicated(connection, queue_id, item)
    outcomes, new = [], []
    for rating in own:
        place = (rating.question, rating.system)
        if place in given:
            same = given[place] == rating.value
            outcomes.append(RatingOutcome.KNOWN if same else RatingOutcome.OTHER_VALUE)
        elif decided:
            outcomes.append(RatingOutcome.ADJUDICATED)
        else:
            outcomes.append(RatingOutcome.ADDED)
            given[place] = rating.value
            new.append(rating)
    if new:
        connection.execute(insert(table), [_row(queue_id, rating) for rating in new])
        seconds = max(row.seconds, *(rating.seconds or 0.0 for rating in new))
        connection.execute(
            update(tasks)
            .where(*of_task)
            .values(
                version=row.version + 1,
                is_done=is_complete(asked, tuple(row.answers), given),
                seconds=seconds,
                at=max(row.at or 0.0, *(_at(rating) for rating in new)),
            )
        )
        said = [[rating.question, rating.system, rating.value, rating.time] for rating in new]
        detail = {"of": rater, "queue": queue_id, "version": row.version + 1, "values": said}
        note(connection, db, by, "import rating", f"task:{queue_id}:{item}", detail)
    return outcomes


def _row(queue_id: int, rating: Rating) -> dict[str, Any]:
    return {
        "queue_id": queue_id,
        "item": rating.item,
        "answer": rating.system,
        "rater": rating.rater,
        "question": rating.question,
        "value": rating.value,
        "at": _at(rating),
        "seconds": rating.seconds or 0.0,
    }


def _at(rating: Rating) -> float:
    return datetime.fromisoformat(rating.time).timestamp()
