"""Ratings come in as rows, into the same study in another database; nothing that is there is written over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from support.rated_studies import full_study, owner, rating_queue
from support.review_page import new_database, person
from support.stores import queue_of
from tunewright.errors import DataError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.lock import lock_study
from tunewright.evaluate.study.ratings import Rating
from tunewright.records.reject import Reject
from tunewright.review.exchange import add_ratings, export
from tunewright.review.model import Queue, Role
from tunewright.review.store import adjudications, queues, ratings, schema
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database

TIME = "2026-05-04T09:30:00.125+00:00"


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return full_study(tmp_path / "study", num_prompts=2)


@pytest.fixture
def fresh(tmp_path: Path, folder: StudyFolder) -> Iterator[tuple[Database, Queue]]:
    """Another database with the same study."""
    (tmp_path / "fresh").mkdir()
    db = new_database(tmp_path / "fresh")
    yield db, rating_queue(db, folder)
    db.close()


def first(folder: StudyFolder, rater: str = "ann") -> dict[str, Any]:
    """The first main item of a rater: its code and that of its one answer."""
    return next(row for row in folder.assignments[rater] if row["part"] == "main")


def row(folder: StudyFolder, **other: Any) -> dict[str, Any]:
    own = first(folder, other.get("rater", "ann"))
    good = {
        "item": own["item"],
        "system": own["answers"][0],
        "rater": "ann",
        "question": "validity",
        "value": 1,
        "time": TIME,
        "seconds": 12.5,
    }
    return good | other


def all_of(folder: StudyFolder) -> list[dict[str, Any]]:
    """All three required questions of one item."""
    return [row(folder, question=name) for name in ("validity", "readiness", "explanation")]


def written(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in rows))
    return path


def take(db: Database, queue: Queue, path: Path) -> tuple[tuple[int, int, int], list[str]]:
    """(added, known, overtaken) and what was left out, as `line: why`."""
    rejects: list[Reject] = []
    done = add_ratings(db, queue, path, on_reject=rejects.append)
    return (done.num_added, done.num_known, done.num_overtaken), [
        f"{one.line}: {one.reason}" for one in rejects
    ]


def there(db: Database, queue: Queue) -> list[Rating]:
    return list(ratings.rating_rows(db, queue.id))


def rate_all(db: Database, folder: StudyFolder, queue: Queue, rater: str) -> None:
    """Half of the items with a comment that no spreadsheet may run."""
    who = person(db, rater, Role.RATER)
    for number, own in enumerate(folder.assignments[rater]):
        task = ratings.task(db, queue.id, own["item"], who)
        assert task is not None
        [code] = own["answers"]
        values: dict[tuple[str, str], Any] = {
            ("validity", code): number % 2,
            ("readiness", code): 1 + number % 4,
            ("explanation", code): 4 - number % 4,
        }
        if number % 2:
            values["comment", code] = ("=1+1 \u00e9", "'quoted'", "two\nlines")[number % 3]
        ratings.rate(db, queue.id, own["item"], who, version=0, values=values, seconds=20 + number / 8)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_an_export_comes_back_into_a_fresh_database_of_the_study(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue], suffix: str
) -> None:
    """Ratings, times, what is done and the next item are those of the first; a second time adds nothing."""
    first_db = new_database(tmp_path)
    first_db.clock = lambda: 1_700_000_000.125  # exported to the millisecond
    queue = rating_queue(first_db, folder)
    for rater in ("ann", "bob"):
        rate_all(first_db, folder, queue, rater)
    file = tmp_path / f"ratings{suffix}"
    export(first_db, queue.id, file, format="ratings")
    db, again = fresh
    num = len(there(first_db, queue))
    assert num > 3 * len(folder.assignments["ann"])
    assert take(db, again, file) == ((num, 0, 0), [])
    assert there(db, again) == there(first_db, queue)
    for rater in folder.raters:
        one, other = person(first_db, rater, Role.RATER), person(db, rater, Role.RATER)
        assert ratings.tasks_of(db, again.id, other) == ratings.tasks_of(first_db, queue.id, one)
        next_one, next_other = (
            ratings.next_task(a, b.id, c) for a, b, c in ((first_db, queue, one), (db, again, other))
        )
        assert (next_one and next_one.item) == (next_other and next_other.item)
    assert take(db, again, file) == ((0, num, 0), [])
    first_db.close()


def test_a_task_is_done_when_all_required_questions_are_there(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    db, queue = fresh
    ann = person(db, "ann", Role.RATER)
    rows = all_of(folder)
    assert take(db, queue, written(tmp_path / "two.jsonl", rows[:2])) == ((2, 0, 0), [])
    task = ratings.task(db, queue.id, rows[0]["item"], ann)
    assert task is not None
    assert (task.version, task.is_done) == (1, False)
    assert take(db, queue, written(tmp_path / "all.jsonl", rows)) == ((1, 2, 0), [])
    task = ratings.task(db, queue.id, rows[0]["item"], ann)
    assert task is not None
    assert (task.version, task.is_done) == (2, True)
    assert task.given == {(name, rows[0]["system"]): 1.0 for name in ("validity", "readiness", "explanation")}
    with db.read() as connection:
        table = schema.tasks
        at, seconds = connection.execute(select(table.c.at, table.c.seconds).where(table.c.is_done)).one()
    assert (at, seconds) == (1_777_887_000.125, 12.5)  # its own time, not that of the import


def test_what_a_rater_said_here_stays_and_the_other_value_is_named(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    db, queue = fresh
    ann, own = person(db, "ann", Role.RATER), first(folder)
    [code] = own["answers"]
    ratings.rate(db, queue.id, own["item"], ann, version=0, values={("validity", code): 0}, seconds=3)
    rows = all_of(folder)
    counts, left_out = take(db, queue, written(tmp_path / "x.jsonl", rows))
    assert counts == (2, 0, 0)
    assert left_out == ["1: the rater gave another value here, which stays"]
    assert {one.question: one.value for one in there(db, queue)} == {
        "validity": 0.0,
        "readiness": 1.0,
        "explanation": 1.0,
    }


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"item": "nowhere"}, "item 'nowhere' is not assigned to rater 'ann'"),
        ({"rater": "zoe"}, "'zoe' is not a rater of this study"),
        ({"question": "beauty"}, "no question is called 'beauty'"),
        ({"system": "other"}, "question 'validity' is about an answer: 'other' is not what 'system' must be"),
        ({"value": 7}, "question 'validity', value 7: "),
        ({"value": None}, "question 'validity', value None: "),
        ({"time": "yesterday"}, "time 'yesterday': write it as "),
        ({"time": "2026-05-04T09:30:00"}, "the time zone is missing"),
        ({"seconds": -1}, "seconds -1: a number from 0 on, or nothing"),
        ({"item": 7}, "item, rater and system are texts, not 7"),
    ],
)
def test_a_row_that_is_none_is_named_and_the_rest_goes_in(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue], other: dict[str, Any], says: str
) -> None:
    db, queue = fresh
    broken = row(folder) | other
    counts, [left_out] = take(db, queue, written(tmp_path / "x.jsonl", [row(folder), broken]))
    assert counts == (1, 0, 0)
    assert left_out.startswith("2: ")
    assert says in left_out
    assert len(there(db, queue)) == 1


def test_an_item_of_others_is_refused(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    db, queue = fresh
    mine = {one["item"] for one in folder.assignments["ann"]}
    foreign = next(one for one in folder.assignments["bob"] if one["item"] not in mine)
    bad = row(folder, item=foreign["item"], system=foreign["answers"][0])
    _, left_out = take(db, queue, written(tmp_path / "x.jsonl", [row(folder), bad]))
    assert left_out == [f"2: item {foreign['item']!r} is not assigned to rater 'ann'"]


def test_lines_that_are_no_json_are_named(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    db, queue = fresh
    file = written(tmp_path / "x.jsonl", [row(folder), "{not json\n", "[1]\n"])
    counts, left_out = take(db, queue, file)
    assert counts == (1, 0, 0)
    assert [one.partition(":")[0] for one in left_out] == ["2", "3"]


def test_of_two_rows_about_one_thing_the_later_by_time_counts(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    """As in a study's folder; the order of the lines says nothing."""
    db, queue = fresh
    later = row(folder, value=0, time="2026-05-04T12:00:00+02:00")  # 10:00 in UTC
    file = written(tmp_path / "x.jsonl", [later, row(folder, time="2026-05-04T09:59:00Z")])
    assert take(db, queue, file) == ((1, 0, 1), [])
    assert [one.value for one in there(db, queue)] == [0.0]


