"""Ratings from the database into the study's folder, the lock, and decisions."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.rated_studies import RATERS, full_study, owner, rating_queue
from support.review_page import new_database, person
from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.study.adjudicate import decisions
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.lock import lock_study
from tunewright.evaluate.study.ratings import counting_ratings, progress_of, read_ratings
from tunewright.review import studies
from tunewright.review.model import Queue, Role
from tunewright.review.store import adjudications, people, queues, ratings
from tunewright.review.store.database import Database

Study = tuple[Database, StudyFolder, Queue]


class Clock:
    """Each look is a second later, so that every save has its own time."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def study(tmp_path: Path) -> Study:
    db = new_database(tmp_path, clock=Clock())
    folder = full_study(tmp_path / "study", num_prompts=2)
    return db, folder, rating_queue(db, folder)


def _rate(
    db: Database, folder: StudyFolder, queue: Queue, rater: str, good: float, *, most: int = 999
) -> int:
    """Store the same values for all of a rater's items; how many items."""
    who = person(db, rater, Role.RATER)
    rows = folder.assignments[rater][:most]
    for row in rows:
        task = ratings.task(db, queue.id, row["item"], who)
        assert task is not None
        values: dict[tuple[str, str], Any] = {
            (question, code): value
            for code in row["answers"]
            for question, value in (("validity", good), ("readiness", 1 + 3 * good), ("explanation", 1.0))
        }
        ratings.rate(db, queue.id, row["item"], who, version=task.version, values=values, seconds=20.0)
    return len(rows)


def test_ratings_reach_the_folder_once_however_often_they_are_carried_over(study: Study) -> None:
    db, folder, queue = study
    num = _rate(db, folder, queue, "ann", 1.0)
    assert studies.sync_ratings(db, queue) == 3 * num
    assert studies.sync_ratings(db, queue) == 0
    assert progress_of(folder)[0].num_done == num
    assert Counter(row.value for row in read_ratings(folder, "ann") if row.question == "validity") == {
        1.0: num
    }
    assert {row.seconds for row in read_ratings(folder, "ann")} == {20.0}


def test_a_changed_rating_is_a_new_row_and_the_later_one_counts(study: Study) -> None:
    db, folder, queue = study
    _rate(db, folder, queue, "ann", 1.0, most=1)
    studies.sync_ratings(db, queue)
    _rate(db, folder, queue, "ann", 0.0, most=1)
    assert studies.sync_ratings(db, queue) == 2  # of the three values the explanation stayed
    assert len(read_ratings(folder, "ann")) == 5
    assert {row.question: row.value for row in counting_ratings(folder)} == {
        "validity": 0.0,
        "readiness": 1.0,
        "explanation": 1.0,
    }


