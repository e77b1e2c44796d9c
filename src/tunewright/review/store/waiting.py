"""What waits for one person, over all queues: the numbers of the first page, in three grouped queries."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from tunewright.review.model import Decision, Person, Queue, QueueKind, Role
from tunewright.review.store.database import Database
from tunewright.review.store.queues import queue_of
from tunewright.review.store.schema import heads, places, queues, tasks


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue that this person may work on, how many items they did, and how many are left: of a study their
    own, of a revise queue the places that nobody has finished, theirs or another's."""

    queue: Queue
    num_done: int
    num_left: int


def waiting(db: Database, person: Person) -> list[Waiting]:
    """In the order of import. Studies only where this person is a rater; a rater sees no revise queue."""
    with db.read() as connection:
        rows = connection.execute(select(queues).order_by(queues.c.id)).all()
        done = connection.execute(
            select(heads.c.queue_id, func.count())
            .where(heads.c.person_id == person.id, heads.c.decision.not_in(["", Decision.SKIP.value]))
            .group_by(heads.c.queue_id)
        ).all()
        left = connection.execute(
            select(places.c.queue_id, func.count())
            .where(places.c.free_at.is_not(None))
            .group_by(places.c.queue_id)
        ).all()
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
            mine.append(Waiting(queue, num_done.get(queue.id, 0), num_left.get(queue.id, 0)))
        elif (queue.id, True) in num_rated or (queue.id, False) in num_rated:
            mine.append(
                Waiting(queue, num_rated.get((queue.id, True), 0), num_rated.get((queue.id, False), 0))
            )
    return mine
