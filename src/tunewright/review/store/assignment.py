"""Whom a lead gives a queue of pairs to, and to how many people each of its pairs goes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from tunewright.errors import DataError
from tunewright.review.model import Decision, Person, Queue, QueueKind, Role
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.people import PERSON_COLUMNS, person_of
from tunewright.review.store.queue_rows import queue_of
from tunewright.review.store.schema import heads, items, people, places, queue_people, queues

MAX_OVERLAP = 50


class AssignmentChanged(DataError):
    """Somebody else gave the queue to other people since the list was shown."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"the queue was given to {', '.join(names) or 'everybody who may revise'} since this page was "
            "loaded; load it again, then choose"
        )


@dataclass(frozen=True, slots=True)
class Stuck:
    """What a queue's people cannot finish. `num_able` of them may revise now; `num_short` items ask for more
    people than are left for them, of which `num_skipped` were skipped, and all who may revise have a word on
    them."""

    num_able: int
    num_short: int
    num_skipped: int


def may_take(queue_id: ColumnElement[int], person_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether work of the queue is given to the person: the queue names them, or it names nobody."""
    of_queue = select(queue_people.c.person_id).where(queue_people.c.queue_id == queue_id)
    return or_(~of_queue.exists(), of_queue.where(queue_people.c.person_id == person_id).exists())


def closed_to(connection: Connection, person: Person) -> set[int]:
    """The queues that name others and not this person."""
    mine = may_take(queues.c.id, literal(person.id))
    return set(connection.execute(select(queues.c.id).where(~mine)).scalars())


def is_for(db: Database, queue_id: int, person: Person) -> bool:
    """Whether work of the queue is given to this person."""
    with db.read() as connection:
        return queue_id not in closed_to(connection, person)


def assigned(db: Database, queue_id: int) -> list[Person]:
    """Whom the queue is for, by name; nobody named means everybody who may revise."""
    with db.read() as connection:
        rows = connection.execute(
            select(*PERSON_COLUMNS)
            .join(queue_people, queue_people.c.person_id == people.c.id)
            .where(queue_people.c.queue_id == queue_id)
            .order_by(people.c.name)
        )
        return [person_of(row) for row in rows]


def assign(
    db: Database,
    queue_id: int,
    person_ids: Collection[int],
    *,
    before: Collection[int] | None = None,
    by: Person | None = None,
) -> None:
    """Give the queue to these people and to nobody else; to everybody where the list is empty.

    Who has an item in hand may still save it. Who was named and is a rater by now is left out. `before`: the
    people named on the page that this comes from; AssignmentChanged when others are by now. DataError: no
    such queue, a study (its plan says who rates what), somebody who is not there or may not revise.
    """
    wanted = set(person_ids)
    with db.write() as connection:
        _revise_queue(connection, queue_id)
        named = connection.execute(
            select(people.c.id, people.c.name)
            .join(queue_people, queue_people.c.person_id == people.c.id)
            .where(queue_people.c.queue_id == queue_id)
            .order_by(people.c.name)
        ).all()
        there = {row.id for row in named}
        if before is not None and set(before) != there:
            raise AssignmentChanged([row.name for row in named])
        found = connection.execute(select(people).where(people.c.id.in_(wanted))).all()
        if len(found) < len(wanted):
            raise DataError("one of the people is not there any more; load the page again")
        raters = sorted(one.name for one in found if one.role == Role.RATER.value)
        stays = [one for one in found if one.role != Role.RATER.value]
        if stays and all(one.id in there for one in found if one.role == Role.RATER.value):
            found = stays
        elif raters:
            raise DataError(
                f"{', '.join(raters)}: a rater sees no pairs to revise; under People, make them an expert"
            )
        connection.execute(delete(queue_people).where(queue_people.c.queue_id == queue_id))
        if wanted:
            rows = [{"queue_id": queue_id, "person_id": one} for one in sorted(one.id for one in found)]
            connection.execute(insert(queue_people), rows)
        names = sorted(one.name for one in found)
        note(connection, db, by, "assign", f"queue:{queue_id}", {"people": names})


def raise_overlap(db: Database, queue_id: int, overlap: int, *, by: Person | None = None) -> Queue:
    """Let `overlap` people revise each pair of the queue, the finished ones too.

    DataError: no such queue, a study, or fewer people than now: somebody may have begun already.
    """
    with db.write() as connection:
        queue = _revise_queue(connection, queue_id)
        if not queue.overlap <= overlap <= MAX_OVERLAP:
            now = "1 person" if queue.overlap == 1 else f"{queue.overlap} people"
            raise DataError(
                f"each pair goes to {now} now; give a number from {queue.overlap} to {MAX_OVERLAP}: "
                "a pair that somebody may have begun is not taken away"
            )
        # first, since the tables refuse more places than that
        row = connection.execute(
            update(queues).where(queues.c.id == queue_id).values(overlap=overlap).returning(queues)
        ).one()
        for place in range(queue.overlap + 1, overlap + 1):
            free = select(items.c.id, literal(place), items.c.queue_id, literal(0.0)).where(
                items.c.queue_id == queue_id
            )
            connection.execute(insert(places).from_select(["item_id", "place", "queue_id", "free_at"], free))
        if overlap > queue.overlap:
            note(connection, db, by, "raise overlap", f"queue:{queue_id}", {"to": overlap})
        return queue_of(row)


def stuck(db: Database, queue_id: int) -> Stuck:
    """Whether the people whom the queue is for, and who can log in and may revise, are enough for it."""
    may_revise = and_(people.c.is_active, people.c.role != Role.RATER.value)
    able = select(people.c.id).where(may_revise, may_take(literal(queue_id), people.c.id))
    waits = (
        select(places.c.item_id, func.count().label("num"))
        .where(places.c.queue_id == queue_id, places.c.free_at.is_not(None))
        .group_by(places.c.item_id)
        .cte("waits")
    )
    is_skipped = heads.c.decision == Decision.SKIP.value
    had = (
        select(heads.c.item_id, func.count().label("num"), func.count().filter(is_skipped).label("skipped"))
        .where(heads.c.queue_id == queue_id, heads.c.decision != "", heads.c.person_id.in_(able))
        .group_by(heads.c.item_id)
        .cte("had")
    )
    with db.read() as connection:
        num_able = connection.execute(select(func.count()).select_from(able.subquery())).scalar_one()
        num_had = func.coalesce(had.c.num, 0)
        short, skipped = connection.execute(
            select(func.count(), func.count().filter(and_(num_had >= num_able, had.c.skipped > 0)))
            .select_from(waits)
            .outerjoin(had, had.c.item_id == waits.c.item_id)
            .where(waits.c.num > num_able - num_had)
        ).one()
    return Stuck(num_able, short, skipped)


def _revise_queue(connection: Connection, queue_id: int) -> Queue:
    """The queue, locked until the transaction ends: two leads change it one after the other."""
    row = connection.execute(select(queues).where(queues.c.id == queue_id).with_for_update()).one_or_none()
    if row is None:
        raise DataError(f"there is no queue {queue_id}")
    queue = queue_of(row)
    if queue.kind is not QueueKind.REVISE:
        raise DataError(f"{queue.name!r} is a rating study; its plan says who rates what")
    return queue