def test_two_at_once_carry_over_each_rating_once(study: Study) -> None:
    db, folder, queue = study
    num = sum(_rate(db, folder, queue, rater, 1.0) for rater in RATERS)
    added: list[int] = []
    threads = [
        threading.Thread(target=lambda: added.append(studies.sync_ratings(db, queue))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [0, 0, 0, 0, 0, 3 * num]
    assert sum(len(read_ratings(folder, rater)) for rater in RATERS) == 3 * num


def test_the_lock_takes_the_last_ratings_along_and_then_none(study: Study) -> None:
    db, folder, queue = study
    num = sum(_rate(db, folder, queue, rater, 1.0) for rater in RATERS)
    lock = studies.lock(db, queue, by=person(db, "lea", Role.LEAD))
    assert (lock["num_ratings"], lock["missing_items"]) == (3 * num, {})
    with pytest.raises(DataError, match="closed or locked"):
        _rate(db, folder, queue, "ann", 0.0, most=1)
    with pytest.raises(RunFolderError, match="study is locked"):
        studies.lock(db, queue)
    assert not _open(db, queue)
    assert studies.standing(db, queue).locked_at == lock["time"]


def test_ratings_that_a_lock_from_elsewhere_left_behind_are_counted(study: Study) -> None:
    """`tunewright study lock` knows nothing of the database."""
    db, folder, queue = study
    _rate(db, folder, queue, "ann", 1.0, most=2)
    studies.sync_ratings(db, queue)
    _rate(db, folder, queue, "bob", 1.0, most=3)
    lock_study(folder, allow_missing=True)
    assert studies.standing(db, queue).num_left_behind == 9


def test_a_lock_refused_for_missing_items_leaves_the_rating_open(study: Study) -> None:
    db, folder, queue = study
    _rate(db, folder, queue, "ann", 1.0, most=3)
    with pytest.raises(RunFolderError, match="not rated yet: ann"):
        studies.lock(db, queue)
    assert _open(db, queue)
    _rate(db, folder, queue, "ann", 0.0, most=1)  # goes on
    assert studies.lock(db, queue, allow_missing=True)["missing_items"]["bob"] == len(
        folder.assignments["bob"]
    )


def test_a_queue_that_was_closed_stays_closed_when_its_lock_is_refused(study: Study) -> None:
    db, _, queue = study
    with pytest.raises(RunFolderError):
        studies.lock(db, queues.close_queue(db, queue.id))
    assert not _open(db, queue)


def test_no_rating_acknowledged_is_missing_from_the_lock(study: Study) -> None:
    """Raters save while the lock falls: each either is told no, or has its rating in the locked folder."""
    db, folder, queue = study
    kept: list[tuple[str, str]] = []
    begun = threading.Barrier(len(RATERS) + 1)

    def rate(rater: str) -> None:
        who = person(db, rater, Role.RATER)
        begun.wait()
        for row in folder.assignments[rater]:
            values = {("validity", code): 1.0 for code in row["answers"]}
            try:
                ratings.rate(db, queue.id, row["item"], who, version=0, values=values, seconds=1.0)
            except DataError:
                return
            kept.append((rater, row["item"]))

    threads = [threading.Thread(target=rate, args=(rater,)) for rater in RATERS]
    for thread in threads:
        thread.start()
    begun.wait()
    while len(kept) < 3:
        pass
    studies.lock(db, queue, allow_missing=True)
    for thread in threads:
        thread.join()
    assert {(one.rater, one.item) for one in counting_ratings(StudyFolder(folder.path))} == set(kept)
    folder.verify_lock()


def test_a_queue_is_not_named_after_a_system(tmp_path: Path) -> None:
    db = new_database(tmp_path)
    folder = full_study(tmp_path / "Buffalo-IT_study", num_prompts=2)
    with pytest.raises(DataError, match="tells raters of the system 'buffalo-it'"):
        studies.add_study(db, folder)
    assert studies.add_study(db, folder, name="Spring").name == "Spring"


def test_adding_a_study_opens_no_key(study: Study) -> None:
    _, folder, _ = study
    assert folder.times_opened() == []


def test_standing_tells_who_is_how_far_and_who_cannot_log_in(study: Study) -> None:
    db, folder, queue = study
    num = _rate(db, folder, queue, "eve", 1.0, most=4)
    people.set_active(db, "bob", False)
    found = studies.standing(db, queue)
    assert [(one.rater, one.num_done) for one in found.progress] == [("ann", 0), ("bob", 0), ("eve", num)]
    assert found.num_missing == sum(map(len, folder.assignments.values())) - 4
    assert (found.locked_at, found.without_account) == (None, ("bob",))


def test_a_study_whose_folder_is_gone_says_so(study: Study, tmp_path: Path) -> None:
    db, folder, queue = study
    folder.path.rename(tmp_path / "moved")
    with pytest.raises(RunFolderError, match=r"study\.json is missing"):
        studies.sync_ratings(db, queue)
    assert studies.asking(db, queue).instructions == ""
    assert len(studies.asking(db, queue).questions.questions) == 4


def test_decisions_reach_the_folder_once_and_the_latest_counts(study: Study) -> None:
    db, folder, queue = study
    for rater, good in zip(RATERS, (1.0, 0.0, 1.0), strict=True):
        _rate(db, folder, queue, rater, good)
    studies.lock(db, queue)
    first, second = [one for one in adjudications.disagreements(db, queue.id) if one.question == "validity"][
        :2
    ]
    who = owner(db)
    for one, value, reason in ((first, 0.0, "no key"), (second, 1.0, ""), (first, 1.0, "looked again")):
        adjudications.adjudicate(db, queue.id, one.item, one.system, "validity", who, value, reason)
        assert studies.sync_adjudications(db, queue) == 1
        assert studies.sync_adjudications(db, queue) == 0
    rows = [json.loads(line) for line in folder.adjudications_path.read_text("utf-8").splitlines()]
    assert [(row["item"], row["value"], row["reason"]) for row in rows] == [
        (first.item, 0.0, "no key"),
        (second.item, 1.0, ""),
        (first.item, 1.0, "looked again"),
    ]
    assert {row["adjudicator"] for row in rows} == {"olga"}
    assert {(row["item"], row["value"]) for row in decisions(folder)} == {
        (first.item, 1.0),
        (second.item, 1.0),
    }
    folder.verify_lock()  # decisions change nothing that the lock holds


def _open(db: Database, queue: Queue) -> bool:
    found = queues.queue(db, queue.id)
    assert found is not None
    return found.is_open
