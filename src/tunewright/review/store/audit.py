"""The audit: who did what, and when. Rows are only added; triggers in the database refuse anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from tunewright.review.model import Event, Person
from tunewright.review.store.database import Database
from tunewright.review.store.schema import audit

_INSERT = insert(audit)


def note(
    connection: Connection,
    db: Database,
    person: Person | None,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line in the transaction of what it tells; `person` None is the program itself."""
    line = {"at": db.clock(), "action": action, "subject": subject, "detail": dict(detail or {})}
    connection.execute(_INSERT, {**line, "person": person.name if person else ""})


def events(
    db: Database,
    *,
    subject: str | None = None,
    person: str | None = None,
    after: int = 0,
    limit: int | None = None,
    newest_first: bool = False,
) -> list[Event]:
    """Lines of the audit, oldest first, with a number above `after`; of one subject or person if named."""
    found = select(audit).where(audit.c.id > after)
    if subject is not None:
        found = found.where(audit.c.subject == subject)
    if person is not None:
        found = found.where(audit.c.person == person)
    found = found.order_by(audit.c.id.desc() if newest_first else audit.c.id).limit(limit)
    with db.read() as connection:
        return [Event(**row) for row in connection.execute(found).mappings()]
