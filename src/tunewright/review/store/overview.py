"""Counts over many queues and people, for the lead's pages: how far, how fast, and what the owner found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from tunewright.review.model import Arm, Decision
from tunewright.review.store.database import Database
from tunewright.review.store.measured import IS_OUTSIDE
from tunewright.review.store.owner_rows import ALL_DRAWN, DRAWN, DRAWN_AGAIN
from tunewright.review.store.revision_rows import IS_DONE, OF_HEAD
from tunewright.review.store.schema import (
    heads,
    items,
    people,
    places,
    rate_items,
    ratings,
    revisions,
    samples,
    tasks,
)

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Totals:
    """A queue in numbers. Of a revise queue places are counted, of a study each rater's items; `num_held` is
    what somebody has in hand now, `num_skipped` and `num_flagged` are people's words on items."""

    num_places: int = 0
    num_done: int = 0
    num_held: int = 0
    num_flagged: int = 0
    num_skipped: int = 0


@dataclass(frozen=True, slots=True)
class MainRating:
    """One rating of a main item (no training, gold or repeated one), blind. `prompt` is the same for all
    items with the same prompt; `codes` are the item's answers in alphabetical order."""

    item: str
    answer: str
    question: str
    rater: str
    value: Any
    prompt: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the quality owner said of one expert's finished items: drawn, looked at, good."""

    expert: str
    num_drawn: int
    num_seen: int
    num_good: int


@dataclass(frozen=True, slots=True)
class ArmTime:
    """One person's word on one item of an experiment. `seconds` is the active time of all their saves of it
    together, later corrections and undone ones included: a correction of three seconds does not make the pair
    look fast."""

    item_id: int
    person_id: int
    person: str
    arm: Arm
    decision: Decision
    seconds: float
    at: float


def totals(db: Database) -> dict[int, Totals]:
    """By queue; a queue without a place or task is not in it."""
    now = db.clock()
    with db.read() as connection:
        of_places = connection.execute(
            select(
                places.c.queue_id,
                func.count(),
                func.count().filter(places.c.free_at.is_(None)),
                func.count().filter(and_(places.c.person_id.is_not(None), places.c.free_at > now)),
            ).group_by(places.c.queue_id)
        ).all()
        said = {
            (queue_id, decision): num
            for queue_id, decision, num in connection.execute(
                select(heads.c.queue_id, heads.c.decision, func.count())
                .where(heads.c.decision.in_([Decision.FLAG.value, Decision.SKIP.value]))
                .group_by(heads.c.queue_id, heads.c.decision)
            )
        }
        of_tasks = connection.execute(
            select(tasks.c.queue_id, func.count(), func.count().filter(tasks.c.is_done)).group_by(
                tasks.c.queue_id
            )
        ).all()
    found = {
        queue_id: Totals(
            num_places,
            num_done,
            num_held,
            num_flagged=said.get((queue_id, Decision.FLAG.value), 0),
            num_skipped=said.get((queue_id, Decision.SKIP.value), 0),
        )
        for queue_id, num_places, num_done, num_held in of_places
    }
    return found | {queue_id: Totals(num, done) for queue_id, num, done in of_tasks}


def finished_per_day(db: Database, queue_id: int, *, num_days: int = 14) -> list[int]:
    """How much was finished in each of the last days of 24 hours, the oldest first; the last one ends now.

    A person's pair counts on the day of their first save that decided it, a correction is no new work; what
    came in from other tools was not done on the day that it came."""
    now = db.clock()
    starts = [now - DAY * back for back in range(num_days, 0, -1)]
    first = (
        select(func.min(revisions.c.at).label("at"))
        .join_from(heads, revisions, OF_HEAD)
        .where(
            heads.c.queue_id == queue_id,
            IS_DONE,
            heads.c.at > starts[0],  # who has saved nothing since then has not begun since then
            revisions.c.decision != Decision.SKIP.value,
            ~IS_OUTSIDE,
        )
        .group_by(heads.c.item_id, heads.c.person_id)
        .cte("first")
    )
    with db.read() as connection:
        revised = connection.execute(
            select(*(func.count().filter(_within(first.c.at, start)) for start in starts))
        ).one()
        rated = connection.execute(
            select(*(func.count().filter(_within(tasks.c.at, start)) for start in starts)).where(
                tasks.c.queue_id == queue_id, tasks.c.is_done, tasks.c.at > starts[0]
            )
        ).one()
    return [one + other for one, other in zip(revised, rated, strict=True)]


