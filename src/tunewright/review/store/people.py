"""People, their passwords, and what slows down somebody who guesses them.

A password is kept as an argon2 hash. An unknown name takes as long to refuse as a wrong password.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from typing import Any

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Select, insert, or_, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tunewright.errors import DataError
from tunewright.review.model import Person, Role
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.names import checked_name
from tunewright.review.store.schema import login_failures, sessions
from tunewright.review.store.schema import people as table

MAX_NAME_CHARS = 100
MIN_PASSWORD_CHARS = 10
MAX_PASSWORD_CHARS = 1_000  # argon2 would read any amount
REMEMBERED_SECONDS = 900.0
_FREE_FAILURES = 5  # of a name from an address
_FREE_FAILURES_OF_ADDRESS = 20
_FREE_FAILURES_OF_NAME = 50  # from everywhere; high, or anybody could lock anybody out
PERSON_COLUMNS = (table.c.id, table.c.name, table.c.role, table.c.is_active)
_hasher = argon2.PasswordHasher()


def add_person(
    db: Database, name: str, role: Role, password: str | None, *, by: Person | None = None
) -> Person:
    """A new person. Without a password only links and the start's token let them in.

    DataError when the name is taken (large and small letters are the same) or the password too short."""
    hashed = _hash(name, password)
    name = checked_name(name, "a name", most_chars=MAX_NAME_CHARS)
    try:
        with db.write() as connection:
            row = connection.execute(
                insert(table)
                .values(
                    name=name,
                    folded_name=_folded(name),
                    role=role.value,
                    password_hash=hashed,
                    is_active=True,
                    created_at=db.clock(),
                )
                .returning(*PERSON_COLUMNS)
            ).one()
            note(connection, db, by, "add person", f"person:{name}", {"role": role.value})
            return person_of(row)
    except IntegrityError:
        raise DataError(f"{name!r} is a person already; choose another name") from None


def people(db: Database) -> list[Person]:
    """Everybody, by name."""
    with db.read() as connection:
        return [person_of(row) for row in connection.execute(_person().order_by(table.c.folded_name))]


def person_named(db: Database, name: str) -> Person | None:
    with db.read() as connection:
        row = connection.execute(_person().where(table.c.folded_name == _folded(name))).one_or_none()
        return None if row is None else person_of(row)


def person_with_id(db: Database, id: int) -> Person | None:
    with db.read() as connection:
        row = connection.execute(_person().where(table.c.id == id)).one_or_none()
        return None if row is None else person_of(row)


def with_passwords(db: Database) -> frozenset[str]:
    """The names of those who can log in with a password."""
    with db.read() as connection:
        return frozenset(
            connection.execute(select(table.c.name).where(table.c.password_hash != "")).scalars()
        )


def set_role(db: Database, name: str, role: Role, *, by: Person | None = None) -> Person:
    return _change(db, name, "set role", {"role": role.value}, by, role=role.value)


def set_password(db: Database, name: str, password: str, *, by: Person | None = None) -> Person:
    """Give a new password; every session of the person ends."""
    hashed = _hash(name, password)
    return _change(db, name, "set password", {}, by, ends_sessions=True, password_hash=hashed)


def set_active(db: Database, name: str, is_active: bool, *, by: Person | None = None) -> Person:
    """Let a person in again, or no longer; then their sessions end. What they did stays."""
    return _change(
        db, name, "set active", {"is_active": is_active}, by, ends_sessions=not is_active, is_active=is_active
    )


def check_password(db: Database, name: str, password: str) -> Person | None:
    """The active person with this name and password. Every no takes the same time, whatever its reason."""
    with db.read() as connection:
        row = connection.execute(
            select(*PERSON_COLUMNS, table.c.password_hash).where(table.c.folded_name == _folded(name))
        ).one_or_none()
    hashed = row.password_hash if row is not None and row.password_hash else _hash_of_nobody()
    try:
        _hasher.verify(hashed, password[:MAX_PASSWORD_CHARS].encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return None
    return person_of(row) if row is not None and row.password_hash and row.is_active else None


def note_failure(db: Database, name: str, address: str) -> None:
    """Remember that somebody at `address` gave a wrong name or password."""
    now = db.clock()
    with db.write() as connection:
        connection.execute(sql_delete(login_failures).where(login_failures.c.at < now - REMEMBERED_SECONDS))
        connection.execute(
            insert(login_failures).values(folded_name=_folded(name)[:100], address=address, at=now)
        )


def forget_failures(db: Database, name: str, address: str) -> None:
    """The person is in: what went wrong before from this address was a slip."""
    with db.write() as connection:
        connection.execute(
            sql_delete(login_failures).where(
                login_failures.c.folded_name == _folded(name)[:100], login_failures.c.address == address
            )
        )


def too_many_failures(db: Database, name: str, address: str) -> float:
    """How many seconds to wait before the next try; 0: go on.

    After some free failures each doubles the wait, up to 15 minutes from the last. Failures from far ahead
    were noted by a clock that was put back since; they would lock people out until it is there again."""
    now = db.clock()
    folded = _folded(name)[:100]
    same_name, same_address = login_failures.c.folded_name == folded, login_failures.c.address == address
    with db.read() as connection:
        rows = connection.execute(
            select(same_name, same_address, login_failures.c.at).where(
                login_failures.c.at.between(now - REMEMBERED_SECONDS, now + REMEMBERED_SECONDS),
                or_(same_name, same_address),
            )
        ).all()
    return max(
        _wait([at for named, here, at in rows if named and here], _FREE_FAILURES, now),
        _wait([at for _, here, at in rows if here], _FREE_FAILURES_OF_ADDRESS, now),
        _wait([at for named, _, at in rows if named], _FREE_FAILURES_OF_NAME, now),
    )


def person_of(row: Sequence[Any]) -> Person:
    """The person in a row that begins with the columns of `PERSONPERSON_COLUMNS`."""
    return Person(row[0], row[1], Role(row[2]), row[3])


def _person() -> Select[Any]:
    return select(*PERSON_COLUMNS)


def _change(
    db: Database,
    name: str,
    action: str,
    detail: dict[str, object],
    by: Person | None,
    *,
    ends_sessions: bool = False,
    **values: object,
) -> Person:
    with db.write() as connection:
        row = connection.execute(
            update(table)
            .where(table.c.folded_name == _folded(name))
            .values(values)
            .returning(*PERSON_COLUMNS)
        ).one_or_none()
        if row is None:
            raise DataError(f"no person is called {name!r}; see `tunewright review users list`")
        if ends_sessions:
            connection.execute(sql_delete(sessions).where(sessions.c.person_id == row[0]))
        note(connection, db, by, action, f"person:{row[1]}", detail)
        return person_of(row)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _hash(name: str, password: str | None) -> str:
    if password is None:
        return ""
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise DataError(
            f"the password of {name!r} has {len(password)} characters; "
            f"{MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} are right"
        )
    return _hasher.hash(password.encode("utf-8", "surrogatepass"))


@functools.cache
def _hash_of_nobody() -> str:
    return _hasher.hash("nobody's password")


def _wait(times: list[float], num_free: int, now: float) -> float:
    if len(times) < num_free:
        return 0.0
    pause = min(2.0 ** (len(times) - num_free), REMEMBERED_SECONDS)
    return max(0.0, max(times) + pause - now)
