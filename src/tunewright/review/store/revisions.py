"""What experts save. Every save is a row of its own; nothing is written over, an undo goes back by adding.

A save names the version that it was made from. When that is not the stored one, another window was quicker:
`Stale` brings what is stored, and nothing changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from sqlalchemy import bindparam, select, tuple_

from tunewright.review.model import Arm, Decision, Item, Person, Revision, Texts
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.owner_rows import unflag
from tunewright.review.store.queue_rows import checked_texts, item_of, revision_of
from tunewright.review.store.revision_rows import (
    COUNTS,
    Stale,
    add_revision,
    check_seconds,
    check_version,
    forget_typed,
    head_of,
    is_same,
    keep_typed,
    row_of,
    set_head,
)
from tunewright.review.store.schema import heads, items
from tunewright.review.store.schema import revisions as table
from tunewright.review.store.work import LEASE_SECONDS, PlaceLost, hold, holds, settle

__all__ = ["Stale", "autosave", "history", "revisions", "save", "undo"]

_ITEMS_AT_ONCE = 500
_SHOWN = select(items.c.queue_id, items.c.arm, items.c.draft.is_not(None).label("has_draft")).where(
    items.c.id == bindparam("of_item")
)


def autosave(db: Database, item_id: int, person: Person, texts: Texts, *, version: int) -> float:
    """Keep what is typed, unsaved, and hold the place; until when. Only the newest is kept.

    Stale as in `save`. PlaceLost when the item went to others; the text is kept all the same."""
    texts = checked_texts(texts, f"item {item_id}")
    now = db.clock()
    with db.write() as connection:
        is_held = holds(connection, db, item_id, person, now)
        check_version(connection, item_id, person, version)
        keep_typed(connection, db, item_id, person, texts, now)
        if is_held:
            hold(connection, item_id, person, now)
    if not is_held:
        raise PlaceLost(item_id)
    return now + LEASE_SECONDS


def save(
    db: Database,
    item_id: int,
    person: Person,
    *,
    version: int,
    decision: Decision,
    texts: Texts,
    reason: str = "",
    seconds: float,
    seconds_open: float,
) -> Revision:
    """The revision, on disk when this returns. `version` is the one of the page (0: nothing saved yet).

    Stale when another window saved since; the same save sent twice is one save. PlaceLost when the item went
    to others: then the texts are kept as an autosave. `seconds` is the active time since the page was opened,
    `seconds_open` all of it; a later save of the same item brings its own.
    """
    texts = checked_texts(texts, f"item {item_id}")
    check_seconds(seconds, seconds_open)
    now = db.clock()
    with db.write() as connection:
        is_held = holds(connection, db, item_id, person, now)
        if not is_held:
            keep_typed(connection, db, item_id, person, texts, now)
        else:
            try:
                before = check_version(connection, item_id, person, version)
            except Stale as stale:
                if stale.version == version + 1 and is_same(stale.current, decision, texts, reason):
                    assert stale.current is not None
                    return stale.current
                raise
            shown = connection.execute(_SHOWN, {"of_item": item_id}).one()
            revision = Revision(
                item_id=item_id,
                person_id=person.id,
                version=version + 1,
                decision=decision,
                texts=texts,
                reason=reason,
                seconds=seconds,
                seconds_open=seconds_open,
                at=now,
                shown_draft=bool(shown.has_draft) and shown.arm != Arm.WITHOUT_DRAFT.value,
            )
            add_revision(connection, db, person, shown.queue_id, revision, before=before)
            forget_typed(connection, item_id, person)
            detail = {"version": version + 1, "decision": decision.value, "seconds": seconds}
            note(connection, db, person, "save", f"item:{item_id}", detail)
            return revision
    raise PlaceLost(item_id)


def undo(db: Database, item_id: int, person: Person) -> Revision | None:
    """Back to what counted before the last save: that revision, with a new version; None when there was
    nothing before (the item is theirs to do again) or nothing to undo.

    PlaceLost when a skipped item went to others meanwhile."""
    now = db.clock()
    with db.write() as connection:
        head = head_of(connection, item_id, person)
        if head is None or not head.current:
            return None
        if not holds(connection, db, item_id, person, now):
            raise PlaceLost(item_id)
        last = row_of(connection, item_id, person, head.current)
        note(
            connection,
            db,
            person,
            "undo",
            f"item:{item_id}",
            {"version": head.version + 1, "of": head.current},
        )
        if not last.before:
            set_head(connection, db, item_id, person, head.queue_id, head.version + 1, 0, "", now)
            settle(connection, item_id, person, None, now)
            unflag(connection, item_id)
            return None
        earlier = row_of(connection, item_id, person, last.before)
        revision = dataclasses.replace(
            revision_of(earlier), version=head.version + 1, at=now, seconds=0.0, seconds_open=0.0
        )
        add_revision(connection, db, person, head.queue_id, revision, before=earlier.before)
        if revision.decision is not Decision.FLAG:
            unflag(connection, item_id)
        return revision


def history(db: Database, item_id: int) -> list[Revision]:
    """Everything that anybody saved of an item, in the order of time, with what was undone later."""
    with db.read() as connection:
        rows = connection.execute(
            select(table)
            .where(table.c.item_id == item_id)
            .order_by(table.c.at, table.c.person_id, table.c.version)
        )
        return [revision_of(row) for row in rows]


def revisions(db: Database, queue_id: int) -> Iterator[tuple[Item, Revision]]:
    """Every item with each revision of it that counts (one a person), skips too, in the order of import."""
    after = (0, 0)
    while True:
        with db.read() as connection:
            rows = connection.execute(
                select(items, *(column.label(f"r_{column.name}") for column in table.c))
                .join_from(heads, items, heads.c.item_id == items.c.id)
                .join(table, COUNTS)
                .where(heads.c.queue_id == queue_id, tuple_(heads.c.item_id, heads.c.person_id) > after)
                .order_by(heads.c.item_id, heads.c.person_id)
                .limit(_ITEMS_AT_ONCE)
            ).all()
        for row in rows:
            yield item_of(row), revision_of(row, "r_")
        if len(rows) < _ITEMS_AT_ONCE:
            return
        after = (rows[-1].r_item_id, rows[-1].r_person_id)
