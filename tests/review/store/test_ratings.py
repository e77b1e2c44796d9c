"""Rating a study blind, disagreements and decisions."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from support.stores import clock_of, person
from support.studies import SYSTEMS, key_of, materials, study
from tunewright.errors import DataError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.lock import lock_study
from tunewright.evaluate.study.materials import Known, Materials
from tunewright.evaluate.study.new import new_study
from tunewright.evaluate.study.questions import load_questions
from tunewright.evaluate.study.ratings import add_ratings, parse_rating, progress_of
from tunewright.review.model import Person, Role, Task
from tunewright.review.store.adjudications import (
    Adjudication,
    AlreadyDecided,
    adjudicate,
    decisions,
    disagreements,
)
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.queues import add_rate_queue, close_queue, queues
from tunewright.review.store.ratings import (
    StaleTask,
    expected,
    next_task,
    rate,
    rating_rows,
    task,
    task_at,
    tasks_of,
)
from tunewright.review.store.schema import metadata


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return study(tmp_path / "study", num_prompts=2, num_systems=2, overlap=2, raters=("ann", "bob"))


@pytest.fixture
def raters(db: Database, folder: StudyFolder) -> tuple[Person, Person]:
    add_rate_queue(db, folder)
    return person(db, "ann", Role.RATER), person(db, "bob", Role.RATER)


def values_of(one: Task, validity: float = 1.0, readiness: float = 3.0) -> dict[tuple[str, str], Any]:
    [(code, _)] = one.answers
    return {("validity", code): validity, ("readiness", code): readiness, ("explanation", code): 2.0}


def rate_next(db: Database, who: Person, **given: float) -> Task:
    one = next_task(db, 1, who)
    assert one is not None
    return rate(db, 1, one.item, who, version=one.version, values=values_of(one, **given), seconds=30)


def test_a_rater_goes_through_their_items_in_the_drawn_order(
    db: Database, folder: StudyFolder, raters: tuple[Person, Person]
) -> None:
    ann, _ = raters
    seen = []
    while (one := next_task(db, 1, ann)) is not None:
        seen.append({"place": one.place, "item": one.item, "answers": [code for code, _ in one.answers]})
        assert one.num_places == 4
        assert task_at(db, 1, one.place, ann) == one
        assert rate_next(db, ann).is_done
    assert seen == [{name: row[name] for name in seen[0]} for row in folder.assignments["ann"]]
    assert tasks_of(db, 1, ann) == (4, 4, 0)


def test_the_database_does_not_know_who_is_who(
    db: Database, folder: StudyFolder, raters: tuple[Person, Person]
) -> None:
    with db.read() as connection:
        kept = "\n".join(
            str(row)
            for table in metadata.tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        )
    key = json.loads(folder.key_path.read_text("utf-8"))
    for hidden in (*SYSTEMS, f"'{key['salt']}'"):
        assert hidden not in kept


def test_nobody_sees_or_rates_anothers_item(db: Database, tmp_path: Path) -> None:
    made = study(tmp_path / "s", num_prompts=2, num_systems=1, overlap=1, raters=("ann", "bob"))
    add_rate_queue(db, made)
    ann, eve = person(db, "ann", Role.RATER), person(db, "eve", Role.RATER)
    [bobs] = {row["item"] for row in made.assignments["bob"]}
    assert task(db, 1, bobs, ann) is None
    assert next_task(db, 1, eve) is None
    with pytest.raises(DataError, match="is not assigned to 'ann'"):
        rate(db, 1, bobs, ann, version=0, values={}, seconds=1)


def test_ratings_go_into_the_study_as_they_are(
    db: Database, folder: StudyFolder, raters: tuple[Person, Person]
) -> None:
    for who in raters:
        while next_task(db, 1, who) is not None:
            rate_next(db, who)
            clock_of(db).forward(10)
    rows = list(rating_rows(db, 1))
    assert [parse_rating(row.row(), folder) for row in rows] == rows
    assert add_ratings(folder, rows) == 2 * 4 * 3
    assert [(one.num_done, one.seconds) for one in progress_of(folder)] == [(4, 120.0), (4, 120.0)]


def test_a_task_is_done_when_all_that_is_required_is_answered(
    db: Database, raters: tuple[Person, Person]
) -> None:
    ann, _ = raters
    one = next_task(db, 1, ann)
    assert one is not None
    full = values_of(one)
    part = dict(list(full.items())[:1])
    begun = rate(db, 1, one.item, ann, version=0, values=part, comment="later \x00", seconds=5)
    assert (begun.is_done, begun.given, begun.comment) == (False, part, "later \x00")
    assert next_task(db, 1, ann) == begun
    done = rate(db, 1, one.item, ann, version=1, values=full, seconds=7)
    assert (done.is_done, done.version, done.comment) == (True, 2, "")
    assert {row.seconds for row in rating_rows(db, 1)} == {5.0, 12.0}  # the first answer kept its time


def test_a_stale_rating_changes_nothing_and_the_same_twice_is_one(
    db: Database, raters: tuple[Person, Person]
) -> None:
    ann, _ = raters
    first = rate_next(db, ann)
    same = rate(db, 1, first.item, ann, version=0, values=values_of(first), seconds=30)
    assert same == first
    with pytest.raises(StaleTask) as caught:
        rate(db, 1, first.item, ann, version=0, values=values_of(first, validity=0.0), seconds=1)
    assert caught.value.current == first
    changed = rate(db, 1, first.item, ann, version=1, values=values_of(first, validity=0.0), seconds=1)
    [(code, _)] = first.answers
    assert changed.given["validity", code] == 0.0
    said = [event.detail["values"] for event in events(db, subject=f"task:1:{first.item}")]
    assert [{name: value for name, _, value in one}["validity"] for one in said] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("question", "value", "says"),
    [
        ("validity", 7.0, "the value must be one of"),
        ("readiness", True, "the value must be one of"),
        ("beauty", 1.0, "no question is called 'beauty'"),
    ],
)
def test_a_value_that_is_none_is_refused(
    db: Database, raters: tuple[Person, Person], question: str, value: Any, says: str
) -> None:
    one = next_task(db, 1, raters[0])
    assert one is not None
    [(code, _)] = one.answers
    with pytest.raises(DataError, match=says):
        rate(db, 1, one.item, raters[0], version=0, values={(question, code): value}, seconds=1)
    with pytest.raises(DataError, match="'other' is not what it is about"):
        rate(db, 1, one.item, raters[0], version=0, values={("validity", "other"): 1.0}, seconds=1)
    assert list(rating_rows(db, 1)) == []


def test_nothing_is_rated_after_closing_or_locking(
    db: Database, folder: StudyFolder, raters: tuple[Person, Person]
) -> None:
    first = rate_next(db, raters[0])
    again = values_of(first, validity=0.0)
    close_queue(db, 1)
    assert next_task(db, 1, raters[0]) is None
    with pytest.raises(DataError, match="closed or locked"):
        rate(db, 1, first.item, raters[0], version=1, values=again, seconds=1)
    with db.write() as connection:
        connection.execute(text("UPDATE queues SET is_open = TRUE"))
    lock_study(folder, allow_missing=True)
    with pytest.raises(DataError, match="closed or locked"):
        rate(db, 1, first.item, raters[0], version=1, values=again, seconds=1)


def test_a_training_item_shows_what_was_expected_after_it_was_rated(db: Database, tmp_path: Path) -> None:
    plain = materials(2, 1)
    known = Known({"instruction": "Practise."}, ({"output": "poor"},), {"validity": 0}, "Too short.")
    made = new_study(
        Materials(plain.prompts, plain.answers, gold=(known,), training=(known,)),
        tmp_path / "s",
        raters=["ann"],
        overlap=1,
        questions=load_questions(None, pairwise=False),
    )
    add_rate_queue(db, made)
    ann = person(db, "ann", Role.RATER)
    first = next_task(db, 1, ann)
    assert first is not None
    assert (first.part, tasks_of(db, 1, ann)) == ("training", (0, 4, 1))
    assert expected(db, 1, first.item, ann) is None
    rate_next(db, ann)
    shown = expected(db, 1, first.item, ann)
    assert shown is not None
    assert (shown.values, shown.feedback) == ({"validity": 0}, "Too short.")
    while (one := next_task(db, 1, ann)) is not None:
        assert one.part == "main"  # gold among them
        rate_next(db, ann)
        assert expected(db, 1, one.item, ann) is None


def test_a_pair_is_shown_in_the_order_drawn_for_each_rater(db: Database, tmp_path: Path) -> None:
    made = study(tmp_path / "s", num_prompts=8, num_systems=2, pairwise=True, raters=("ann", "bob"))
    add_rate_queue(db, made)
    for who in (person(db, "ann", Role.RATER), person(db, "bob", Role.RATER)):
        for row in made.assignments[who.name]:
            one = task(db, 1, row["item"], who)
            assert one is not None
            assert [code for code, _ in one.answers] == row["answers"]
            given = rate(db, 1, one.item, who, version=0, values={("preference", ""): "tie"}, seconds=1)
            assert given.is_done


def test_a_study_has_one_queue(db: Database, folder: StudyFolder, raters: tuple[Person, Person]) -> None:
    with pytest.raises(DataError, match="'study' is of this study already"):
        add_rate_queue(db, folder, name="again")
    assert len(queues(db)) == 1


def test_disagreements_are_listed_until_decided_and_first_ratings_stay(
    db: Database, folder: StudyFolder, raters: tuple[Person, Person]
) -> None:
    ann, bob = raters
    item = folder.assignments["ann"][0]["item"]
    for who, validity in ((ann, 1.0), (bob, 0.0)):
        one = task(db, 1, item, who)
        assert one is not None
        assert disagreements(db, 1) == []  # one rating is none
        rate(db, 1, item, who, version=0, values=values_of(one, validity=validity), seconds=1)
    before = list(rating_rows(db, 1))
    [found] = disagreements(db, 1)
    assert (found.item, found.question, found.values) == (item, "validity", {"ann": 1.0, "bob": 0.0})
    eve = person(db, "eve", Role.OWNER)
    made = adjudicate(db, 1, item, found.system, "validity", eve, 0, "the key is wrong")
    assert disagreements(db, 1) == []
    assert disagreements(db, 1, undecided_only=False) == [found]
    assert decisions(db, 1) == [made]
    assert (made.value, made.person) == (0.0, "eve")
    assert list(rating_rows(db, 1)) == before
    with pytest.raises(DataError, match="was adjudicated; its first ratings stay"):
        rate(db, 1, item, ann, version=1, values={}, seconds=1)


def test_of_two_who_decide_at_once_the_second_sees_what_the_first_decided(
    db: Database, folder: StudyFolder, raters: tuple[Person, Person]
) -> None:
    item = rate_next(db, raters[0], validity=1.0).item
    other = task(db, 1, item, raters[1])
    assert other is not None
    rate(db, 1, item, raters[1], version=0, values=values_of(other, validity=0.0), seconds=1)
    [found] = disagreements(db, 1)
    owners = [person(db, name, Role.OWNER) for name in ("eve", "max", "olga", "pia")]
    together = threading.Barrier(len(owners))
    made: list[Adjudication] = []
    refused: list[Adjudication] = []

    def decide(who: Person) -> None:
        together.wait()
        try:
            made.append(adjudicate(db, 1, item, found.system, "validity", who, 1.0, "so", num_before=0))
        except AlreadyDecided as decided:
            refused.append(decided.current)

    threads = [threading.Thread(target=decide, args=(who,)) for who in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decisions(db, 1) == made
    assert len(made) == 1
    assert refused == made * 3
    adjudicate(db, 1, item, found.system, "validity", owners[0], 0.0, "seen, and no", num_before=1)
    assert [one.value for one in decisions(db, 1)] == [1.0, 0.0]


def test_only_what_all_its_raters_rated_is_decided(
    db: Database, folder: StudyFolder, raters: tuple[Person, Person]
) -> None:
    eve = person(db, "eve", Role.OWNER)
    one = rate_next(db, raters[0])
    [(code, _)] = one.answers
    with pytest.raises(DataError, match="1 of its raters are not done"):
        adjudicate(db, 1, one.item, code, "validity", eve, 1.0, "")
    with pytest.raises(DataError, match="nobody rated item"):
        adjudicate(db, 1, one.item, "other", "validity", eve, 1.0, "")
    other = task(db, 1, one.item, raters[1])
    assert other is not None
    rate(db, 1, one.item, raters[1], version=0, values=values_of(other, validity=0.0), seconds=1)
    with pytest.raises(DataError, match="the value must be one of"):
        adjudicate(db, 1, one.item, code, "validity", eve, 9.0, "")
    assert decisions(db, 1) == []


def test_once_the_queue_is_closed_nobody_is_waited_for(
    db: Database, folder: StudyFolder, raters: tuple[Person, Person]
) -> None:
    """A study locked with ratings missing is adjudicated on what there is, as its results count it."""
    eve = person(db, "eve", Role.OWNER)
    one = rate_next(db, raters[0], validity=1.0)
    [(code, _)] = one.answers
    rate(db, 1, one.item, raters[1], version=0, values={("validity", code): 0.0}, seconds=1)  # not all of it
    assert disagreements(db, 1) == []
    with pytest.raises(DataError, match="lock the study without their ratings"):
        adjudicate(db, 1, one.item, code, "validity", eve, 1.0, "")
    close_queue(db, 1)
    [found] = disagreements(db, 1)
    assert found.values == {"ann": 1.0, "bob": 0.0}
    assert adjudicate(db, 1, one.item, code, "validity", eve, 1.0, "").value == 1.0
    assert disagreements(db, 1) == []


def test_repeated_and_gold_items_are_no_disagreements(db: Database, tmp_path: Path) -> None:
    made = study(
        tmp_path / "s", num_prompts=3, num_systems=1, num_gold=2, repeat=0.4, raters=("ann", "bob"), overlap=2
    )
    add_rate_queue(db, made)
    for who, validity in ((person(db, "ann"), 1.0), (person(db, "bob"), 0.0)):
        while next_task(db, 1, who) is not None:
            rate_next(db, who, validity=validity)
    key = key_of(made)
    assert {key[found.item]["kind"] for found in disagreements(db, 1)} == {"main"}
    assert len(disagreements(db, 1)) == 3
