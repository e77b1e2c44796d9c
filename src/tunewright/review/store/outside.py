"""What comes from other tools and what goes out whole: results with their own times, all items of a queue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import select

from tunewright.review.model import Decision, Item, Person, Revision, Texts
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.queue_rows import checked_texts, item_of, revision_of
from tunewright.review.store.revision_rows import add_revision, check_seconds, head_of, is_same, row_of
from tunewright.review.store.schema import items as table
from tunewright.review.store.work import takes

_ITEMS_AT_ONCE = 500


class Outcome(Enum):
    """What became of a result from elsewhere."""

    ADDED = "added"
    KNOWN = "known"  # it is there already, or the person has saved something later here
    NO_PLACE = "no place"  # as many people as the queue asks for have the item


@dataclass(frozen=True, slots=True)
class Outside:
    """What `person` made of an item elsewhere. `at` None: the time of bringing it in."""

    item_id: int
    person: Person
    decision: Decision
    texts: Texts
    reason: str
    at: float | None
    seconds: float
    seconds_open: float
    shown_draft: bool


def items(db: Database, queue_id: int) -> Iterator[Item]:
    """All items of a queue as they were imported, with their drafts, in the order of import."""
    after = 0
    while True:
        with db.read() as connection:
            rows = connection.execute(
                select(table)
                # + 0: read on by id; by the index of queues every chunk would look at all items of the queue
                .where(table.c.queue_id + 0 == queue_id, table.c.id > after)
                .order_by(table.c.id)
                .limit(_ITEMS_AT_ONCE)
            ).all()
        yield from map(item_of, rows)
        if len(rows) < _ITEMS_AT_ONCE:
            return
        after = rows[-1].id


def item_ids(db: Database, queue_id: int) -> dict[str, int]:
    """The items' numbers by their keys."""
    with db.read() as connection:
        rows = connection.execute(select(table.c.key, table.c.id).where(table.c.queue_id == queue_id))
        return {row.key: row.id for row in rows}


def add_outside(
    db: Database, results: Iterable[Outside], *, tool: str, by: Person | None = None
) -> Iterator[Outcome]:
    """Save results that were made elsewhere, with `tool` as their source, and say what became of each, in
    order. Their times are kept, but measure nothing here: other tools tell none, or the time on the wall.

    Some hundred are one transaction: those that came out before an error are kept.
    """
    chunk: list[Outside] = []
    for result in results:
        chunk.append(result)
        if len(chunk) == _ITEMS_AT_ONCE:
            yield from _add_chunk(db, chunk, tool, by)
            chunk = []
    yield from _add_chunk(db, chunk, tool, by)


def _add_chunk(db: Database, chunk: list[Outside], tool: str, by: Person | None) -> list[Outcome]:
    outcomes: list[Outcome] = []
    if not chunk:
        return outcomes
    with db.write() as connection:
        now = db.clock()
        for one in chunk:
            texts = checked_texts(one.texts, f"item {one.item_id}")
            check_seconds(one.seconds, one.seconds_open)
            at = now if one.at is None else one.at
            head = head_of(connection, one.item_id, one.person)
            before = 0
            if head is not None and head.current:
                before = head.current
                there = revision_of(row_of(connection, one.item_id, one.person, before))
                if is_same(there, one.decision, texts, one.reason) or at <= there.at:
                    outcomes.append(Outcome.KNOWN)
                    continue
            if not takes(connection, one.item_id, one.person, now):
                outcomes.append(Outcome.NO_PLACE)
                continue
            revision = Revision(
                item_id=one.item_id,
                person_id=one.person.id,
                version=1 if head is None else head.version + 1,
                decision=one.decision,
                texts=texts,
                reason=one.reason,
                seconds=one.seconds,
                seconds_open=one.seconds_open,
                at=at,
                shown_draft=one.shown_draft,
                source=tool,
            )
            queue_id = connection.execute(
                select(table.c.queue_id).where(table.c.id == one.item_id)
            ).scalar_one()
            add_revision(connection, db, one.person, queue_id, revision, before=before)
            detail = {"version": revision.version, "decision": one.decision.value, "tool": tool, "at": at}
            note(
                connection, db, by, "import result", f"item:{one.item_id}", {"of": one.person.name, **detail}
            )
            outcomes.append(Outcome.ADDED)
    return outcomes
