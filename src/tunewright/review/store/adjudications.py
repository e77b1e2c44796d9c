"""Where raters disagree, and what was decided; beside the first ratings, never in their place."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select

from tunewright.errors import DataError, TunewrightError
from tunewright.evaluate.study.adjudicate import Disagreement
from tunewright.review.model import Person
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.ratings import questions
from tunewright.review.store.schema import adjudications as table
from tunewright.review.store.schema import people, queues, rate_items, ratings, tasks


@dataclass(frozen=True, slots=True)
class Adjudication:
    """What `person` decided on a place; the latest of a place counts, all are kept."""

    item: str
    answer: str
    question: str
    value: Any
    person: str
    reason: str
    at: float


class AlreadyDecided(TunewrightError):
    """Somebody decided the place since it was looked at. `current` is what counts now."""

    def __init__(self, current: Adjudication) -> None:
        super().__init__("somebody decided this one meanwhile; look at it, then decide again if need be")
        self.current = current


def disagreements(db: Database, queue_id: int, *, undecided_only: bool = True) -> list[Disagreement]:
    """What raters who are done with a main item said differently, still blind: item, system (the blind code,
    "" for a pair), question, values by rater. Free texts are not compared. Of a closed queue all that was
    said counts, as in the study's results: nobody gets done any more."""
    compared = [question.id for question in questions(db, queue_id).questions if question.kind != "text"]
    is_open = select(queues.c.is_open).where(queues.c.id == queue_id).scalar_subquery()
    same = and_(*(tasks.c[name] == ratings.c[name] for name in ("queue_id", "rater", "item")))
    with db.read() as connection:
        rows = connection.execute(
            select(ratings.c.item, ratings.c.answer, ratings.c.question, ratings.c.rater, ratings.c.value)
            .join(tasks, same)
            .join(
                rate_items,
                and_(rate_items.c.queue_id == ratings.c.queue_id, rate_items.c.item == ratings.c.item),
            )
            .where(
                ratings.c.queue_id == queue_id,
                ratings.c.question.in_(compared),
                rate_items.c.kind == "main",
                or_(tasks.c.is_done, ~is_open),
            )
            .order_by(ratings.c.item, ratings.c.answer, ratings.c.question, ratings.c.rater)
        ).all()
        decided = set[tuple[str, str, str]]()
        if undecided_only:
            found = connection.execute(
                select(table.c.item, table.c.answer, table.c.question).where(table.c.queue_id == queue_id)
            )
            decided = {(item, answer, question) for item, answer, question in found}
    values: dict[tuple[str, str, str], dict[str, Any]] = defaultdict(dict)
    for item, answer, question, rater, value in rows:
        values[item, answer, question][rater] = value
    return [
        Disagreement(*place, by_rater)
        for place, by_rater in values.items()
        if place not in decided and len(set(by_rater.values())) > 1
    ]


def adjudicate(
    db: Database,
    queue_id: int,
    item: str,
    answer: str,
    question: str,
    person: Person,
    value: Any,
    reason: str,
    *,
    num_before: int | None = None,
) -> Adjudication:
    """Decide on a place that was rated. The ratings stay, and from now on no rater may change theirs there.

    AlreadyDecided when the place has more decisions than `num_before`, where that is given.
    DataError when nobody rated the place, when the queue is open and raters of the item are not done, or the
    value is none. Of a closed queue, locked with ratings missing, nobody is waited for."""
    asked = questions(db, queue_id).get(question)
    now = db.clock()
    with db.write() as connection:
        mine = and_(ratings.c.queue_id == queue_id, ratings.c.item == item)
        rated = connection.execute(
            select(func.count()).where(mine, ratings.c.answer == answer, ratings.c.question == question)
        ).scalar_one()
        row = connection.execute(
            select(rate_items.c.answers).where(rate_items.c.queue_id == queue_id, rate_items.c.item == item)
        ).one_or_none()
        if not rated or asked is None or row is None:
            raise DataError(f"nobody rated item {item!r}, answer {answer!r}, on {question!r}")
        # locked, so that no rater changes a rating of the item while this is decided
        states = connection.execute(
            select(tasks.c.is_done)
            .where(tasks.c.queue_id == queue_id, tasks.c.item == item)
            .with_for_update()
        ).scalars()
        open_tasks = sum(not is_done for is_done in states)
        is_open = connection.execute(  # nobody opens it again meanwhile
            select(queues.c.is_open).where(queues.c.id == queue_id).with_for_update(read=True)
        ).scalar()
        if open_tasks and is_open:
            raise DataError(
                f"item {item!r}: {open_tasks} of its raters are not done; decide when they are, or close the "
                "queue and lock the study without their ratings"
            )
        # after the lock: of two who decide at once the second sees the first's
        here = (table.c.item == item, table.c.answer == answer, table.c.question == question)
        before = _decisions(connection, table.c.queue_id == queue_id, *here)
        if num_before is not None and len(before) > num_before:
            raise AlreadyDecided(before[-1])
        refusal = asked.refusal(value, tuple(one["answer"] for one in row.answers))
        if refusal:
            raise DataError(f"question {question!r}: {refusal}")
        value = float(value) if isinstance(value, int) else value
        connection.execute(
            insert(table).values(
                queue_id=queue_id,
                item=item,
                answer=answer,
                question=question,
                value=value,
                person_id=person.id,
                reason=reason,
                at=now,
            )
        )
        detail = {"queue": queue_id, "answer": answer, "question": question, "value": value, "reason": reason}
        note(connection, db, person, "adjudicate", f"task:{queue_id}:{item}", detail)
    return Adjudication(item, answer, question, value, person.name, reason, now)


def decisions(db: Database, queue_id: int) -> list[Adjudication]:
    """All that was decided, in the order of time; of one place the latest counts."""
    with db.read() as connection:
        return _decisions(connection, table.c.queue_id == queue_id)


def _decisions(connection: Connection, *where: ColumnElement[bool]) -> list[Adjudication]:
    rows = connection.execute(
        select(table, people.c.name)
        .join(people, people.c.id == table.c.person_id)
        .where(*where)
        .order_by(table.c.id)
    )
    return [
        Adjudication(row.item, row.answer, row.question, row.value, row.name, row.reason, row.at)
        for row in rows
    ]
