"""The rows behind a save, in the transaction of the caller: revisions, the head that says which counts, and
what follows (the place, the words that search finds, what it asks of the owner)."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, Table, and_, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from tunewright.errors import DataError, TunewrightError
from tunewright.review.model import Decision, Person, Revision
from tunewright.review.store.database import Database
from tunewright.review.store.owner_rows import put_question
from tunewright.review.store.people import PERSON_COLUMNS, person_of
from tunewright.review.store.queue_rows import revision_of
from tunewright.review.store.schema import autosaves, heads, people
from tunewright.review.store.schema import revisions as table
from tunewright.review.store.searching import add_words
from tunewright.review.store.work import settle


class Stale(TunewrightError):
    """Something was saved since the page was opened. `current` is what counts now (None: it was undone), and
    `version` the one to name in order to save over it."""

    def __init__(self, current: Revision | None, version: int) -> None:
        super().__init__("another window saved this item since it was opened here; compare, then save again")
        self.current = current
        self.version = version


COUNTS = and_(  # joins a head with the revision that counts
    table.c.item_id == heads.c.item_id,
    table.c.person_id == heads.c.person_id,
    table.c.version == heads.c.current,
)
OF_HEAD = and_(  # joins a head with all its revisions, undone ones too
    table.c.item_id == heads.c.item_id, table.c.person_id == heads.c.person_id
)
IS_DONE = heads.c.decision.not_in(["", Decision.SKIP.value])  # neither undone nor left to others

# Built once, as in `work`.
_ITEM, _PERSON = bindparam("of_item", type_=Integer()), bindparam("of_person", type_=Integer())
_HEAD = select(heads).where(heads.c.item_id == _ITEM, heads.c.person_id == _PERSON)
_ROW = select(table).where(
    table.c.item_id == _ITEM, table.c.person_id == _PERSON, table.c.version == bindparam("of_version")
)
_INSERT = insert(table)
_FORGET_TYPED = delete(autosaves).where(autosaves.c.item_id == _ITEM, autosaves.c.person_id == _PERSON)


def head_of(connection: Connection, item_id: int, person: Person) -> Any:
    return connection.execute(_HEAD, {"of_item": item_id, "of_person": person.id}).one_or_none()


def row_of(connection: Connection, item_id: int, person: Person, version: int) -> Any:
    which = {"of_item": item_id, "of_person": person.id, "of_version": version}
    return connection.execute(_ROW, which).one()


def made_on(
    connection: Connection, item_ids: Sequence[int]
) -> dict[int, tuple[tuple[Person, Revision], ...]]:
    """By item, the revisions that count, one a person, skips too, in the order of time."""
    rows = connection.execute(
        select(*PERSON_COLUMNS, *(column.label(f"r_{column.name}") for column in table.c))
        .join_from(heads, table, COUNTS)
        .join(people, people.c.id == heads.c.person_id)
        .where(heads.c.item_id.in_(item_ids))
        .order_by(heads.c.at)
    )
    found: dict[int, tuple[tuple[Person, Revision], ...]] = {}
    for row in rows:
        made = (person_of(row), revision_of(row, "r_"))
        found[row.r_item_id] = (*found.get(row.r_item_id, ()), made)
    return found


def check_version(connection: Connection, item_id: int, person: Person, version: int) -> int:
    """The version of the revision that counts, 0 when none does; Stale when `version` is not the newest."""
    head = head_of(connection, item_id, person)
    there, current = (0, 0) if head is None else (head.version, head.current)
    if there != version:
        counts = revision_of(row_of(connection, item_id, person, current)) if current else None
        raise Stale(counts, there)
    return current


def is_same(current: Revision | None, decision: Decision, texts: Mapping[str, str], reason: str) -> bool:
    return current is not None and (current.decision, current.texts, current.reason) == (
        decision,
        texts,
        reason,
    )


def add_revision(
    connection: Connection, db: Database, person: Person, queue_id: int, revision: Revision, *, before: int
) -> None:
    connection.execute(
        _INSERT,
        {
            "item_id": revision.item_id,
            "person_id": revision.person_id,
            "version": revision.version,
            "before": before,
            "decision": revision.decision.value,
            "texts": dict(revision.texts),
            "reason": revision.reason,
            "seconds": revision.seconds,
            "seconds_open": revision.seconds_open,
            "at": revision.at,
            "shown_draft": revision.shown_draft,
            "source": revision.source,
        },
    )
    item_id, version, at = revision.item_id, revision.version, revision.at
    set_head(connection, db, item_id, person, queue_id, version, version, revision.decision.value, at)
    settle(connection, item_id, person, revision.decision, at)
    if revision.decision is Decision.EDIT:
        add_words(connection, item_id, revision.texts)
    put_question(connection, db, queue_id, revision, is_first=not before)


def set_head(
    connection: Connection,
    db: Database,
    item_id: int,
    person: Person,
    queue_id: int,
    version: int,
    current: int,
    decision: str,
    at: float,
) -> None:
    connection.execute(
        _set_head(db.is_sqlite),
        {
            "item_id": item_id,
            "person_id": person.id,
            "queue_id": queue_id,
            "version": version,
            "current": current,
            "decision": decision,
            "at": at,
        },
    )


def keep_typed(
    connection: Connection, db: Database, item_id: int, person: Person, texts: Mapping[str, str], now: float
) -> None:
    row = {"item_id": item_id, "person_id": person.id, "texts": dict(texts), "at": now}
    connection.execute(_keep_typed(db.is_sqlite), row)


def forget_typed(connection: Connection, item_id: int, person: Person) -> None:
    """What was typed is saved now."""
    connection.execute(_FORGET_TYPED, {"of_item": item_id, "of_person": person.id})


def check_seconds(*seconds: float) -> None:
    for value in seconds:
        if not (math.isfinite(value) and value >= 0):
            raise DataError(f"{value} seconds: a time is 0 or more")


@functools.cache
def _set_head(is_sqlite: bool) -> Any:
    return _written_over(is_sqlite, heads, "version", "current", "decision", "at")


@functools.cache
def _keep_typed(is_sqlite: bool) -> Any:
    return _written_over(is_sqlite, autosaves, "texts", "at")


def _written_over(is_sqlite: bool, one: Table, *names: str) -> Any:
    """An INSERT that writes those columns over where the item and person have a row."""
    added = sqlite.insert(one) if is_sqlite else postgresql.insert(one)
    return added.on_conflict_do_update(
        index_elements=["item_id", "person_id"], set_={name: added.excluded[name] for name in names}
    )
