"""Opening, migrating and backing up."""

from __future__ import annotations

import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from support.stores import person, queue_of, saved
from tunewright.errors import DataError
from tunewright.review.model import Decision
from tunewright.review.store.database import Database, backup, migrate
from tunewright.review.store.people import people
from tunewright.review.store.revisions import history
from tunewright.review.store.schema import metadata
from tunewright.review.store.work import next_work


def test_the_migrations_lead_to_the_tables_of_the_schema(db: Database) -> None:
    with db.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
        differences = [one for one in compare_metadata(context, metadata) if not _is_of_search(one)]
        constraints = {
            one["name"]
            for table in metadata.tables
            for one in inspect(connection).get_unique_constraints(table)
        }
    assert differences == []
    assert {
        "uq_places_item_id_person_id",
        "uq_items_queue_id_key",
        "uq_tasks_queue_id_rater_place",
    } <= constraints


def test_migrating_twice_changes_nothing(db: Database) -> None:
    person(db, "ann")
    migrate(db)
    assert [one.name for one in people(db)] == ["ann"]


def test_workers_that_start_together_do_not_race(tmp_path: Path) -> None:
    opened = [Database.open(tmp_path / "review.db") for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, opened))
    assert people(opened[0]) == []
    for one in opened:
        one.close()


def test_workers_on_postgres_that_start_together_do_not_race(postgres_url: str) -> None:
    opened = [Database.open(postgres_url) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(migrate, opened))
    assert people(opened[0]) == []
    for one in opened:
        one.close()


def test_a_newer_database_is_refused_in_clear_words(db: Database) -> None:
    with db.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DataError, match=r"made by a newer Tunewright .*9999.*upgrade"):
        migrate(db)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE orders (id INTEGER)")
    shop.close()
    before = (tmp_path / "shop.db").read_bytes()
    with pytest.raises(DataError, match=r"holds other tables \(orders\)"):
        Database.open(tmp_path / "shop.db")
    assert (tmp_path / "shop.db").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["shop.db"]


@pytest.mark.parametrize("url", ["mysql://host/name", "sqlite://", "sqlite:///:memory:", "://"])
def test_what_is_no_database_for_a_review_is_refused(url: str) -> None:
    with pytest.raises(DataError, match="write sqlite:///FILE or postgresql://HOST/NAME"):
        Database.open(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "review.db").write_text("these are my notes, not a database\n" * 100)
    with pytest.raises(
        DataError, match=r"review\.db: is another kind of file, .*name another file with --db"
    ):
        Database.open(tmp_path / "review.db")
    (tmp_path / "half.db").write_bytes(b"SQLite format 3\0" + b"\1" * 84)
    with pytest.raises(DataError, match=r"half\.db: (is no database|is damaged) .*(--db|backup)"):
        Database.open(tmp_path / "half.db")


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.db: there is no folder .*gone; make it first"):
        Database.open(tmp_path / "gone" / "x.db")
    with pytest.raises(DataError, match="is a folder; name a file in it"):
        Database.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:geheim@127.0.0.1:1/review",
        "postgresql://127.0.0.1:1/review?user=ann&password=geheim",
        "postgresql://ann:geheim@host:port/review",
        "postgresql://ann:ge@heim@127.0.0.1:1/review",
        "postgresql:/ann:geheim@host/review",
        "mysql://ann:geheim@host/review",
    ],
)
def test_no_message_holds_a_password(url: str) -> None:
    with pytest.raises(DataError) as caught:
        Database.open(url)
    assert "***" in str(caught.value)
    assert "heim" not in str(caught.value)


def test_a_file_is_called_as_the_user_called_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("not a database")
    for name in ("notes.txt", "sqlite:///notes.txt"):
        with pytest.raises(DataError, match=f"^{name}: is another kind of file"):
            Database.open(name)


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    opened = Database.open(tmp_path / "new" / "review.db")
    migrate(opened)
    with opened.read():  # while it is open, what was written last lies in two files beside it
        found = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "new").iterdir()}
    opened.close()
    assert found == {"review.db": 0o600, "review.db-wal": 0o600, "review.db-shm": 0o600}


def test_sqlite_waits_for_the_disk_and_checks_references(sqlite_db: Database) -> None:
    with sqlite_db.read() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert values == ["wal", 2, 1, 120_000]  # 2 is FULL


def test_only_what_nobody_wrote_does_not_wait_for_the_disk(db: Database) -> None:
    asked = "PRAGMA synchronous" if db.is_sqlite else "SHOW synchronous_commit"
    found = []
    for waits in (True, False, True):
        with db.write(waits_for_disk=waits) as connection:
            found.append(connection.exec_driver_sql(asked).scalar())
    assert found == ([2, 1, 2] if db.is_sqlite else ["on", "off", "on"])  # of SQLite 2 is FULL, 1 NORMAL


def test_a_block_that_raises_is_undone(db: Database) -> None:
    def write_and_fail() -> None:
        with db.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    migrate(db)


def test_a_backup_made_while_others_write_is_whole_and_has_all_that_was_there(
    sqlite_db: Database, tmp_path: Path
) -> None:
    ann = person(sqlite_db, "ann")
    queue = queue_of(sqlite_db, 200)
    before: list[int] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            mine = next_work(sqlite_db, queue.id, ann)
            if mine is None:
                return
            saved(sqlite_db, mine.item.id, ann, decision=Decision.ACCEPT)
            before.append(mine.item.id)

    writing = threading.Thread(target=work)
    writing.start()
    while len(before) < 5:
        assert writing.is_alive()
    acknowledged = list(before)
    backup(sqlite_db, tmp_path / "copy.db")
    stop.set()
    writing.join()
    copy = Database.open(tmp_path / "copy.db")
    migrate(copy)
    assert all(history(copy, item_id) for item_id in acknowledged)
    copy.close()
    assert not list(tmp_path.glob("*.partial"))


def test_a_backup_is_never_written_over(sqlite_db: Database, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("older")
    with pytest.raises(DataError, match=r"copy\.db: there already"):
        backup(sqlite_db, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "older"


def test_postgres_is_sent_to_its_own_tool(postgres_db: Database, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pg_dump"):
        backup(postgres_db, tmp_path / "copy.db")


def _is_ours(name: str | None, kind: str, parents: object) -> bool:
    return not (kind == "table" and (name or "").startswith(("search_index", "alembic")))


def _is_of_search(difference: object) -> bool:
    return "ix_search_texts_words" in str(difference)
