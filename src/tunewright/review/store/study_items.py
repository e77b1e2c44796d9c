"""A study's items apart from rating them: one rater's own list and pace, an item's texts, who said what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from tunewright.review.model import Person
from tunewright.review.store.database import Database
from tunewright.review.store.schema import rate_items, ratings, tasks


@dataclass(frozen=True, slots=True)
class OwnPlace:
    """An item in a rater's order. `place` counts from 1; `part` is training or main."""

    item: str
    place: int
    part: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class StudyItem:
    """What is shown of an item: the prompt, and by code each answer's output and perhaps explanation."""

    prompt: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, str]]


def places_of(db: Database, queue_id: int, person: Person) -> list[OwnPlace]:
    """The person's items in the order shown; none for who is no rater of this queue."""
    with db.read() as connection:
        rows = connection.execute(
            select(tasks.c.item, tasks.c.place, tasks.c.part, tasks.c.is_done)
            .where(tasks.c.queue_id == queue_id, tasks.c.rater == person.name)
            .order_by(tasks.c.place)
        )
        return [OwnPlace(*row) for row in rows]


def item_at(db: Database, queue_id: int, person: Person, place: int) -> str | None:
    """The item at a place of the person's order, from 1; None where there is none."""
    with db.read() as connection:
        return connection.execute(
            select(tasks.c.item).where(
                tasks.c.queue_id == queue_id, tasks.c.rater == person.name, tasks.c.place == place
            )
        ).scalar()


def seconds_of(db: Database, queue_id: int, person: Person) -> tuple[float, int]:
    """Active seconds on the person's finished items, and how many of these were timed."""
    with db.read() as connection:
        row = connection.execute(
            select(func.coalesce(func.sum(tasks.c.seconds), 0.0), func.count()).where(
                tasks.c.queue_id == queue_id,
                tasks.c.rater == person.name,
                tasks.c.is_done,
                tasks.c.seconds > 0,
            )
        ).one()
        return float(row[0]), int(row[1])


def study_item(db: Database, queue_id: int, item: str) -> StudyItem | None:
    """The texts of an item; who may see them, the caller decides."""
    return study_items(db, queue_id, [item]).get(item)


def study_items(db: Database, queue_id: int, items: Sequence[str] | None = None) -> dict[str, StudyItem]:
    """The texts of these items, by code; of all without `items`."""
    wanted = select(rate_items.c.item, rate_items.c.prompt, rate_items.c.answers).where(
        rate_items.c.queue_id == queue_id
    )
    if items is not None:
        wanted = wanted.where(rate_items.c.item.in_(items))
    with db.read() as connection:
        return {
            row.item: StudyItem(
                row.prompt,
                {
                    answer["answer"]: {name: text for name, text in answer.items() if name != "answer"}
                    for answer in row.answers
                },
            )
            for row in connection.execute(wanted)
        }


def ratings_of_item(db: Database, queue_id: int, item: str) -> dict[str, dict[tuple[str, str], Any]]:
    """By rater, what each said of an item: (question, answer's code or "") -> value."""
    with db.read() as connection:
        rows = connection.execute(
            select(ratings.c.rater, ratings.c.question, ratings.c.answer, ratings.c.value).where(
                ratings.c.queue_id == queue_id, ratings.c.item == item
            )
        )
        found: dict[str, dict[tuple[str, str], Any]] = {}
        for rater, question, answer, value in rows:
            found.setdefault(rater, {})[question, answer] = value
        return found


def orders_of_item(db: Database, queue_id: int, item: str) -> dict[str, tuple[str, ...]]:
    """By rater, the answers' codes in the order that rater saw them."""
    with db.read() as connection:
        rows = connection.execute(
            select(tasks.c.rater, tasks.c.answers).where(tasks.c.queue_id == queue_id, tasks.c.item == item)
        )
        return {rater: tuple(codes) for rater, codes in rows}
