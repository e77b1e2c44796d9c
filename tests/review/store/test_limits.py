"""What the tables themselves refuse, whoever writes to them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from support.stores import Clock, new_items, person, queue_of, saved
from tunewright.errors import DataError
from tunewright.review.store import database
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database, migrate
from tunewright.review.store.queues import add_revise_queue
from tunewright.review.store.schema import audit, places, queues, revisions
from tunewright.review.store.work import next_work


@pytest.mark.parametrize("place", [3, 0, -1])
def test_an_item_has_no_place_beyond_those_of_its_queue(db: Database, place: int) -> None:
    queue = queue_of(db, 1, overlap=2)
    one = insert(places).values(item_id=1, place=place, queue_id=queue.id, free_at=0.0)
    with pytest.raises(IntegrityError), db.write() as connection:
        connection.execute(one)


def test_a_place_stays_where_it_is_and_a_queue_asks_for_no_fewer(db: Database) -> None:
    queue = queue_of(db, 1, overlap=2)
    queue_of(db, 1, name="other", overlap=5)
    for statement in (
        update(places).where(places.c.item_id == 1, places.c.place == 2).values(place=3),
        update(places).where(places.c.item_id == 1).values(queue_id=2),
        insert(places).values(item_id=1, place=3, queue_id=2, free_at=0.0),
        update(queues).where(queues.c.id == queue.id).values(overlap=1),
    ):
        with pytest.raises(IntegrityError), db.write() as connection:
            connection.execute(statement)


def test_no_line_of_the_audit_is_replaced(sqlite_db: Database) -> None:
    ann, _ = person(sqlite_db, "ann"), queue_of(sqlite_db, 1)
    before = events(sqlite_db)
    line = (
        f"INSERT OR REPLACE INTO audit (id, at, person, action, subject, detail) VALUES ({before[0].id}, 0, "
        f"'{ann.name}', 'save', 'item:1', '{{}}')"
    )
    with pytest.raises(IntegrityError, match="only ever added to"), sqlite_db.write() as connection:
        connection.execute(text(line))
    assert events(sqlite_db) == before
    with sqlite_db.write() as connection:
        connection.execute(
            insert(audit).values(at=1.0, person="ann", action="take", subject="item:1", detail={})
        )
    assert len(events(sqlite_db)) == len(before) + 1


@pytest.mark.parametrize("overlap", [0, 51, 100_000])
def test_a_pair_goes_to_fifty_people_at_most_from_the_start(db: Database, overlap: int) -> None:
    with pytest.raises(DataError, match=f"overlap {overlap}: each pair goes to 1 to 50 people"):
        add_revise_queue(db, "many", new_items(1), overlap=overlap)


def test_what_an_older_database_brought_in_is_known_to_be_from_there(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "old.db", clock=Clock())
    config = Config()
    folder = Path(database.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    with db.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("INSERT INTO people VALUES (1, 'ann', 'ann', 'expert', '', 1, 0)")
        old.execute("INSERT INTO queues VALUES (1, 'q', 'revise', 1, 1, '', 0, '[]', '[]', 7, 1, 0)")
        old.execute("INSERT INTO items VALUES (1, 1, 'k', '{}', NULL, '', '[]', '[]', '{}', '{}', NULL)")
        for version in (1, 2):
            old.execute("INSERT INTO revisions VALUES (1, 1, ?, 0, 'edit', '{}', '', 5, 5, 0, 0)", (version,))
        old.execute(
            "INSERT INTO audit (at, person, action, subject, detail) VALUES (0, 'lea', 'import result', "
            '\'item:1\', \'{"of":"ann","version":2,"decision":"edit","tool":"argilla","at":0}\')'
        )
    old.close()
    migrate(db)
    with db.read() as connection:
        found = connection.execute(select(revisions.c.version, revisions.c.source))
        assert dict(map(tuple, found)) == {1: "", 2: "argilla"}
    db.close()


def test_a_queue_in_use_still_takes_saves(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 2)
    work = next_work(db, queue.id, ann)
    assert work is not None
    assert saved(db, work.item.id, ann).source == ""
