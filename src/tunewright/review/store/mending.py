"""Pairs that were sent back and that nobody can mend: their experts cannot come in, or may not revise, any
more, and no place is free. An owner or a lead takes such a pair over."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select, update

from tunewright.errors import DataError
from tunewright.review.model import Person, Role
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.schema import items, people, places, queues, samples
from tunewright.review.store.work import LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Left:
    """A pair that was sent back, with what was wanted, and that nobody can mend."""

    item_id: int
    key: str
    queue: str
    reason: str


_MENDS = and_(people.c.is_active, people.c.role != Role.RATER.value)
_NOBODY_MENDS = ~(
    exists()
    .where(places.c.item_id == samples.c.item_id)
    .where(
        or_(
            exists().where(people.c.id == places.c.person_id, _MENDS),
            # a free place is given out, and a lease that ran out with it
            and_(places.c.free_at.is_not(None), queues.c.is_open),
        )
    )
    .correlate(samples, queues)
)


def left_behind(db: Database) -> list[Left]:
    """In all queues, the oldest verdict first."""
    with db.read() as connection:
        rows = connection.execute(
            select(items.c.id, items.c.key, queues.c.name, samples.c.reason)
            .join_from(samples, items, items.c.id == samples.c.item_id)
            .join(queues, queues.c.id == samples.c.queue_id)
            .where(samples.c.is_good.is_(False), _NOBODY_MENDS)
            .order_by(samples.c.at, items.c.id)
        )
        return [Left(*row) for row in rows]


def take_over(db: Database, item_id: int, person: Person) -> None:
    """Give `person` the place of somebody who cannot mend the pair; their versions stay.

    DataError when the pair is not left behind, or not any more."""
    now = db.clock()
    with db.write() as connection:
        seats = connection.execute(
            select(places.c.place)
            .where(places.c.item_id == item_id)
            .order_by(places.c.place)
            .with_for_update()
        ).scalars()
        place = next(iter(seats), None)
        is_left = connection.execute(
            select(samples.c.item_id)
            .join(queues, queues.c.id == samples.c.queue_id)
            .where(samples.c.item_id == item_id, samples.c.is_good.is_(False), _NOBODY_MENDS)
        ).scalar()
        if place is None or is_left is None:
            raise DataError(
                "somebody is mending this pair already, or it was saved again; go on with the next"
            )
        connection.execute(
            update(places)
            .where(places.c.item_id == item_id, places.c.place == place)
            .values(person_id=person.id, free_at=now + LEASE_SECONDS)
        )
        note(connection, db, person, "take over", f"item:{item_id}")