def test_the_audit_says_that_it_was_an_import(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    db, queue = fresh
    by = owner(db)
    add_ratings(db, queue, written(tmp_path / "x.jsonl", [row(folder)]), by=by)
    own = first(folder)
    [event] = [one for one in events(db) if one.action == "import rating"]
    assert (event.person, event.subject) == ("olga", f"task:{queue.id}:{own['item']}")
    assert event.detail == {
        "of": "ann",
        "queue": queue.id,
        "version": 1,
        "values": [["validity", own["answers"][0], 1.0, TIME]],
    }


def test_nothing_is_taken_after_the_lock_or_in_a_closed_queue(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    db, queue = fresh
    file = written(tmp_path / "x.jsonl", [row(folder)])
    closed = queues.close_queue(db, queue.id)
    for asked in (closed, queue):  # `queue` was read before it was closed
        with pytest.raises(DataError, match="closed or locked"):
            add_ratings(db, asked, file)
    queue = queues.open_queue(db, queue.id)
    lock_study(folder, allow_missing=True)
    with pytest.raises(DataError, match="closed or locked"):
        add_ratings(db, queue, file)
    assert there(db, queue) == []


def test_an_adjudicated_item_keeps_its_first_ratings(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    db, queue = fresh
    own = first(folder)
    [code] = own["answers"]
    everybody = [
        name for name, rows in folder.assignments.items() if own["item"] in {one["item"] for one in rows}
    ]
    for name in everybody:
        values = {("validity", code): name == "ann", ("readiness", code): 1, ("explanation", code): 1}
        numbers = {place: int(value) for place, value in values.items()}
        who = person(db, name, Role.RATER)
        ratings.rate(db, queue.id, own["item"], who, version=0, values=numbers, seconds=3)
    adjudications.adjudicate(db, queue.id, own["item"], code, "validity", owner(db), 1.0, "it has a key")
    before = there(db, queue)
    late = row(folder, question="comment", value="I meant it.")
    with pytest.raises(DataError, match="was adjudicated; its first ratings stay"):
        add_ratings(db, queue, written(tmp_path / "x.jsonl", [late]))
    assert there(db, queue) == before


def test_a_file_without_a_rating_of_the_study_is_an_error(
    tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]
) -> None:
    db, queue = fresh
    with pytest.raises(
        DataError, match="no row is a rating of the study 'Autumn study'; nothing was changed"
    ):
        take(db, queue, written(tmp_path / "x.jsonl", [{"instruction": "a record"}]))
    with pytest.raises(DataError, match="there is no such file"):
        take(db, queue, tmp_path / "gone.jsonl")


def test_who_is_who_can_be_said(tmp_path: Path, folder: StudyFolder, fresh: tuple[Database, Queue]) -> None:
    db, queue = fresh
    file = written(tmp_path / "x.jsonl", [row(folder) | {"rater": "3"}])
    assert add_ratings(db, queue, file, people={"3": "ann"}).num_added == 1
    assert [one.rater for one in there(db, queue)] == ["ann"]


def test_a_queue_of_pairs_takes_none(tmp_path: Path, folder: StudyFolder, db: Database) -> None:
    queue = queue_of(db, 1)
    with pytest.raises(DataError, match="'pairs' is a queue of pairs"):
        add_ratings(db, queue, written(tmp_path / "x.jsonl", [row(folder)]))
