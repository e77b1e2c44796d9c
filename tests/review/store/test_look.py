"""Searching, the life of an item, and the audit that nobody can change."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from support.stores import person, queue_of, saved
from tunewright.review.model import Decision
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.look import life, search
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.store.revisions import undo
from tunewright.review.store.searching import words
from tunewright.review.store.work import next_work

TEXTS = {
    "a": "The Zebra crossing; don't walk",
    "b": "Größe und STRASSE, naïve café",
    "c": "斑马线在哪里？ 东京タワー",
    "d": "เมืองหลวงของไทย",
    "e": "snake_case and 100% of C++ 3.14",
    "f": "مرحبا بالعالم",
}


@pytest.fixture
def texts(db: Database) -> Database:
    add_revise_queue(db, "texts", [NewItem(f"rec-{key}", {"output": value}) for key, value in TEXTS.items()])
    return db


def keys(db: Database, sought: str, **filters: object) -> str:
    found, _ = search(db, sought, **filters)  # type: ignore[arg-type]
    return "".join(one.key[-1] for one in found)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("zebra", "a"),
        ("ZEB cross", "a"),  # beginnings of words, in any order
        ("walk zebra", "a"),
        ("ebra", ""),  # not the middle of a word
        ("strasse", "b"),
        ("straße", "b"),
        ("GRÖSSE", "b"),
        ("cafe\u0301", "b"),
        ("斑马", "c"),
        ("马线", "c"),
        ("哪", "c"),
        ("タワー", "c"),
        ("马斑", ""),
        ("หลวง", "d"),
        ("case", "e"),
        ("100%", "e"),
        ("3.14", "e"),
        ("c++", "abce"),  # signs are in no word: everything with a word in c
        ("بالعالم", "f"),
        ("rec", "abcdef"),
        ("rec-d", "ad"),  # the d of "don't"
        ("%", ""),
        ('" OR *', ""),
        ("x' & 'y", ""),
        ("\x00zebra\ud800", "a"),
    ],
)
def test_words_are_found_by_their_beginnings(texts: Database, sought: str, found: str) -> None:
    assert keys(texts, sought) == found


def test_words_are_cut_alike_when_indexed_and_sought() -> None:
    assert list(words("The cat's 3 FIT_tings")) == ["the", "cat", "s", "3", "fit", "tings"]
    assert list(words("斑马线 ab斑c")) == ["斑马", "马线", "ab", "斑", "c"]
    assert list(words("x" * 61)) == ["x" * 60, "x"]


def test_what_experts_wrote_is_found_too(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 2)
    assert next_work(db, queue.id, ann) is not None
    saved(db, 1, ann, texts={"output": "Quokka \x00 said 1."})
    saved(db, 1, ann, version=1, texts={"output": "Numbat."})
    for sought in ("quokka", "numbat", "said", "drawn 1"):  # of now, of before, of the import, of the draft
        assert keys(db, sought)[:1] == "1"
    undo(db, 1, ann)
    assert keys(db, "numbat") == "1"


def test_filters_narrow_a_search(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 5, overlap=2)
    other = queue_of(db, 2, name="others")
    for decision in (Decision.ACCEPT, Decision.FLAG, Decision.SKIP):
        work = next_work(db, queue.id, ann)
        assert work is not None
        saved(db, work.item.id, ann, decision=decision)
    work = next_work(db, queue.id, bob)
    assert work is not None
    saved(db, work.item.id, bob, decision=Decision.EDIT)
    here = queue.id
    assert keys(db, "", queue_id=here) == "12345"
    assert keys(db, "", queue_id=other.id) == "12"
    assert keys(db, "", queue_id=here, decision=Decision.FLAG) == "2"
    assert keys(db, "", queue_id=here, flagged=True) == "2"
    assert keys(db, "", queue_id=here, person="ann") == "123"
    assert keys(db, "", queue_id=here, person="ann", decision=Decision.EDIT) == ""
    assert keys(db, "", queue_id=here, status="done") == "1"
    assert keys(db, "", queue_id=here, status="taken") == "2"
    assert keys(db, "", queue_id=here, status="open") == "345"
    assert keys(db, "ask 4", queue_id=here, status="open") == "4"
    [first], more = search(db, "", queue_id=here, limit=1)
    assert more
    assert (first.queue, first.key, first.beginning, first.status) == ("pairs", "k1", "Ask 1.", "done")
    assert first.decisions == (("ann", "accept"), ("bob", "edit"))


def test_pages_follow_each_other(db: Database) -> None:
    queue_of(db, 5)
    pages = [search(db, "ask", offset=offset, limit=2) for offset in (0, 2, 4, 6)]
    assert [[one.item_id for one in found] for found, _ in pages] == [[1, 2], [3, 4], [5], []]
    assert [more for _, more in pages] == [True, True, False, False]


def test_a_life_tells_everything_since_the_import(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 2)
    assert next_work(db, queue.id, ann) is not None
    saved(db, 1, ann, decision=Decision.ACCEPT)
    undo(db, 1, ann)
    assert [(event.person, event.action) for event in life(db, 1)] == [
        ("", "import"),
        ("ann", "take"),
        ("ann", "save"),
        ("ann", "undo"),
    ]
    assert [event.action for event in life(db, 2)] == ["import"]
    assert life(db, 99) == []


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET person = 'eve'", "DELETE FROM audit", "TRUNCATE audit"]
)
def test_the_audit_is_only_ever_added_to(db: Database, statement: str) -> None:
    if db.is_sqlite and "TRUNCATE" in statement:
        pytest.skip("SQLite has no TRUNCATE")
    person(db, "ann")
    before = events(db)

    def change() -> None:
        with db.write() as connection:
            connection.execute(text(statement))

    with pytest.raises(DBAPIError, match="the audit is only ever added to"):
        change()
    assert events(db) == before != []


def test_the_audit_is_read_by_subject_person_and_place(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 3)
    while (work := next_work(db, queue.id, ann)) is not None:
        saved(db, work.item.id, ann, decision=Decision.ACCEPT)
    assert [event.subject for event in events(db, person="ann")] == [f"item:{n}" for n in (1, 1, 2, 2, 3, 3)]
    newest = events(db, limit=2, newest_first=True)
    assert [event.action for event in newest] == ["save", "take"]
    assert events(db, after=newest[0].id) == []
    assert newest[0].detail == {"version": 1, "decision": "accept", "seconds": 60.0}
