"""Ratings from elsewhere, on both databases; the rules of their rows are tested with `exchange`."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.rated_studies import full_study
from support.stores import person
from tunewright.errors import DataError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.ratings import Rating
from tunewright.review.model import Queue, Role
from tunewright.review.store import queues, ratings
from tunewright.review.store.database import Database
from tunewright.review.store.outside_ratings import RatingOutcome, add_outside_ratings

ADDED, KNOWN, OTHER = RatingOutcome.ADDED, RatingOutcome.KNOWN, RatingOutcome.OTHER_VALUE
TIME = "2026-05-04T09:30:00.125+00:00"


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return full_study(tmp_path / "study", num_prompts=2)


@pytest.fixture
def queue(db: Database, folder: StudyFolder) -> Queue:
    return queues.add_rate_queue(db, folder)


def rows_of(folder: StudyFolder, rater: str, *, value: float = 1.0) -> list[Rating]:
    """The three required questions on every item of a rater."""
    return [
        Rating(row["item"], row["answers"][0], rater, question, value, TIME, 12.5)
        for row in folder.assignments[rater]
        for question in ("validity", "readiness", "explanation")
    ]


def test_what_became_of_each_rating_is_told_in_order(db: Database, folder: StudyFolder, queue: Queue) -> None:
    ann = person(db, "ann", Role.RATER)
    both = [*rows_of(folder, "ann"), *rows_of(folder, "bob")]
    assert add_outside_ratings(db, queue.id, both[1:]) == [ADDED] * (len(both) - 1)
    assert ratings.next_task(db, queue.id, ann) is not None  # one question of her first item is open
    assert add_outside_ratings(db, queue.id, both) == [ADDED] + [KNOWN] * (len(both) - 1)
    assert ratings.next_task(db, queue.id, ann) is None
    assert sorted(map(repr, ratings.rating_rows(db, queue.id))) == sorted(map(repr, both))
    [first, *_] = rows_of(folder, "ann", value=0.0)
    assert add_outside_ratings(db, queue.id, [first]) == [OTHER]
    assert len(list(ratings.rating_rows(db, queue.id))) == len(both)


def test_who_is_nobodys_rater_here_gets_none(db: Database, folder: StudyFolder, queue: Queue) -> None:
    [row, *_] = rows_of(folder, "ann")
    stranger = Rating(row.item, row.system, "zoe", row.question, 1.0, TIME)
    assert add_outside_ratings(db, queue.id, [stranger, row]) == [RatingOutcome.NOT_ASSIGNED, ADDED]


def test_a_closed_queue_takes_none(db: Database, folder: StudyFolder, queue: Queue) -> None:
    queues.close_queue(db, queue.id)
    with pytest.raises(DataError, match="closed or locked"):
        add_outside_ratings(db, queue.id, rows_of(folder, "ann"))
    assert list(ratings.rating_rows(db, queue.id)) == []
