"""Opening a database to work in it; a new one appears when what it is made for has gone well, or never."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tunewright.errors import DataError
from tunewright.review.store.address import address_of
from tunewright.review.store.database import Database, check_folder, migrate
from tunewright.review.store.plain_words import in_plain_words, not_made
from tunewright.run.files import sync_folder


@contextlib.contextmanager
def migrated(
    url: str | Path, *, new: bool = False, clock: Callable[[], float] = time.time
) -> Iterator[Database]:
    """The database with its tables brought up to date, for the block.

    One that is not there is made only when `new` says so: a mistyped name is no empty database. It is made
    beside its place under another name and gets its own at the end of the block, so that a command that is
    refused leaves nothing. DataError for what the disk or the server refuses.
    """
    address = address_of(url)
    if address.file is None or _is_there(address.file, address.shown):
        with _opened(url, address.shown, clock) as db:
            yield db
    elif new:
        with _made(address.file, address.shown, clock) as db:
            yield db
    else:
        raise DataError(
            f"{address.shown}: there is no such database; name it with --db, or begin with `review --data`"
        )


def _is_there(file: Path, name: str) -> bool:
    try:
        return file.exists()
    except OSError as error:  # in a folder that may not be looked into
        raise not_made(name, error) from error


@contextlib.contextmanager
def _opened(url: str | Path, name: str, clock: Callable[[], float]) -> Iterator[Database]:
    db = Database.open(url, clock=clock)
    db.name = name
    try:
        with in_plain_words(name):
            migrate(db)
            yield db
    finally:
        db.close()


@contextlib.contextmanager
def _made(path: Path, name: str, clock: Callable[[], float]) -> Iterator[Database]:
    check_folder(path, name)
    try:
        handle, made = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    except OSError as error:
        raise not_made(name, error) from error
    os.close(handle)
    temporary = Path(made)
    try:
        with _opened(temporary, name, clock) as db:
            yield db
            _gather(db)
        _publish(temporary, path, name)
    finally:
        for end in ("", "-wal", "-shm"):
            temporary.with_name(temporary.name + end).unlink(missing_ok=True)


def _gather(db: Database) -> None:
    """Everything into the one file that gets the name."""
    with db.engine.connect() as connection:
        connection.rollback()
        [is_busy, *_] = connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not is_busy, "somebody else has a file open that has a name of its own"


def _publish(temporary: Path, path: Path, name: str) -> None:
    try:
        try:
            os.link(temporary, path)  # unlike a renaming it never replaces a file
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if path.exists():
                raise FileExistsError from None
            temporary.rename(path)
        sync_folder(path.parent)
    except FileExistsError:
        raise DataError(f"{name}: another command has made it meanwhile; give this one again") from None
    except OSError as error:
        raise not_made(name, error) from error
