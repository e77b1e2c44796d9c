"""Finding items and telling their life."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, select

from tunewright.review.model import Decision, Event
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.schema import audit, heads, items, people, places, queues
from tunewright.review.store.searching import with_words

STATUSES = ("open", "taken", "done")
_SHOWN_CHARS = 160


@dataclass(frozen=True, slots=True)
class Found:
    """An item in a list. `status`: done when all places are, taken when somebody holds or has done one, else
    open. `decisions` are (person, decision) of those who have one."""

    item_id: int
    queue_id: int
    queue: str
    key: str
    beginning: str  # of the instruction (or else of the output)
    status: str
    decisions: tuple[tuple[str, str], ...]
    last_at: float | None


def search(
    db: Database,
    text: str = "",
    *,
    queue_id: int | None = None,
    decision: Decision | None = None,
    person: str | None = None,
    status: str | None = None,
    flagged: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[Found], bool]:
    """Items in the order of import, and whether there are more than `limit` from `offset` on.

    Every word of `text` begins a word of their key, original, draft, or what somebody made of it; large and
    small letters are the same. `decision` and `person` (by name) ask for somebody's who fits both.
    """
    seat = places.alias("seat")
    where: list[ColumnElement[bool]] = [seat.c.place == 1]
    if queue_id is not None:
        where.append(seat.c.queue_id == queue_id)
    decided = []
    if decision is not None:
        decided.append(heads.c.decision == decision.value)
    if person is not None:
        named = select(people.c.id).where(people.c.name == person).scalar_subquery()
        decided += [heads.c.person_id == named, heads.c.decision != ""]
    if decided:
        where.append(seat.c.item_id.in_(select(heads.c.item_id).where(*decided)))
    if flagged:
        flags = select(heads.c.item_id).where(heads.c.decision == Decision.FLAG.value)
        where.append(seat.c.item_id.in_(flags))
    if status is not None:
        where.append(_status(seat.c.item_id, status))
    with db.read() as connection:
        page = select(seat.c.item_id).where(*where).order_by(seat.c.item_id).offset(offset).limit(limit + 1)
        if text.strip():
            page = with_words(connection, db, page, seat.c.item_id, text)
        ids = list(connection.execute(page).scalars())
        more, ids = len(ids) > limit, ids[:limit]
        rows = connection.execute(
            select(items.c.id, items.c.queue_id, queues.c.name, items.c.key, items.c.original)
            .join_from(items, queues, queues.c.id == items.c.queue_id)
            .where(items.c.id.in_(ids))
            .order_by(items.c.id)
        ).all()
        made = connection.execute(
            select(heads.c.item_id, people.c.name, heads.c.decision, heads.c.at)
            .join_from(heads, people, people.c.id == heads.c.person_id)
            .where(heads.c.item_id.in_(ids))
            .order_by(heads.c.at)
        ).all()
        seats = connection.execute(
            select(
                places.c.item_id,
                func.count().filter(places.c.free_at.is_(None)),
                func.count().filter(places.c.person_id.is_not(None)),
                func.count(),
            )
            .where(places.c.item_id.in_(ids))
            .group_by(places.c.item_id)
        ).all()
    states = {id: "done" if done == all else "taken" if held else "open" for id, done, held, all in seats}
    found = []
    for id, own_queue, name, key, original in rows:
        own = [row for row in made if row.item_id == id]
        said = tuple((row.name, row.decision) for row in own if row.decision)
        beginning = (original.get("instruction") or original.get("output") or "")[:_SHOWN_CHARS]
        last_at = max((row.at for row in own), default=None)
        found.append(Found(id, own_queue, name, key, beginning, states[id], said, last_at))
    return found, more


def life(db: Database, item_id: int) -> list[Event]:
    """What happened to an item here, from its import on. What went before is in its lineage."""
    with db.read() as connection:
        queue_id = connection.execute(select(items.c.queue_id).where(items.c.id == item_id)).scalar()
        if queue_id is None:
            return []
        imported = connection.execute(
            select(audit).where(audit.c.subject == f"queue:{queue_id}").order_by(audit.c.id)
        ).mappings()
        of_queue = [Event(**row) for row in imported if row["action"] == "import"]
    return of_queue + events(db, subject=f"item:{item_id}")


def _status(item_id: ColumnElement[int], status: str) -> ColumnElement[bool]:
    assert status in STATUSES, status
    own = places.c.item_id == item_id
    if status == "done":
        return ~exists().where(own, places.c.free_at.is_not(None))
    taken = exists().where(own, places.c.person_id.is_not(None))
    if status == "open":
        return ~taken
    return and_(taken, exists().where(own, places.c.free_at.is_not(None)))
