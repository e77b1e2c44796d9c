"""What waits for one person: over all queues in grouped queries, for the first page; in one queue, for the
page of every pair."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, or_, select

from tunewright.review.model import Decision, Person, Queue, QueueKind, Role, Texts
from tunewright.review.store.assignment import closed_to
from tunewright.review.store.database import Database
from tunewright.review.store.queues import queue_of
from tunewright.review.store.revision_rows import IS_DONE
from tunewright.review.store.schema import heads, items, places, queues, samples, tasks

_MOST_TITLE = 80


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue that this person may work on, how many items they did, and how many are left for them: of a
    study their own, of a revise queue the items with a place that nobody has finished, which they have
    neither decided on nor skipped; none where the queue was given to others."""

    queue: Queue
    num_done: int
    num_left: int


@dataclass(frozen=True, slots=True)
class SentBack:
    """A pair of this person that the quality owner found not good, and why."""

    item_id: int
    key: str
    queue: str
    reason: str
    original: Texts

    @property
    def title(self) -> str:
        """The first line that the pair asks with, cut; its key where it asks nothing."""
        line = self.original.get("instruction", "").strip().partition("\n")[0]
        return f"{line[:_MOST_TITLE]}…" if len(line) > _MOST_TITLE else line or self.key


def sent_back(db: Database, person: Person, *, item_id: int | None = None) -> list[SentBack]:
    """This person's pairs (or that one of them) that wait for a better version, the oldest verdict first,
    those of closed queues too: a pair that somebody has may still be saved. Whoever of its experts saves
    first puts it before an owner again."""
    with db.read() as connection:
        rows = connection.execute(
            select(items.c.id, items.c.key, queues.c.name, samples.c.reason, items.c.original)
            .join_from(samples, places, places.c.item_id == samples.c.item_id)
            .join(items, items.c.id == samples.c.item_id)
            .join(queues, queues.c.id == samples.c.queue_id)
            .where(
                places.c.person_id == person.id,
                samples.c.is_good.is_(False),
                *([] if item_id is None else [samples.c.item_id == item_id]),
            )
            .order_by(samples.c.at)
        )
        return [SentBack(*row) for row in rows]


def done_and_left(db: Database, queue_id: int, person: Person) -> tuple[int, int]:
    """Of one revise queue, as in `Waiting`: how many items this person did, how many are left for them."""
    with db.read() as connection:
        done = connection.execute(
            select(func.count()).where(heads.c.person_id == person.id, heads.c.queue_id == queue_id, IS_DONE)
        ).scalar_one()
        if queue_id in closed_to(connection, person):
            return done, 0
        return done, _left(connection, person, queue_id).get(queue_id, 0)


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
        num_left = _left(connection, person)
        closed = closed_to(connection, person)
        rated = connection.execute(
            select(tasks.c.queue_id, tasks.c.is_done, func.count())
            .where(tasks.c.rater == person.name)
            .group_by(tasks.c.queue_id, tasks.c.is_done)
        ).all()
    num_done = dict(map(tuple, done))
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


def has_open(db: Database, queue_id: int) -> bool:
    """Whether a revise queue waits for anybody still."""
    some = select(places.c.place).where(places.c.queue_id == queue_id, places.c.free_at.is_not(None))
    with db.read() as connection:
        return bool(connection.execute(select(some.exists())).scalar())


def _left(connection: Connection, person: Person, queue_id: int | None = None) -> dict[int, int]:
    """By queue, how many items have an open place, less those that this person has a word on."""
    one = () if queue_id is None else (queue_id,)
    is_open = places.c.free_at.is_not(None)
    in_all = connection.execute(
        select(places.c.queue_id, func.count(places.c.item_id.distinct()))
        .where(is_open, *(places.c.queue_id == id for id in one))
        .group_by(places.c.queue_id)
    ).all()
    of_several = select(queues.c.id).where(queues.c.overlap > 1)
    open_place = select(places.c.place).where(
        places.c.queue_id == heads.c.queue_id, places.c.item_id == heads.c.item_id, is_open
    )
    own = connection.execute(
        select(heads.c.queue_id, func.count())
        .where(
            heads.c.person_id == person.id,
            # of an item with one place only a skip leaves that open
            or_(
                heads.c.decision == Decision.SKIP.value,
                and_(heads.c.decision != "", heads.c.queue_id.in_(of_several)),
            ),
            open_place.exists(),
            *(heads.c.queue_id == id for id in one),
        )
        .group_by(heads.c.queue_id)
    ).all()
    less = dict(map(tuple, own))
    return {id: num - less.get(id, 0) for id, num in in_all}
