"""Many rows at once, on both databases alike: what goes wrong in the middle, and what nothing is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from support.stores import queue_of
from tunewright.errors import DataError
from tunewright.review.store.database import Database
from tunewright.review.store.many_rows import add_rows
from tunewright.review.store.schema import items, samples

ROW = {
    "item_id": 1,
    "queue_id": 1,
    "why": "drawn",
    "person_id": None,
    "free_at": 0.5,
    "reason": "\x00",
    "at": 2,
}


def num_samples(db: Database) -> int:
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(samples)).scalar_one()


def test_rows_come_back_as_they_were_given(db: Database) -> None:
    """NULL, a number of either kind, true and false, and a text that PostgreSQL cannot hold as it is."""
    queue_of(db, 2)
    with db.write() as connection:
        rows = [
            ROW | {"is_good": True},
            ROW | {"item_id": 2, "is_good": False, "reason": "tab\tnew\nline \\N"},
        ]
        add_rows(connection, samples, iter(rows))
    with db.read() as connection:
        found = connection.execute(select(samples).order_by(samples.c.item_id)).mappings().all()
    assert [dict(row) for row in found] == rows


def test_no_rows_are_fine(db: Database) -> None:
    with db.write() as connection:
        add_rows(connection, samples, [])
    assert num_samples(db) == 0


def test_an_error_of_the_rows_themselves_leaves_nothing(db: Database) -> None:
    queue_of(db, 2)

    def rows() -> Iterator[Mapping[str, Any]]:
        yield ROW
        raise DataError("the second row is broken")

    with pytest.raises(DataError, match="the second row is broken"), db.write() as connection:
        add_rows(connection, samples, rows())
    assert num_samples(db) == 0


def test_what_the_database_refuses_is_its_error_and_leaves_nothing(db: Database) -> None:
    queue_of(db, 2)
    with pytest.raises(DBAPIError, match=r"(?i)unique"), db.write() as connection:
        add_rows(connection, samples, [ROW, ROW])
    assert num_samples(db) == 0
    with db.read() as connection:  # and the connection goes back whole
        assert connection.execute(select(func.count()).select_from(items)).scalar_one() == 2
