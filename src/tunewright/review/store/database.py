"""The connection to SQLite or PostgreSQL, with the promises that the rest of the store builds on.

A write is one transaction that is on disk before it returns. On SQLite writers queue up at its beginning
(BEGIN IMMEDIATE, never in its middle), readers see a snapshot and wait for nobody (WAL).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite

from tunewright.errors import DataError
from tunewright.review.store.address import address_of
from tunewright.review.store.plain_words import in_plain_words, not_made

BUSY_SECONDS = 120  # a large import holds the others up for some seconds
_PAUSELESS = text("SET LOCAL synchronous_commit = off")
_SQLITE_BEGINS = b"SQLite format 3\0"
_MIGRATION_LOCK = 7_160_001  # any number, the same in every process


class Database:
    """Where a review is kept. `clock` gives the time; tests put their own there. `name` is how the user
    called it, without a password."""

    def __init__(self, engine: Engine, clock: Callable[[], float], name: str) -> None:
        self.engine = engine
        self.name = name
        self.clock = clock
        self._writing = threading.Lock()

    @classmethod
    def open(cls, url: str | Path, *, clock: Callable[[], float] = time.time) -> Database:
        """The database at a path, or at `sqlite:///…` or `postgresql://…`. Its tables come with `migrate`.

        A file that is not there is made; DataError when its folder is not, or when it is something else."""
        address = address_of(url)
        try:
            with in_plain_words(address.shown):
                if address.file is None:
                    engine = create_engine(address.url, pool_size=10, max_overflow=40, pool_pre_ping=True)
                else:
                    _make_private(address.file, address.shown)
                    engine = create_engine(
                        address.url,
                        pool_size=10,
                        max_overflow=40,
                        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
                    )
                    event.listen(engine, "connect", _set_up_sqlite)
                    event.listen(engine, "begin", _begin_sqlite)
                with engine.connect():
                    pass
        except ModuleNotFoundError as error:
            raise DataError("PostgreSQL needs a driver: pip install 'psycopg[binary]'") from error
        return cls(engine, clock, address.shown)

    def upsert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT of this database that can say `on_conflict_do_update`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def close(self) -> None:
        self.engine.dispose()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database and changes nothing."""
        with self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self, *, waits_for_disk: bool = True) -> Iterator[Connection]:
        """A transaction, on disk when the block ends, undone when it raises.

        What nobody wrote (who holds which item, that a session was used) need not wait for the disk: killed
        programs lose nothing of it either, a power cut may take the last of it back."""
        # Threads wait here in turn; SQLite's own waiting sleeps and tries again.
        waiting = self._writing if self.is_sqlite else contextlib.nullcontext()
        how = "FULL" if waits_for_disk else "NORMAL"
        with waiting, self.engine.connect().execution_options(writes=how) as connection, connection.begin():
            if not self.is_sqlite and not waits_for_disk:
                connection.execute(_PAUSELESS)
            yield connection


def migrate(db: Database) -> None:
    """Bring the tables to this version's; processes that start together wait for the first.

    DataError when a newer Tunewright has been here."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with db.write() as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        there = MigrationContext.configure(connection).get_current_heads()
        if not there:
            _check_ours(sorted(inspect(connection).get_table_names()), db.name)
        unknown = set(there) - known
        if unknown:
            raise DataError(
                f"{db.name}: made by a newer Tunewright (its tables are at "
                f"{', '.join(sorted(unknown))}); upgrade Tunewright, or open a backup of before"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def backup(db: Database, path: str | Path) -> None:
    """A copy of a SQLite database in a new file, checked, while others go on writing.

    DataError for PostgreSQL, which has its own tool, and when the file is there already."""
    if not db.is_sqlite:
        raise DataError(f"{db.name}: a PostgreSQL database is backed up with pg_dump")
    path = Path(path)
    if path.exists():
        raise DataError(f"{path}: there already; a backup is never written over, name a new file")
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); name another file") from error
    try:
        with in_plain_words(str(path)):
            _copy(db, partial, path)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _copy(db: Database, partial: Path, path: Path) -> None:
    with db.read() as connection, contextlib.closing(sqlite3.connect(partial)) as copy:
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without its -wal beside it
        [answer] = copy.execute("PRAGMA integrity_check").fetchone()
    if answer != "ok":
        raise DataError(f"{path}: the copy is damaged ({answer}); check the disk and try again")


def check_folder(path: Path, name: str) -> None:
    """DataError unless the folder of a database's file is there: a mistyped path makes no folders."""
    if not path.parent.is_dir():
        raise DataError(
            f"{name}: there is no folder {path.parent}; make it first, or name another file with --db"
        )


def _make_private(path: Path, name: str) -> None:
    """An empty file for the database that nobody else on the machine can read, unless there is one.

    DataError when the file is something else, or cannot be made."""
    try:
        _check_file(path, name)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise not_made(name, error) from error


def _check_file(path: Path, name: str) -> None:
    if path.is_dir():
        raise DataError(f"{name}: is a folder; name a file in it with --db")
    check_folder(path, name)
    if not path.exists():
        return
    with path.open("rb") as file:
        begins = file.read(len(_SQLITE_BEGINS))
    if begins and begins != _SQLITE_BEGINS:
        raise DataError(
            f"{name}: is another kind of file, not a database; name another file with --db: a new one is made"
        )
    _check_tables(path, name)


def _check_tables(path: Path, name: str) -> None:
    """DataError when another program's tables are in the file, before opening it to write changes it."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as connection,
    ):
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        _check_ours([one for (one,) in found], name)


def _check_ours(tables: list[str], name: str) -> None:
    if tables and "alembic_version" not in tables:
        raise DataError(
            f"{name}: holds other tables ({', '.join(tables[:3])}); name an empty or a new database with --db"
        )


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    if writes:
        connection.exec_driver_sql(f"PRAGMA synchronous={writes}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
