"""Which database is meant: a file (SQLite) or a PostgreSQL server, and its name without any password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from tunewright.errors import DataError

_HOW = "write sqlite:///FILE or postgresql://HOST/NAME"
_IN_AUTHORITY = re.compile(r"(:/+[^:@/]*):.*@")  # to the last @: a password may hold one that is not encoded
_IN_QUERY = re.compile(r"(?i)((?:password|passwd|pwd)=)[^&\s]*")


@dataclass(frozen=True, slots=True)
class Address:
    """`file` is SQLite's, None for a server. `shown` is what the user wrote, a password as ***."""

    url: URL
    file: Path | None
    shown: str


def address_of(given: str | Path) -> Address:
    """The database at a path, or at `sqlite:///…` or `postgresql://…`. DataError for anything else."""
    text = str(given)
    shown = without_password(text)
    if isinstance(given, Path) or not re.match(r"[A-Za-z][\w.+-]*:/|://", text):
        if not text.strip():
            raise DataError("the database has no name; give a file with --db")
        return Address(URL.create("sqlite", database=text), Path(text), shown)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise DataError(f"{shown}: not a database; {_HOW}") from None
    if url.drivername == "sqlite" and not url.host and url.database and url.database != ":memory:":
        return Address(url, Path(url.database), shown)
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        if "@" in (url.host or ""):
            raise DataError(f"{shown}: has more than one @; write one in a password as %40")
        return Address(url.set(drivername="postgresql+psycopg"), None, shown)
    raise DataError(f"{shown}: {_HOW}")


def same_address(given: str | Path) -> str:
    """One text for all ways to name a database from here: of a file the whole path, of a server the URL
    without a password."""
    found = address_of(given)
    if found.file is not None:
        return str(found.file.resolve())
    # `set` takes None for "leave it as it is"
    return without_password(found.url._replace(password=None).render_as_string())


def without_password(text: str) -> str:
    """A URL in which nobody can read a password, also when it is no URL that anything would take."""
    return _IN_QUERY.sub(r"\1***", _IN_AUTHORITY.sub(r"\1:***@", text))
