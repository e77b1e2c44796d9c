"""Who works on what: places at items, taken for half an hour, renewed while somebody types, given back.

A place is taken by one UPDATE that looks for a free one, so that two people never get the same; that nobody
gets two at one item, and no item more people than places, are constraints of the tables.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    text,
    update,
)

from tunewright.errors import TunewrightError
from tunewright.review.model import Decision, Person, Work
from tunewright.review.store.assignment import may_take
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.queue_rows import item_of, revision_of
from tunewright.review.store.schema import audit, autosaves, heads, items, places, queues, revisions

LEASE_SECONDS = 1_800.0
FOR_GOOD = math.inf  # the lease of who has saved
TAKE, TAKE_AGAIN = "take", "take again"  # in the audit

# Statements of every page are built once: building one takes longer than running it.
_ITEM, _PERSON = bindparam("of_item", type_=Integer()), bindparam("of_person", type_=Integer())
_QUEUE, _AFTER = bindparam("of_queue", type_=Integer()), bindparam("after_item", type_=Integer())
_NOW, _UNTIL = bindparam("now", type_=Float()), bindparam("until", type_=Float())
_MINE = and_(places.c.item_id == _ITEM, places.c.person_id == _PERSON)
_MY_PLACE = select(places.c.place).where(_MINE).with_for_update()
_MOVE_LEASE = update(places).where(_MINE, places.c.free_at.is_not(None)).values(free_at=_UNTIL)
_SET_LEASE = update(places).where(_MINE).values(free_at=_UNTIL)
_LEAVE = update(places).where(_MINE).values(person_id=None, free_at=0.0)
_HELD = (
    select(places.c.item_id)
    .where(places.c.queue_id == _QUEUE, places.c.person_id == _PERSON, places.c.free_at > _NOW)
    .order_by(places.c.item_id)
    .limit(1)
)
_LAST = select(func.max(places.c.item_id)).where(places.c.person_id == _PERSON, places.c.queue_id == _QUEUE)
_GIVES_WORK = select(and_(queues.c.is_open, may_take(queues.c.id, _PERSON))).where(queues.c.id == _QUEUE)
_SAVED = select(revisions).where(
    revisions.c.item_id == _ITEM,
    revisions.c.person_id == _PERSON,
    revisions.c.version == bindparam("current"),
)
_TYPED = select(autosaves.c.texts).where(autosaves.c.item_id == _ITEM, autosaves.c.person_id == _PERSON)
_WORK = (
    select(items, places.c.place, places.c.free_at, heads.c.version, heads.c.current)
    .join_from(places, items, places.c.item_id == items.c.id)
    .outerjoin(heads, and_(heads.c.item_id == items.c.id, heads.c.person_id == _PERSON))
    .where(_MINE)
)


def _taking(*where: ColumnElement[bool]) -> Any:
    """An UPDATE that takes the first free or expired place of those asked for, and gives its item."""
    free = (
        select(places.c.item_id, places.c.place)
        .where(places.c.free_at.is_not(None), places.c.free_at <= _NOW, *where)
        .order_by(places.c.item_id, places.c.place)
        .limit(1)
        .with_for_update(skip_locked=True, of=places)
        .cte("free")
    )
    return (
        update(places)
        .where(places.c.item_id == free.c.item_id, places.c.place == free.c.place)
        .values(person_id=_PERSON, free_at=_UNTIL)
        .returning(places.c.item_id)
    )


def _new_to_them() -> ColumnElement[bool]:
    """Places of the queue at items where the person has no place and that they have not skipped."""
    others = places.alias("others")
    has_place = select(others.c.place).where(
        others.c.item_id == places.c.item_id, others.c.person_id == _PERSON
    )
    skipped = select(heads.c.version).where(
        heads.c.item_id == places.c.item_id,
        heads.c.person_id == _PERSON,
        heads.c.decision == Decision.SKIP.value,
    )
    return and_(places.c.queue_id == _QUEUE, ~has_place.exists(), ~skipped.exists())


_TAKE_NEXT = _taking(_new_to_them(), places.c.item_id > _AFTER)
_TAKE_ANY = _taking(_new_to_them())
_TAKE_AT = _taking(places.c.item_id == _ITEM, may_take(places.c.queue_id, _PERSON))
_HAD_IT = select(
    or_(
        exists().where(heads.c.item_id == _ITEM, heads.c.person_id == _PERSON),
        exists().where(
            audit.c.subject == bindparam("subject"),
            audit.c.person == bindparam("name"),
            audit.c.action == TAKE,
        ),
    )
)
_IS_OPEN = select(queues.c.is_open).join(items, items.c.queue_id == queues.c.id).where(items.c.id == _ITEM)


class PlaceLost(TunewrightError):
    """The item went to others: the lease was over, and its places are taken. What was typed is kept."""

    def __init__(self, item_id: int) -> None:
        super().__init__(
            f"item {item_id} went to somebody else after {LEASE_SECONDS / 60:.0f} minutes without a change; "
            "what you typed is kept, go on with the next item"
        )


def next_work(db: Database, queue_id: int, person: Person) -> Work | None:
    """What `person` does next in an open queue; None when there is nothing left for them now.

    First comes what they hold already, then the next item after their last one that has a place free and
    that they have neither done nor skipped, then what was given back behind it.
    """
    now = db.clock()
    who = {"of_queue": queue_id, "of_person": person.id, "now": now}
    with db.read() as connection:
        held = connection.execute(_HELD, who).scalar()
        if held is not None:
            return _work(connection, held, person)
    with db.write(waits_for_disk=False) as connection:
        taken = _take_next(connection, db, queue_id, person, who)
    return None if taken is None else work_on(db, taken, person)


def work_on(db: Database, item_id: int, person: Person) -> Work | None:
    """An item that `person` holds or has saved; None for anybody else's."""
    with db.read() as connection:
        return _work(connection, item_id, person)


