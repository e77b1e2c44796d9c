"""What tests of the review's store share: a clock, people, small queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewright.review.model import Decision, Person, Queue, Revision, Role
from tunewright.review.store.database import Database
from tunewright.review.store.people import add_person
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.store.revisions import save

START = 1_780_000_000.0


class Clock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


def clock_of(db: Database) -> Clock:
    assert isinstance(db.clock, Clock)
    return db.clock


def person(db: Database, name: str, role: Role = Role.EXPERT) -> Person:
    return add_person(db, name, role, None)


def new_items(number: int) -> list[NewItem]:
    """Items k1, k2, … whose drafts replace the outputs."""
    return [
        NewItem(
            f"k{place}",
            {"instruction": f"Ask {place}.", "output": f"Said {place}."},
            {"output": f"Drawn {place}."},
        )
        for place in range(1, number + 1)
    ]


def queue_of(db: Database, number: int, *, name: str = "pairs", **settings: Any) -> Queue:
    return add_revise_queue(db, name, new_items(number), **settings)


def saved(
    db: Database,
    item_id: int,
    who: Person,
    *,
    version: int = 0,
    decision: Decision = Decision.EDIT,
    texts: Mapping[str, str] | None = None,
    reason: str = "",
    seconds: float = 60.0,
) -> Revision:
    """A save that says only what a test is about."""
    return save(
        db,
        item_id,
        who,
        version=version,
        decision=decision,
        texts={"output": "Mine."} if texts is None else texts,
        reason=reason,
        seconds=seconds,
        seconds_open=2 * seconds,
    )
