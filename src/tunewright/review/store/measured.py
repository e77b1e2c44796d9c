"""What of people's work was measured here: what came in from other tools has no time, or wall time.

One save from elsewhere keeps a person's whole pair out: how long they took for it cannot be told any more.
"""

from __future__ import annotations

from sqlalchemy import exists, func, or_, select

from tunewright.review.store.database import Database
from tunewright.review.store.revision_rows import OF_HEAD
from tunewright.review.store.schema import heads, revisions

_other = revisions.alias("other")
IS_OUTSIDE = exists().where(  # of a head
    _other.c.item_id == heads.c.item_id, _other.c.person_id == heads.c.person_id, _other.c.source != ""
)


def unlike_last_save(db: Database, queue_id: int) -> dict[tuple[int, int], float | None]:
    """By item and person the active seconds of all saves together, None where one is from elsewhere. Only of
    those that differ from the seconds of the last save: several saves, or one from elsewhere."""
    source = func.max(revisions.c.source)
    with db.read() as connection:
        rows = connection.execute(
            select(heads.c.item_id, heads.c.person_id, func.sum(revisions.c.seconds), source)
            .join(revisions, OF_HEAD)
            .where(heads.c.queue_id == queue_id)
            .group_by(heads.c.item_id, heads.c.person_id)
            .having(or_(func.count() > 1, source != ""))
        )
        return {(item_id, person_id): None if tool else seconds for item_id, person_id, seconds, tool in rows}
