"""Pairs that several people have finished, with what each made of them."""

from __future__ import annotations

from sqlalchemy import func, select

from tunewright.review.model import Decision, Revision
from tunewright.review.store.database import Database
from tunewright.review.store.revision_rows import IS_DONE, made_on
from tunewright.review.store.schema import heads

_UNDECIDED = (Decision.SKIP, Decision.FLAG)


def finished_by_several(db: Database, queue_id: int, *, most: int) -> list[tuple[Revision, ...]]:
    """Of each pair with two finished decisions or more these decisions, the latest last; skips and flags are
    none. The `most` last such pairs in the queue's order, which is the order in which pairs are given out."""
    with db.read() as connection:
        wanted = connection.execute(
            select(heads.c.item_id)
            .where(heads.c.queue_id == queue_id, IS_DONE, heads.c.decision != Decision.FLAG.value)
            .group_by(heads.c.item_id)
            .having(func.count() > 1)
            .order_by(heads.c.item_id.desc())
            .limit(most)
        )
        found = made_on(connection, list(wanted.scalars()))
    return [
        tuple(one for _, one in made if one.decision not in _UNDECIDED) for _, made in sorted(found.items())
    ]