def renew(db: Database, item_id: int, person: Person) -> float | None:
    """Hold the place for another half hour; until when, or None when it is no longer theirs."""
    now = db.clock()
    with db.write(waits_for_disk=False) as connection:
        hold(connection, item_id, person, now)
        row = connection.execute(_WORK, _theirs(item_id, person)).one_or_none()
    if row is None:
        return None
    return FOR_GOOD if row.free_at is None else now + LEASE_SECONDS


def begun_at(db: Database, item_id: int, person: Person) -> float | None:
    """When `person` took the item, or last saved or undid it; None when they never had it.

    The time that a page says it was open cannot reach back before this; that a save took the place again does
    not count, the page was open before."""
    own = (audit.c.subject == f"item:{item_id}", audit.c.person == person.name)
    with db.read() as connection:
        return connection.execute(
            select(func.max(audit.c.at)).where(*own, audit.c.action.in_([TAKE, "save", "undo"]))
        ).scalar()


def give_back(db: Database, item_id: int, person: Person) -> bool:
    """Free the place of somebody who has not saved; whether it was theirs. What they typed is kept."""
    with db.write() as connection:
        row = connection.execute(
            _LEAVE.where(places.c.free_at.is_not(None)).returning(places.c.place), _theirs(item_id, person)
        ).one_or_none()
        if row is not None:
            note(connection, db, person, "give back", f"item:{item_id}")
        return row is not None


def holds(connection: Connection, db: Database, item_id: int, person: Person, now: float) -> bool:
    """Whether `person` has a place at the item, before something of theirs is kept there.

    An expired lease that nobody took still counts. Who had the item before (it was given to them, or they
    decided on it) gets a free place back while the queue is open; nobody else takes one by its number. The
    place stays locked to the end of the transaction, so two saves of one person come one after the other."""
    who = _theirs(item_id, person)
    if connection.execute(_MY_PLACE, who).one_or_none() is not None:
        return True
    subject = f"item:{item_id}"
    if not connection.execute(_IS_OPEN, who).scalar():
        return False
    if not connection.execute(_HAD_IT, {**who, "subject": subject, "name": person.name}).scalar():
        return False
    if not takes(connection, item_id, person, now):
        return False
    note(connection, db, person, TAKE_AGAIN, subject)
    return True


def takes(connection: Connection, item_id: int, person: Person, now: float) -> bool:
    """Whether `person` has a place at the item or gets a free one, whoever they are: for what was done
    elsewhere. Not where the queue names others."""
    who = _theirs(item_id, person)
    if connection.execute(_MY_PLACE, who).one_or_none() is not None:
        return True
    take = {**who, "now": now, "until": now + LEASE_SECONDS}
    return connection.execute(_TAKE_AT, take).scalar() is not None


def hold(connection: Connection, item_id: int, person: Person, now: float) -> None:
    """Move the end of the lease, unless the place is theirs for good."""
    connection.execute(_MOVE_LEASE, {**_theirs(item_id, person), "until": now + LEASE_SECONDS})


def settle(
    connection: Connection, item_id: int, person: Person, decision: Decision | None, now: float
) -> None:
    """Put the place of `person` in the state that a decision (None: undone) leaves it in."""
    who = _theirs(item_id, person)
    if decision is Decision.SKIP:
        connection.execute(_LEAVE, who)
    else:
        until = now + LEASE_SECONDS if decision is None else None
        connection.execute(_SET_LEASE, {**who, "until": until})


def _take_next(
    connection: Connection, db: Database, queue_id: int, person: Person, who: dict[str, Any]
) -> int | None:
    if not db.is_sqlite:  # two windows of one person take turns
        connection.execute(text("SELECT pg_advisory_xact_lock(:a, :b)"), {"a": queue_id, "b": person.id})
    if not connection.execute(_GIVES_WORK, who).scalar():
        return None
    held: int | None = connection.execute(_HELD, who).scalar()
    if held is not None:
        return held
    take = {**who, "until": who["now"] + LEASE_SECONDS}
    last = connection.execute(_LAST, who).scalar()
    taken: int | None = None
    if last is not None:
        taken = connection.execute(_TAKE_NEXT, {**take, "after_item": last}).scalar()
    if taken is None:
        taken = connection.execute(_TAKE_ANY, take).scalar()
    if taken is not None:
        note(connection, db, person, TAKE, f"item:{taken}")
    return taken


def _theirs(item_id: int, person: Person) -> dict[str, Any]:
    return {"of_item": item_id, "of_person": person.id}


def _work(connection: Connection, item_id: int, person: Person) -> Work | None:
    who = _theirs(item_id, person)
    row = connection.execute(_WORK, who).one_or_none()
    if row is None:
        return None
    saved = None
    if row.current:
        saved = revision_of(connection.execute(_SAVED, {**who, "current": row.current}).one())
    typed = connection.execute(_TYPED, who).scalar()
    return Work(
        item=item_of(row).as_shown(),
        saved=saved,
        autosaved=typed,
        version=row.version or 0,
        lease_until=FOR_GOOD if row.free_at is None else row.free_at,
        place=row.place,
    )
