"""Queues of work: pairs to revise, and the items of a rating study; how they are imported and read."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select, text, update

from tunewright.errors import DataError
from tunewright.review.model import Arm, Finding, Item, Person, Queue, QueueKind, Texts
from tunewright.review.store.assignment import MAX_OVERLAP
from tunewright.review.store.audit import events, note
from tunewright.review.store.database import Database
from tunewright.review.store.many_rows import add_rows
from tunewright.review.store.queue_rows import add_queue, checked_texts, item_of, queue_of
from tunewright.review.store.schema import items, places, search_texts
from tunewright.review.store.schema import queues as table
from tunewright.review.store.searching import words_of
from tunewright.review.store.study_queues import add_rate_queue

__all__ = [
    "NewItem",
    "add_rate_queue",
    "add_revise_queue",
    "close_queue",
    "item",
    "items_with_key",
    "open_queue",
    "queue",
    "queue_of",
    "queues",
    "seed_of",
    "source_of",
]

_Row = TypeVar("_Row")
_ROWS_AT_ONCE = 1_000
IMPORT = "import"
MAX_KEY_CHARS = 400  # a database indexes no text of any length
_HALF_BLOCKS = (
    1,
    2,
    3,
)  # an experiment's arms are equal after every 2, 4 or 6 items, drawn, so nobody foresees


@dataclass(frozen=True, slots=True)
class NewItem:
    """A pair to import. `key` is the record's id, once in a queue; the rest as in `Item`."""

    key: str
    original: Texts
    draft: Texts | None = None
    draft_reason: str = ""
    findings: tuple[Finding, ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)


def add_revise_queue(
    db: Database,
    name: str,
    items: Iterable[NewItem],
    *,
    overlap: int = 1,
    experiment: bool = False,
    criteria: Iterable[str] = (),
    seed: int = 7,
    source: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
    by: Person | None = None,
) -> Queue:
    """A new queue in which every item has `overlap` places, in one transaction.

    In an `experiment` items with a draft are drawn into two arms of the same size. `source` says where the
    items come from, for `source_of`. `progress` is told the number of items so far. DataError: a key twice
    (both places are named), a name taken, no items, an experiment without a draft.
    """
    if not 1 <= overlap <= MAX_OVERLAP:
        raise DataError(f"overlap {overlap}: each pair goes to 1 to {MAX_OVERLAP} people")
    new = list(items)  # read whole before the transaction: nobody's save waits for a slow file
    _check_keys(new)
    if experiment and all(one.draft is None for one in new):
        raise DataError(
            f"{name!r} cannot be an experiment: no item has a draft to hide; import a run of `revise`, or "
            "name one with --drafts"
        )
    with db.write() as connection:
        queue = add_queue(
            connection,
            db,
            name,
            QueueKind.REVISE,
            overlap=overlap,
            num_items=len(new),
            experiment=experiment,
            criteria=list(criteria),
            seed=seed,
        )
        first_id = _next_item_id(connection, db)
        arms = _arms(new, seed) if experiment else itertools.repeat(None)
        rows = zip(itertools.count(first_id), new, arms, strict=False)
        for chunk in _chunks(rows):
            _insert_items(connection, queue, chunk)
            if progress is not None:
                progress(chunk[-1][0] - first_id + 1)
        told = {"name": queue.name, "items": len(new), **({"source": source} if source else {})}
        note(connection, db, by, IMPORT, f"queue:{queue.id}", told)
    if not db.is_sqlite:
        with db.write() as connection:
            connection.execute(text("ANALYZE"))
    return queue


def queues(db: Database) -> list[Queue]:
    """All queues, the newest last."""
    with db.read() as connection:
        return [queue_of(row) for row in connection.execute(select(table).order_by(table.c.id))]


def queue(db: Database, id: int) -> Queue | None:
    with db.read() as connection:
        row = connection.execute(select(table).where(table.c.id == id)).one_or_none()
        return None if row is None else queue_of(row)


def source_of(db: Database, queue: Queue) -> Mapping[str, Any] | None:
    """Where the items of a queue came from, as its import said; None where it did not (older queues)."""
    noted = [event for event in events(db, subject=f"queue:{queue.id}", limit=1) if event.action == IMPORT]
    return noted[0].detail.get("source") if noted else None


