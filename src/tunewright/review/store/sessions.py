"""Logins and one-time links. Only the SHA-256 of a secret is kept: a copied database lets nobody in."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import OperationalError

from tunewright.review.model import Person, Session
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.people import PERSON_COLUMNS, person_of
from tunewright.review.store.schema import links, people, sessions

SESSION_SECONDS = 12 * 3600.0
IDLE_SECONDS = 2 * 3600.0
_KEPT_SECONDS = 24 * 3600.0  # of a link that is no good any more
_SEEN_EVERY_SECONDS = 60.0  # so that reading a page is not a write


def make_link(db: Database, person: Person, *, seconds: float = 600, by: Person | None = None) -> str:
    """A token that lets `person` in once within `seconds`."""
    token = secrets.token_urlsafe(32)
    with db.write() as connection:
        connection.execute(delete(links).where(links.c.expires_at < db.clock() - _KEPT_SECONDS))
        connection.execute(
            insert(links).values(
                token_sha256=_sha256(token), person_id=person.id, expires_at=db.clock() + seconds
            )
        )
        note(connection, db, by, "make link", f"person:{person.name}")
    return token


def use_link(db: Database, token: str) -> Person | None:
    """The person a token is for, the first time it is shown in its time; else None."""
    now = db.clock()
    with db.write() as connection:
        person_id = connection.execute(
            update(links)
            .where(
                links.c.token_sha256 == _sha256(token), links.c.used_at.is_(None), links.c.expires_at > now
            )
            .values(used_at=now)
            .returning(links.c.person_id)
        ).scalar()
        row = connection.execute(
            select(*PERSON_COLUMNS).where(people.c.id == person_id, people.c.is_active)
        ).one_or_none()
        if row is None:
            return None
        note(connection, db, person_of(row), "use link", f"person:{row[1]}")
        return person_of(row)


def begin_session(db: Database, person: Person) -> str:
    """The secret for the cookie of a new login."""
    secret = secrets.token_urlsafe(32)
    now = db.clock()
    with db.write() as connection:
        connection.execute(delete(sessions).where(sessions.c.begun_at < now - SESSION_SECONDS))
        connection.execute(
            insert(sessions).values(
                secret_sha256=_sha256(secret), person_id=person.id, begun_at=now, seen_at=now
            )
        )
        note(connection, db, person, "log in", f"person:{person.name}")
    return secret


def session_of(db: Database, secret: str) -> Session | None:
    """The login of a cookie; None after 12 hours, 2 hours without a page, a logout or a deactivation."""
    now = db.clock()
    mine = sessions.c.secret_sha256 == _sha256(secret)
    with db.read() as connection:
        row = connection.execute(
            select(*PERSON_COLUMNS, sessions.c.begun_at, sessions.c.seen_at)
            .join_from(sessions, people)
            .where(
                mine,
                people.c.is_active,
                sessions.c.begun_at > now - SESSION_SECONDS,
                sessions.c.seen_at > now - IDLE_SECONDS,
            )
        ).one_or_none()
    if row is None:
        return None
    if now - row.seen_at > _SEEN_EVERY_SECONDS:
        # reading goes on also when the disk is full
        with contextlib.suppress(OperationalError), db.write(waits_for_disk=False) as connection:
            connection.execute(update(sessions).where(mine).values(seen_at=now))
    expires = min(row.begun_at + SESSION_SECONDS, now + IDLE_SECONDS)
    return Session(person_of(row), _csrf(secret, row.id), expires)


def end_session(db: Database, secret: str) -> None:
    with db.write() as connection:
        person = connection.execute(
            select(*PERSON_COLUMNS)
            .join_from(sessions, people)
            .where(sessions.c.secret_sha256 == _sha256(secret))
        ).one_or_none()
        if person is not None:
            connection.execute(delete(sessions).where(sessions.c.secret_sha256 == _sha256(secret)))
            note(connection, db, person_of(person), "log out", f"person:{person[1]}")


def end_sessions_of(db: Database, person: Person, *, by: Person | None = None) -> None:
    with db.write() as connection:
        connection.execute(delete(sessions).where(sessions.c.person_id == person.id))
        note(connection, db, by, "end sessions", f"person:{person.name}")


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def person_of_csrf(csrf: str) -> int | None:
    """The id of the person whose session the forms' secret says it was of; None where it says none.

    Anybody can write one that says anything: it tells whose text a form of an ended session holds."""
    number, dot, _ = csrf.partition(".")
    return int(number) if dot and number.isascii() and number.isdigit() and len(number) <= 10 else None


def _csrf(secret: str, person_id: int) -> str:
    """The forms' secret follows from the cookie's, so it needs no keeping; it does not tell the cookie's. Who
    logged in stands before it: what one person typed must not be sent as the next one's."""
    digest = hmac.new(secret.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()
    return f"{person_id}.{digest}"
