"""For the lead and the quality owner: progress and pace, samples of finished work."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import and_, case, exists, func, literal, or_, select, update

from tunewright.errors import DataError
from tunewright.review.model import Decision, Item, Pace, Person, QueueKind, Revision
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.measured import IS_OUTSIDE
from tunewright.review.store.owner_rows import (
    AGAIN,
    ALL_AGAIN,
    ALL_DRAWN,
    DRAWN,
    FLAGGED,
    IS_FLAGGED,
    Unseen,
    seen_of,
)
from tunewright.review.store.people import PERSON_COLUMNS, person_of
from tunewright.review.store.queue_rows import item_of
from tunewright.review.store.revision_rows import IS_DONE, OF_HEAD, made_on
from tunewright.review.store.schema import heads, items, people, places, queues, samples, tasks
from tunewright.review.store.schema import revisions as revision_rows
from tunewright.review.store.work import LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class OwnerWork:
    """A finished item for the quality owner: all revisions of it that count, with who made them.

    `seen` names those versions; it goes back with the verdict. `asked_before` is the reason of an earlier
    "not good", after which it was saved again."""

    item: Item
    revisions: tuple[tuple[Person, Revision], ...]
    why: str  # drawn, flagged, again
    seen: str
    asked_before: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a sampled item; `is_good` None: not looked at yet, or not since it was saved again."""

    item_id: int
    why: str
    person: str
    is_good: bool | None
    reason: str
    at: float

    @property
    def is_drawn(self) -> bool:
        return self.why in ALL_DRAWN

    @property
    def is_again(self) -> bool:
        return self.why in ALL_AGAIN


def paces(db: Database, queue_id: int) -> list[Pace]:
    """Everybody's progress in a queue, by name; of a study its raters who are people here."""
    with db.read() as connection:
        kind = connection.execute(select(queues.c.kind).where(queues.c.id == queue_id)).scalar()
        if kind == QueueKind.RATE.value:
            rows = connection.execute(
                select(
                    *PERSON_COLUMNS,
                    func.count(),
                    func.count().filter(tasks.c.is_done),
                    literal(0),
                    func.sum(tasks.c.seconds),
                    func.max(tasks.c.at),
                )
                .join_from(people, tasks, tasks.c.rater == people.c.name)
                .where(tasks.c.queue_id == queue_id)
                .group_by(*PERSON_COLUMNS)
                .order_by(people.c.name)
            ).all()
            return [Pace(person_of(row), *row[4:]) for row in rows]
        work = (
            select(
                heads.c.person_id,
                func.count().filter(IS_DONE).label("done"),
                func.count().filter(heads.c.decision == Decision.FLAG.value).label("flagged"),
                func.max(heads.c.at).label("last_at"),
                func.count().filter(and_(IS_DONE, IS_OUTSIDE)).label("outside"),
            )
            .where(heads.c.queue_id == queue_id)
            .group_by(heads.c.person_id)
            .cte("work")
        )
        spent = (
            select(heads.c.person_id, func.sum(revision_rows.c.seconds).label("seconds"))
            .join_from(heads, revision_rows, OF_HEAD)
            .where(heads.c.queue_id == queue_id, ~IS_OUTSIDE)
            .group_by(heads.c.person_id)
            .cte("spent")
        )
        held = (
            select(places.c.person_id, func.count().label("places"))
            .where(places.c.queue_id == queue_id, places.c.person_id.is_not(None))
            .group_by(places.c.person_id)
            .cte("held")
        )
        rows = connection.execute(
            select(
                *PERSON_COLUMNS,
                func.coalesce(held.c.places, 0),
                func.coalesce(work.c.done, 0),
                func.coalesce(work.c.flagged, 0),
                func.coalesce(spent.c.seconds, 0.0),
                work.c.last_at,
                func.coalesce(work.c.outside, 0),
            )
            .outerjoin_from(people, work, work.c.person_id == people.c.id)
            .outerjoin(spent, spent.c.person_id == people.c.id)
            .outerjoin(held, held.c.person_id == people.c.id)
            .where(or_(work.c.person_id.is_not(None), held.c.person_id.is_not(None)))
            .order_by(people.c.name)
        ).all()
        return [Pace(person_of(row), *row[4:]) for row in rows]


def sample_for_owner(
    db: Database, queue_id: int, share: float, seed: int, *, by: Person | None = None
) -> int:
    """Draw a share (0 to 1) of the finished items for the owner; how many are new in the sample.

    Each item's draw follows from the seed and its number alone, so a second call later adds the same share of
    what was finished since, and a larger share keeps the smaller one's items."""
    if not 0 <= share <= 1:
        raise DataError(f"share {share}: from 0 to 1")
    with db.write() as connection:
        is_open = exists().where(
            places.c.item_id == items.c.id, or_(places.c.free_at.is_not(None), places.c.person_id.is_(None))
        )
        sampled = exists().where(samples.c.item_id == items.c.id)
        finished = connection.execute(
            select(items.c.id).where(items.c.queue_id == queue_id, ~is_open, ~sampled)
        ).scalars()
        drawn = [id for id in finished if _draw(seed, id) < share]
        now = db.clock()
        rows = [{"item_id": id, "queue_id": queue_id, "why": DRAWN, "reason": "", "at": now} for id in drawn]
        if rows:
            connection.execute(db.upsert(samples).on_conflict_do_nothing(), rows)
        detail = {"share": share, "seed": seed, "items": len(drawn)}
        note(connection, db, by, "sample", f"queue:{queue_id}", detail)
        return len(drawn)