def _within(column: Any, start: float) -> Any:
    return and_(column > start, column <= start + DAY)


def main_ratings(db: Database, queue_id: int, questions: Sequence[str]) -> Iterator[MainRating]:
    """The ratings so far of these questions, of main items only. No system is known here."""
    with db.read() as connection:
        prompts = {
            item: (_digest(prompt), tuple(sorted(str(one["answer"]) for one in answers)))
            for item, prompt, answers in connection.execute(
                select(rate_items.c.item, rate_items.c.prompt, rate_items.c.answers).where(
                    rate_items.c.queue_id == queue_id, rate_items.c.kind == "main"
                )
            )
        }
        rows = connection.execute(
            select(ratings.c.item, ratings.c.answer, ratings.c.question, ratings.c.rater, ratings.c.value)
            .where(ratings.c.queue_id == queue_id, ratings.c.question.in_(list(questions)))
            .order_by(ratings.c.item, ratings.c.answer, ratings.c.question, ratings.c.rater)
        ).all()
    for item, answer, question, rater, value in rows:
        if item in prompts:
            yield MainRating(item, answer, question, rater, value, *prompts[item])


def _digest(prompt: Any) -> str:
    return hashlib.sha256(json.dumps(prompt, sort_keys=True).encode()).hexdigest()[:16]


def sampled_by_expert(db: Database, queue_id: int) -> list[Sampled]:
    """By name. An item that several experts finished counts for each of them; who flagged it has not. Of a
    pair that was saved again after "not good" the first verdict counts: the sample says how work comes in."""
    with db.read() as connection:
        rows = connection.execute(
            select(
                people.c.name,
                func.count(),
                func.count().filter(or_(samples.c.is_good.is_not(None), samples.c.why == DRAWN_AGAIN)),
                func.count().filter(samples.c.is_good.is_(True), samples.c.why == DRAWN),
            )
            .join_from(samples, heads, heads.c.item_id == samples.c.item_id)
            .join(people, people.c.id == heads.c.person_id)
            .where(
                samples.c.queue_id == queue_id,
                samples.c.why.in_(ALL_DRAWN),
                IS_DONE,
                heads.c.decision != Decision.FLAG.value,
            )
            .group_by(people.c.name)
            .order_by(people.c.name)
        ).all()
    return [Sampled(*row) for row in rows]


def arm_times(db: Database, queue_id: int) -> list[ArmTime]:
    """Of all items that were drawn into an arm and decided on here, skipped and flagged ones included;
    without those of `num_outside_arms`."""
    with db.read() as connection:
        rows = connection.execute(
            select(
                heads.c.item_id,
                heads.c.person_id,
                people.c.name,
                items.c.arm,
                heads.c.decision,
                func.sum(revisions.c.seconds),
                heads.c.at,
            )
            .join_from(heads, items, items.c.id == heads.c.item_id)
            .join(people, people.c.id == heads.c.person_id)
            .join(revisions, OF_HEAD)
            .where(*_in_an_arm(queue_id), ~IS_OUTSIDE)
            .group_by(
                heads.c.item_id, heads.c.person_id, people.c.name, items.c.arm, heads.c.decision, heads.c.at
            )
        ).all()
    return [
        ArmTime(item_id, person_id, name, Arm(arm), Decision(decision), seconds, at)
        for item_id, person_id, name, arm, decision, seconds, at in rows
    ]


def num_outside_arms(db: Database, queue_id: int) -> int:
    """How many people's items of an experiment have a save from another tool, and are not measured."""
    with db.read() as connection:
        return connection.execute(
            select(func.count())
            .select_from(heads)
            .join(items, items.c.id == heads.c.item_id)
            .where(*_in_an_arm(queue_id), IS_OUTSIDE)
        ).scalar_one()


def _in_an_arm(queue_id: int) -> tuple[ColumnElement[bool], ...]:
    return heads.c.queue_id == queue_id, heads.c.decision != "", items.c.arm.is_not(None)