def seed_of(db: Database, queue: Queue) -> int:
    """The seed of a queue's experiment."""
    with db.read() as connection:
        seed: int = connection.execute(select(table.c.seed).where(table.c.id == queue.id)).scalar_one()
        return seed


def close_queue(db: Database, id: int, *, by: Person | None = None) -> Queue:
    """Give out no more work. Who has an item of a revise queue may still save it; a study takes no rating."""
    return _set_open(db, id, False, by)


def open_queue(db: Database, id: int, *, by: Person | None = None) -> Queue:
    return _set_open(db, id, True, by)


def item(db: Database, id: int) -> Item | None:
    """An item as it was imported, with its draft, whatever an experiment hides from its expert."""
    with db.read() as connection:
        row = connection.execute(select(items).where(items.c.id == id)).one_or_none()
        return None if row is None else item_of(row)


def items_with_key(db: Database, key: str) -> list[Item]:
    """The items of all queues that come from one record."""
    with db.read() as connection:
        return [
            item_of(row)
            for row in connection.execute(select(items).where(items.c.key == key).order_by(items.c.id))
        ]


def _check_keys(new: list[NewItem]) -> None:
    if not new:
        raise DataError("there are no items to import; name a file that has records")
    seen: dict[str, int] = {}
    for number, one in enumerate(new, start=1):
        if not 1 <= len(one.key) <= MAX_KEY_CHARS:
            raise DataError(
                f"item {number:,}: a key has 1 to {MAX_KEY_CHARS} characters, not {len(one.key):,}"
            )
        first = seen.setdefault(one.key, number)
        if first != number:
            raise DataError(
                f"the key {one.key!r} is met twice, as items {first:,} and {number:,}; "
                "give each record an id of its own"
            )


def _next_item_id(connection: Connection, db: Database) -> int:
    if not db.is_sqlite:  # two imports at once would count from the same number
        connection.execute(text("LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE"))
    return (connection.execute(select(func.max(items.c.id))).scalar() or 0) + 1


def _arms(new: list[NewItem], seed: int) -> Iterator[Arm | None]:
    draws = _balanced(random.Random(seed))
    return (next(draws) if one.draft is not None else None for one in new)


def _balanced(rng: random.Random) -> Iterator[Arm]:
    while True:
        block = [Arm.WITH_DRAFT, Arm.WITHOUT_DRAFT] * rng.choice(_HALF_BLOCKS)
        rng.shuffle(block)
        yield from block


def _chunks(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, _ROWS_AT_ONCE)):
        yield chunk


def _insert_items(connection: Connection, queue: Queue, chunk: list[tuple[int, NewItem, Arm | None]]) -> None:
    add_rows(connection, items, (_item_row(queue, *one) for one in chunk))
    add_rows(
        connection,
        places,
        (
            {"item_id": id, "place": place, "queue_id": queue.id, "person_id": None, "free_at": 0.0}
            for id, _, _ in chunk
            for place in range(1, queue.overlap + 1)
        ),
    )
    add_rows(
        connection,
        search_texts,
        ({"item_id": id, "words": words_of(new.key, new.original, new.draft or {})} for id, new, _ in chunk),
    )


def _item_row(queue: Queue, id: int, new: NewItem, arm: Arm | None) -> dict[str, Any]:
    return {
        "id": id,
        "queue_id": queue.id,
        "key": new.key,
        "original": checked_texts(new.original, f"item {new.key!r}"),
        "draft": None if new.draft is None else checked_texts(new.draft, f"item {new.key!r}, draft"),
        "draft_reason": new.draft_reason,
        "findings": [finding.row() for finding in new.findings],
        "history": [list(turn) for turn in new.history],
        "meta": dict(new.meta),
        "lineage": dict(new.lineage),
        "arm": None if arm is None else arm.value,
    }


def _set_open(db: Database, id: int, is_open: bool, by: Person | None) -> Queue:
    with db.write() as connection:
        row = connection.execute(
            update(table).where(table.c.id == id).values(is_open=is_open).returning(table)
        ).one_or_none()
        if row is None:
            raise DataError(f"there is no queue {id}")
        note(connection, db, by, "open queue" if is_open else "close queue", f"queue:{id}")
        return queue_of(row)
