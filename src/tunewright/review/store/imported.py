"""What an import wrote, as it lies there: to be compared with what it would write now, without taking a
hundred thousand rows apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, func, select, type_coerce

from tunewright.review.store.columns import AnyJson
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem
from tunewright.review.store.schema import items

_ROWS_AT_ONCE = 1_000
_JSON = AnyJson()


@dataclass(frozen=True, slots=True)
class Written:
    """An item's columns; JSON is the text in which it is kept."""

    key: str
    original: str
    history: str
    meta: str
    draft: str | None
    draft_reason: str
    findings: str


def written_items(db: Database, queue_id: int) -> Iterator[Written]:
    """All items of a queue, in the order of import."""
    with db.read() as connection:
        ends = select(func.min(items.c.id), func.max(items.c.id)).where(items.c.queue_id == queue_id)
        first, last = connection.execute(ends).one()
        rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(
            select(
                items.c.key,
                _raw(items.c.original),
                _raw(items.c.history),
                _raw(items.c.meta),
                _raw(items.c.draft),
                items.c.draft_reason,
                _raw(items.c.findings),
            )
            .where(items.c.id.between(first, last), items.c.queue_id + 0 == queue_id)  # + 0: read by id
            .order_by(items.c.id)
        )
        for row in rows:
            yield Written(*row)


def as_written(db: Database, new: NewItem) -> Written:
    """The item as its import would write it."""
    dialect = db.engine.dialect
    return Written(
        new.key,
        _text(dict(new.original), dialect),
        _text([list(turn) for turn in new.history], dialect) if new.history else "[]",
        _text(dict(new.meta), dialect),
        None if new.draft is None else _text(dict(new.draft), dialect),
        new.draft_reason,
        _text([finding.row() for finding in new.findings], dialect) if new.findings else "[]",
    )


def value_of(written: str, db: Database) -> Any:
    """The value in a JSON column's text."""
    return _JSON.process_result_value(written, db.engine.dialect)


def _text(value: Any, dialect: Dialect) -> str:
    text = _JSON.process_bind_param(value, dialect)
    assert text is not None
    return text


def _raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(column, Text).label(f"{column.key}_text")
