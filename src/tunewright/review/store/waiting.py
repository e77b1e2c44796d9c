"""What waits for one person: over all queues in three grouped queries, for the first page; in one queue, for
the page of every pair."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from tunewright.review.model import Person, Queue, QueueKind, Role
from tunewright.review.store.assignment import closed_to
from tunewright.review.store.database import Database
from tunewright.review.store.queues import queue_of
from tunewright.review.store.revision_rows import IS_DONE
from tunewright.review.store.schema import heads, items, places, queues, samples, tasks


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue that this person may work on, how many items they did, and how many are left: of a study their
    own, of a revise queue the places that nobody has finished, theirs or another's; none where the queue was
    given to others."""

    queue: Queue
    num_done: int
    num_left: int


@dataclass(frozen=True, slots=True)
class SentBack:
    """A pair that the quality owner found not good after this person saved it last, and why."""

    item_id: int
    key: str
    queue: str
    reason: str


def sent_back(db: Database, person: Person) -> list[SentBack]:
    """What this person's pairs wait for a better version of, the oldest verdict first."""
    with db.read() as connection:
        rows = connection.execute(
            select(items.c.id, items.c.key, queues.c.name, samples.c.reason)
            .join_from(samples, heads, heads.c.item_id == samples.c.item_id)
            .join(items, items.c.id == samples.c.item_id)
            .join(queues, queues.c.id == samples.c.queue_id)
            .where(
                heads.c.person_id == person.id,
                samples.c.is_good.is_(False),
                heads.c.at < samples.c.at,
                queues.c.is_open,
            )
            .order_by(samples.c.at)
        )
        return [SentBack(*row) for row in rows]


def done_and_left(db: Database, queue_id: int, person: Person) -> tuple[int, int]:
    """Of one revise queue, as in `Waiting`: how many items this person did, how many places are left."""
    with db.read() as connection:
        # a place is somebody's for good when they are done; their places are fewer than the queue's heads
        done = connection.execute(
            select(func.count()).where(
                places.c.person_id == person.id, places.c.queue_id == queue_id, places.c.free_at.is_(None)
            )
        ).scalar_one()
        left = connection.execute(
            select(func.count()).where(places.c.queue_id == queue_id, places.c.free_at.is_not(None))
        ).scalar_one()
        return done, 0 if queue_id in closed_to(connection, person) else left


def waiting(db: Database, person: Person) -> list[Waiting]:
    """In the order of import. Studies only where this person is a rater; a rater sees no revise queue, and
    who is not named for a queue that names people sees it only where they did something in it."""
    with db.read() as connection:
        rows = connection.execute(select(queues).order_by(queues.c.id)).all()
        done = connection.execute(
            select(heads.c.queue_id, func.count())
            .where(heads.c.person_id == person.id, IS_DONE)
            .group_by(heads.c.queue_id)
        ).all()
        left = connection.execute(
            select(places.c.queue_id, func.count())
            .where(places.c.free_at.is_not(None))
            .group_by(places.c.queue_id)
        ).all()
        closed = closed_to(connection, person)
        rated = connection.execute(
            select(tasks.c.queue_id, tasks.c.is_done, func.count())
            .where(tasks.c.rater == person.name)
            .group_by(tasks.c.queue_id, tasks.c.is_done)
        ).all()
    num_done, num_left = dict(map(tuple, done)), dict(map(tuple, left))
    num_rated = {(queue_id, is_done): num for queue_id, is_done, num in rated}
    mine = []
    for queue in map(queue_of, rows):
        if queue.kind is QueueKind.REVISE and person.role is not Role.RATER:
            if queue.id not in closed:
                mine.append(Waiting(queue, num_done.get(queue.id, 0), num_left.get(queue.id, 0)))
            elif queue.id in num_done:
                mine.append(Waiting(queue, num_done[queue.id], 0))
        elif (queue.id, True) in num_rated or (queue.id, False) in num_rated:
            mine.append(
                Waiting(queue, num_rated.get((queue.id, True), 0), num_rated.get((queue.id, False), 0))
            )
    return mine
