"""For the lead and the quality owner: progress and pace, samples of finished work, the experiment's rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein
from sqlalchemy import and_, case, exists, func, literal, or_, select, update

from tunewright.errors import DataError
from tunewright.review.model import TEXT_FIELDS, Arm, Decision, Item, Pace, Person, QueueKind, Revision, Texts
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.people import PERSON_COLUMNS, person_of
from tunewright.review.store.queue_rows import item_of, revision_of
from tunewright.review.store.revision_rows import COUNTS
from tunewright.review.store.revisions import revisions
from tunewright.review.store.schema import heads, items, people, places, queues, samples, tasks
from tunewright.review.store.schema import revisions as revision_rows
from tunewright.review.store.work import LEASE_SECONDS

_OF_HEAD = and_(  # joins a head with all its revisions
    revision_rows.c.item_id == heads.c.item_id, revision_rows.c.person_id == heads.c.person_id
)


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One finished item of the efficiency experiment. `seconds` is active time over all saves of the item by
    this person; the edits lead from the original to the final texts, in characters and in words."""

    item_id: int
    key: str
    arm: Arm
    person: str
    decision: Decision
    seconds: float
    seconds_open: float
    num_edit_chars: int
    num_edit_words: int
    num_edit_chars_from_shown: (
        int  # as above, from what stood in the fields at first: the draft, or the original
    )
    num_edit_words_from_shown: int
    at: float


@dataclass(frozen=True, slots=True)
class OwnerWork:
    """A finished item for the quality owner: all revisions of it that count, with who made them."""

    item: Item
    revisions: tuple[tuple[Person, Revision], ...]
    why: str  # drawn, flagged


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a sampled item; `is_good` None: not looked at yet."""

    item_id: int
    why: str
    person: str
    is_good: bool | None
    reason: str
    at: float


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
                func.count().filter(heads.c.decision.not_in(["", Decision.SKIP.value])).label("done"),
                func.count().filter(heads.c.decision == Decision.FLAG.value).label("flagged"),
                func.max(heads.c.at).label("last_at"),
            )
            .where(heads.c.queue_id == queue_id)
            .group_by(heads.c.person_id)
            .cte("work")
        )
        spent = (
            select(heads.c.person_id, func.sum(revision_rows.c.seconds).label("seconds"))
            .join_from(heads, revision_rows, _OF_HEAD)
            .where(heads.c.queue_id == queue_id)
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
        rows = [
            {"item_id": id, "queue_id": queue_id, "why": "drawn", "reason": "", "at": now} for id in drawn
        ]
        if rows:
            connection.execute(db.upsert(samples).on_conflict_do_nothing(), rows)
        detail = {"share": share, "seed": seed, "items": len(drawn)}
        note(connection, db, by, "sample", f"queue:{queue_id}", detail)
        return len(drawn)


def owner_work(db: Database, person: Person, *, queue_id: int | None = None) -> OwnerWork | None:
    """The next flagged or drawn item that waits for an owner's verdict; flagged ones first. It is kept for
    `person` half an hour. None when nothing waits."""
    now = db.clock()
    with db.write() as connection:
        mine = and_(samples.c.person_id == person.id, samples.c.free_at > now)
        row = connection.execute(
            select(samples.c.item_id, samples.c.why)
            .where(
                samples.c.is_good.is_(None),
                or_(samples.c.free_at.is_(None), samples.c.free_at <= now, mine),
                *([] if queue_id is None else [samples.c.queue_id == queue_id]),
            )
            .order_by(case((mine, 0), else_=1), samples.c.why.desc(), samples.c.item_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return None
        connection.execute(
            update(samples)
            .where(samples.c.item_id == row.item_id)
            .values(person_id=person.id, free_at=now + LEASE_SECONDS)
        )
        item = item_of(connection.execute(select(items).where(items.c.id == row.item_id)).one())
        made = connection.execute(
            select(*PERSON_COLUMNS, *(column.label(f"r_{column.name}") for column in revision_rows.c))
            .join_from(heads, revision_rows, COUNTS)
            .join(people, people.c.id == heads.c.person_id)
            .where(heads.c.item_id == row.item_id)
            .order_by(heads.c.at)
        ).all()
    return OwnerWork(item, tuple((person_of(one), revision_of(one, "r_")) for one in made), row.why)


def owner_verdict(db: Database, item_id: int, person: Person, ok: bool, reason: str = "") -> None:
    """What the owner says of a sampled item. DataError when it is not in the sample or others decided."""
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
            raise DataError(f"item {item_id} is not in the owner's sample, or another owner decided on it")
        note(connection, db, person, "verdict", f"item:{item_id}", {"ok": ok, "reason": reason})


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


def arm_rows(db: Database, queue_id: int) -> list[ArmRow]:
    """One row per revision that counts in an experiment's arms, skips left out."""
    return list(_arm_rows(db, queue_id))


def _arm_rows(db: Database, queue_id: int) -> Iterator[ArmRow]:
    with db.read() as connection:
        found = connection.execute(select(people.c.id, people.c.name))
        names = {row.id: row.name for row in found}
        spent = {
            (item_id, person_id): times
            for item_id, person_id, *times in connection.execute(
                select(
                    heads.c.item_id,
                    heads.c.person_id,
                    func.sum(revision_rows.c.seconds),
                    func.sum(revision_rows.c.seconds_open),
                )
                .join_from(heads, revision_rows, _OF_HEAD)
                .where(heads.c.queue_id == queue_id)
                .group_by(heads.c.item_id, heads.c.person_id)
            )
        }
    for item, revision in revisions(db, queue_id):
        if item.arm is None or revision.decision is Decision.SKIP:
            continue
        shown = item.draft if revision.shown_draft and item.draft is not None else item.original
        seconds, seconds_open = spent[item.id, revision.person_id]
        yield ArmRow(
            item_id=item.id,
            key=item.key,
            arm=item.arm,
            person=names[revision.person_id],
            decision=revision.decision,
            seconds=seconds,
            seconds_open=seconds_open,
            num_edit_chars=_edits(item.original, revision.texts, by_words=False),
            num_edit_words=_edits(item.original, revision.texts, by_words=True),
            num_edit_chars_from_shown=_edits(shown, revision.texts, by_words=False),
            num_edit_words_from_shown=_edits(shown, revision.texts, by_words=True),
            at=revision.at,
        )


def _edits(before: Texts, after: Texts, *, by_words: bool) -> int:
    """Insertions, deletions and replacements over all fields."""
    pairs = ((before.get(name, ""), after.get(name, "")) for name in TEXT_FIELDS)
    if by_words:
        return sum(Levenshtein.distance(one.split(), other.split()) for one, other in pairs)
    return sum(Levenshtein.distance(one, other) for one, other in pairs)


def _draw(seed: int, item_id: int) -> float:
    digest = hashlib.sha256(f"{seed}:{item_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