def owner_work(db: Database, person: Person, *, queue_id: int | None = None) -> OwnerWork | None:
    """The next item that waits for an owner's verdict: flagged ones first, then those saved again after "not
    good", then the drawn ones. It is kept for `person` half an hour. None when nothing waits."""
    now = db.clock()
    with db.write() as connection:
        mine = and_(samples.c.person_id == person.id, samples.c.free_at > now)
        row = connection.execute(
            select(samples.c.item_id, samples.c.why, samples.c.reason, IS_FLAGGED.label("is_flagged"))
            .where(
                samples.c.is_good.is_(None),
                or_(samples.c.free_at.is_(None), samples.c.free_at <= now, mine),
                *([] if queue_id is None else [samples.c.queue_id == queue_id]),
            )
            .order_by(
                case((mine, -samples.c.free_at), else_=0.0),  # of two, the one they took last
                case((IS_FLAGGED, 0), (samples.c.why.in_(ALL_AGAIN), 1), else_=2),
                samples.c.item_id,
            )
            .limit(1)
            .with_for_update(skip_locked=True, of=samples)
        ).one_or_none()
        if row is None:
            return None
        connection.execute(
            update(samples)
            .where(samples.c.item_id == row.item_id)
            .values(person_id=person.id, free_at=now + LEASE_SECONDS)
        )
        item = item_of(connection.execute(select(items).where(items.c.id == row.item_id)).one())
        made = made_on(connection, [item.id]).get(item.id, ())
    is_again = row.why in ALL_AGAIN
    why = FLAGGED if row.is_flagged else AGAIN if is_again else DRAWN
    return OwnerWork(item, made, why, seen_of(item.id, made), row.reason if is_again else "")


def owner_verdict(
    db: Database, item_id: int, person: Person, ok: bool, reason: str = "", *, seen: str | None = None
) -> None:
    """What the owner says of a sampled item. DataError when it is not in the sample or others decided.

    `seen` is that of the `OwnerWork` looked at; Unseen when an expert saved another version since."""
    with db.write() as connection:
        changed = connection.execute(
            update(samples)
            .where(
                samples.c.item_id == item_id,
                or_(samples.c.is_good.is_(None), samples.c.person_id == person.id),
            )
            .values(person_id=person.id, is_good=ok, reason=reason, at=db.clock(), free_at=None)
            .returning(samples.c.item_id)
        ).one_or_none()
        if changed is None:
            raise DataError(
                f"item {item_id} is not in the owner's sample, or another owner decided on it; "
                "go on with the next"
            )
        if seen is not None:
            made = made_on(connection, [item_id]).get(item_id, ())
            if seen != seen_of(item_id, made):
                raise Unseen
        note(connection, db, person, "verdict", f"item:{item_id}", {"ok": ok, "reason": reason})


def take_back_verdict(db: Database, item_id: int, person: Person) -> None:
    """Ask `person` again about an item on which they said the last word; it is the next they see.

    DataError when it is not theirs, or an expert has saved it anew since: then it is asked again anyway."""
    with db.write() as connection:
        changed = connection.execute(
            update(samples)
            .where(
                samples.c.item_id == item_id,
                samples.c.person_id == person.id,
                samples.c.is_good.is_not(None),
            )
            .values(is_good=None, reason="", at=db.clock(), free_at=db.clock() + LEASE_SECONDS)
            .returning(samples.c.item_id)
        ).one_or_none()
        if changed is None:
            raise DataError(
                f"the last word on item {item_id} is not yours to take back, or an expert saved it anew since"
            )
        note(connection, db, person, "take back verdict", f"item:{item_id}")


def verdicts(db: Database, queue_id: int) -> list[Verdict]:
    """The owner's sample of a queue, looked at or not."""
    with db.read() as connection:
        rows = connection.execute(
            select(samples, people.c.name)
            .outerjoin(people, people.c.id == samples.c.person_id)
            .where(samples.c.queue_id == queue_id)
            .order_by(samples.c.item_id)
        )
        return [
            Verdict(row.item_id, row.why, row.name or "", row.is_good, row.reason, row.at) for row in rows
        ]


def num_waiting(db: Database) -> int:
    """How many sampled items of all queues have no verdict yet."""
    with db.read() as connection:
        return connection.execute(select(func.count()).where(samples.c.is_good.is_(None))).scalar_one()


def _draw(seed: int, item_id: int) -> float:
    digest = hashlib.sha256(f"{seed}:{item_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
