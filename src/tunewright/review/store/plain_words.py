"""What a database or a disk refuses, said so that whoever gave the command knows what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping

from sqlalchemy.exc import DBAPIError

from tunewright.errors import DataError

# By SQLite's primary result codes.
_SENTENCES: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "another program has been writing in it for minutes; end that one, or wait",
    sqlite3.SQLITE_READONLY: "may only be read; make the file and its folder writable for you, or copy it to "
    "where you may write",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written ({said}); check it, and that it is not full",
    sqlite3.SQLITE_CORRUPT: "is damaged ({said}); open a backup",
    sqlite3.SQLITE_FULL: "the disk is full; what was saved before is kept: make room, then give the command "
    "again",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened ({said}); check the path, and its permissions",
    sqlite3.SQLITE_NOTADB: "is no database ({said}); name another file with --db: a new one is made",
}
_OTHERWISE = "cannot be opened ({said}); check the path or the URL, and its permissions"


@contextlib.contextmanager
def in_plain_words(name: str) -> Iterator[None]:
    """DataError with the database's name for what SQLite or PostgreSQL refuses in the block."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the rest of the bits tell variants apart
        said = " ".join(str(cause).split())
        raise DataError(f"{name}: {_SENTENCES.get(code, _OTHERWISE).format(said=said)}") from error


def not_made(name: str, error: OSError) -> DataError:
    """What to raise when a database's file can be neither read nor made."""
    return DataError(
        f"{name}: cannot be read or made ({error.strerror or error}); check that you may write there, or "
        "name another file with --db"
    )
