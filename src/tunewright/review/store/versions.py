"""Pairs of which experts made different versions, and the one that an owner chose; every version stays.

Choices are rows of `adjudications`, as decisions on ratings are: the latest of a pair counts, all are kept. A
choice stands while the version that it names is still what its expert says; an undo that brings the same
texts back makes a version of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Text, case, func, insert, literal, select, type_coerce

from tunewright.errors import TunewrightError
from tunewright.review.model import Decision, Item, Person, Revision
from tunewright.review.store.audit import note
from tunewright.review.store.database import Database
from tunewright.review.store.owner_rows import Unseen, answer_by_choice, seen_of
from tunewright.review.store.queue_rows import item_of
from tunewright.review.store.revision_rows import COUNTS, IS_DONE, made_on
from tunewright.review.store.schema import adjudications, heads, items, people, revisions

_QUESTION = "version"
_CONTENT = case(  # what two versions must share to be the same, as in `exchange.final`
    (heads.c.decision == Decision.REJECT.value, literal("reject")),
    else_=type_coerce(revisions.c.texts, Text),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Of `expert`'s revisions the `version` is to be final, says `person`. `number` orders choices."""

    number: int
    item_id: int
    expert: str
    version: int
    person: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Versions:
    """A pair with the revisions of it that count, skips left out, and its latest choice."""

    item: Item
    made: tuple[tuple[Person, Revision], ...]
    latest: Choice | None

    @property
    def choice(self) -> Choice | None:
        """The latest choice, if it stands: the version that it names is still there."""
        one = self.latest
        if one is None or (one.expert, one.version) not in [
            (who.name, made.version) for who, made in self.made
        ]:
            return None
        return one

    @property
    def seen(self) -> str:
        """Names the versions and the choice, for a page to send back."""
        return _seen(seen_of(self.item.id, self.made), 0 if self.latest is None else self.latest.number)


class AlreadyChosen(TunewrightError):
    """Somebody chose since the versions were looked at."""

    def __init__(self) -> None:
        super().__init__("somebody chose a version meanwhile; look at it, then choose again if need be")


def differing(
    db: Database, queue_id: int, *, offset: int = 0, limit: int = 50
) -> tuple[list[Versions], bool]:
    """Pairs on which experts differ, in the order of import, and whether there are more."""
    with db.read() as connection:
        ids = list(
            connection.execute(
                select(heads.c.item_id)
                .join(revisions, COUNTS)
                .where(heads.c.queue_id == queue_id, IS_DONE)
                .group_by(heads.c.item_id)
                .having(func.count(_CONTENT.distinct()) > 1)
                .order_by(heads.c.item_id)
                .offset(offset)
                .limit(limit + 1)
            ).scalars()
        )
    return _versions(db, queue_id, ids[:limit]), len(ids) > limit


def versions_of(db: Database, queue_id: int, item_id: int) -> Versions | None:
    """Of one pair of the queue; None where there is no such pair or fewer than two versions."""
    found = _versions(db, queue_id, [item_id])
    return found[0] if found and len(found[0].made) > 1 else None


def choices(db: Database, queue_id: int) -> dict[int, Choice]:
    """By item, the latest choice; whether it stands, the revisions say."""
    with db.read() as connection:
        rows = connection.execute(
            select(adjudications, people.c.name)
            .join(people, people.c.id == adjudications.c.person_id)
            .where(adjudications.c.queue_id == queue_id, adjudications.c.question == _QUESTION)
            .order_by(adjudications.c.id)
        )
        return {
            int(row.item): Choice(
                row.id, int(row.item), row.answer, int(row.value), row.name, row.reason, row.at
            )
            for row in rows
        }


def choose(
    db: Database, item_id: int, revision: Revision, person: Person, reason: str, *, seen: str | None = None
) -> None:
    """Say that `revision` is to be final; that also answers a flag, and an earlier "not good".

    `seen` is that of the `Versions` that were looked at. Unseen when an expert saved another version since,
    AlreadyChosen when somebody chose since; without `seen` only `revision` must still be its expert's."""
    now = db.clock()
    with db.write() as connection:
        found = connection.execute(
            select(heads.c.queue_id, heads.c.person_id, heads.c.current, people.c.name)
            .join_from(heads, people, people.c.id == heads.c.person_id)
            .where(heads.c.item_id == item_id, IS_DONE)
            .order_by(heads.c.person_id)
            .with_for_update(of=heads)  # of two who choose at once the second sees the first's choice
        ).all()
        row = next((one for one in found if one.person_id == revision.person_id), None)
        if row is None or row.current != revision.version:
            raise Unseen
        if seen is not None:
            made = seen_of(item_id, made_on(connection, [item_id]).get(item_id, ()))
            if not seen.startswith(made):
                raise Unseen
            if seen != _seen(made, _latest_number(connection, row.queue_id, item_id)):
                raise AlreadyChosen
        connection.execute(
            insert(adjudications).values(
                queue_id=row.queue_id,
                item=str(item_id),
                answer=row.name,
                question=_QUESTION,
                value=revision.version,
                person_id=person.id,
                reason=reason,
                at=now,
            )
        )
        answer_by_choice(connection, item_id, person, reason, now)
        detail = {"expert": row.name, "version": revision.version, "reason": reason}
        note(connection, db, person, "choose", f"item:{item_id}", detail)


def _versions(db: Database, queue_id: int, ids: list[int]) -> list[Versions]:
    with db.read() as connection:
        found = connection.execute(
            select(items).where(items.c.queue_id == queue_id, items.c.id.in_(ids)).order_by(items.c.id)
        ).all()
        made = made_on(connection, ids)
    chosen = choices(db, queue_id)
    return [
        Versions(
            item_of(row),
            tuple(one for one in made.get(row.id, ()) if one[1].decision is not Decision.SKIP),
            chosen.get(row.id),
        )
        for row in found
    ]


def _latest_number(connection: Connection, queue_id: int, item_id: int) -> int:
    found: int = connection.execute(
        select(func.coalesce(func.max(adjudications.c.id), 0)).where(
            adjudications.c.queue_id == queue_id,
            adjudications.c.item == str(item_id),
            adjudications.c.question == _QUESTION,
        )
    ).scalar_one()
    return found


def _seen(made: str, number: int) -> str:
    return f"{made}_{number}"
