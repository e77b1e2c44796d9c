"""The rows behind an owner's word on a pair, in the transaction of the caller.

A row of `samples` is a question to the owners, and its answer once `is_good` is set. Whatever makes an answer
old (a flag after "good", any save after "not good") puts the question again in the same transaction. So no
two times are compared, of which one may be another tool's; earlier answers stay in the audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, Integer, bindparam, delete, exists, select, update

from tunewright.errors import TunewrightError
from tunewright.review.model import Decision, Person, Revision
from tunewright.review.store.database import Database
from tunewright.review.store.schema import heads, samples

DRAWN = "drawn"
FLAGGED = "flagged"
AGAIN = "again"  # found not good, and saved again since
DRAWN_AGAIN = "drawn again"  # the same of a drawn pair: in the count of the sample it stays not good
ALL_DRAWN, ALL_AGAIN = (DRAWN, DRAWN_AGAIN), (AGAIN, DRAWN_AGAIN)

_ITEM = bindparam("of_item", type_=Integer())
# locked, so that a verdict and a save of one pair come one after the other
_QUESTION = select(samples.c.why, samples.c.is_good).where(samples.c.item_id == _ITEM).with_for_update()
IS_FLAGGED = exists().where(heads.c.item_id == samples.c.item_id, heads.c.decision == Decision.FLAG.value)


class Unseen(TunewrightError):
    """An expert saved, or took back, a version after the page with the versions was made."""

    def __init__(self) -> None:
        super().__init__("an expert changed a version meanwhile; look at it again, then decide")


def seen_of(item_id: int, made: Sequence[tuple[Person, Revision]]) -> str:
    """16 hexadecimal digits that name the versions shown on a page, and not whose they are."""
    versions = sorted((who.id, one.version) for who, one in made if one.decision is not Decision.SKIP)
    return hashlib.sha256(f"{item_id}|{versions}".encode()).hexdigest()[:16]


def put_question(
    connection: Connection, db: Database, queue_id: int, revision: Revision, *, is_first: bool
) -> None:
    """What a save asks of the owners: a flag asks, and after "not good" every save but a skip does."""
    item_id, is_flag = revision.item_id, revision.decision is Decision.FLAG
    row = connection.execute(_QUESTION, {"of_item": item_id}).one_or_none()
    if row is None:
        if is_flag:
            asked = db.upsert(samples).values(
                item_id=item_id, queue_id=queue_id, why=FLAGGED, reason="", at=revision.at
            )
            connection.execute(asked.on_conflict_do_nothing())
        return
    if row.is_good is False and revision.decision is not Decision.SKIP:
        _ask_again(connection, item_id, DRAWN_AGAIN if row.why in ALL_DRAWN else AGAIN, revision.at)
    elif row.is_good and is_flag:
        _ask_again(connection, item_id, FLAGGED if row.why == AGAIN else row.why, revision.at)
    if not is_flag and not is_first:
        unflag(connection, item_id)


def unflag(connection: Connection, item_id: int) -> None:
    """A flag that nobody holds up any more, and that no owner has answered, asks nothing of them."""
    connection.execute(
        delete(samples).where(
            samples.c.item_id == item_id, samples.c.why == FLAGGED, samples.c.is_good.is_(None), ~IS_FLAGGED
        )
    )


def answer_by_choice(connection: Connection, item_id: int, person: Person, reason: str, at: float) -> None:
    """Who chooses a version says that it is good: that answers what withholds the pair, and nothing else."""
    row = connection.execute(
        select(samples.c.why, samples.c.is_good, IS_FLAGGED.label("is_flagged"))
        .where(samples.c.item_id == item_id)
        .with_for_update(of=samples)
    ).one_or_none()
    if row is None or row.is_good:
        return
    if not (row.is_good is False or row.why in ALL_AGAIN or row.is_flagged):
        return  # only drawn: it still waits to be looked at
    why = row.why
    if why == DRAWN:  # nobody judged a flagged one as finished work, so it leaves the sample
        why = FLAGGED if row.is_good is None else DRAWN_AGAIN
    connection.execute(
        update(samples)
        .where(samples.c.item_id == item_id)
        .values(why=why, person_id=person.id, free_at=None, is_good=True, reason=reason, at=at)
    )


def _ask_again(connection: Connection, item_id: int, why: str, at: float) -> None:
    """The reason stays: the next page says what was wanted."""
    connection.execute(
        update(samples)
        .where(samples.c.item_id == item_id)
        .values(why=why, person_id=None, free_at=None, is_good=None, at=at)
    )
