"""Saves, stale saves, drafts and undo: nothing that anybody wrote is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from support.stores import clock_of, person, queue_of, saved
from tunewright.errors import DataError
from tunewright.review.model import Decision, Person
from tunewright.review.store.database import Database
from tunewright.review.store.revisions import Stale, autosave, history, revisions, save, undo
from tunewright.review.store.work import LEASE_SECONDS, PlaceLost, next_work, work_on


@pytest.fixture
def ann(db: Database) -> Person:
    """Ann, who holds item 1 of a queue of three."""
    ann, queue = person(db, "ann"), queue_of(db, 3)
    assert next_work(db, queue.id, ann) is not None
    return ann


def test_a_save_comes_back_as_it_was(db: Database, ann: Person) -> None:
    texts = {"output": "a\x00b \ud800", "system": ""}
    made = save(
        db,
        1,
        ann,
        version=0,
        decision=Decision.EDIT,
        texts=texts,
        reason="was \x00 wrong",
        seconds=12.5,
        seconds_open=30.0,
    )
    assert made.version == 1
    assert made.shown_draft
    assert made.at == clock_of(db).now
    assert (made.texts, made.reason, made.seconds, made.seconds_open) == (texts, "was \x00 wrong", 12.5, 30.0)
    work = work_on(db, 1, ann)
    assert work is not None
    assert work.saved == made
    assert history(db, 1) == [made]


def test_a_stale_save_changes_nothing_and_brings_what_is_there(db: Database, ann: Person) -> None:
    first = saved(db, 1, ann, texts={"output": "one"})
    with pytest.raises(Stale, match="another window saved this item") as caught:
        saved(db, 1, ann, version=0, texts={"output": "two"})
    assert caught.value.current == first
    assert caught.value.version == 1
    assert history(db, 1) == [first]
    assert saved(db, 1, ann, version=1, texts={"output": "two"}).version == 2


def test_the_same_save_sent_twice_is_one_save(db: Database, ann: Person) -> None:
    first = saved(db, 1, ann, texts={"output": "one"}, reason="typo")
    clock_of(db).forward(2)
    assert saved(db, 1, ann, version=0, texts={"output": "one"}, reason="typo") == first
    assert len(history(db, 1)) == 1


def test_of_two_windows_that_save_at_once_one_is_told(db: Database, ann: Person) -> None:
    def attempt(number: int) -> str:
        try:
            saved(db, 1, ann, version=0, texts={"output": f"{number}"})
        except Stale:
            return "stale"
        return "saved"

    with ThreadPoolExecutor(6) as threads:
        outcomes = sorted(threads.map(attempt, range(6)))
    assert outcomes == ["saved", *["stale"] * 5]
    assert len(history(db, 1)) == 1


def test_what_is_typed_is_kept_until_it_is_saved(db: Database, ann: Person) -> None:
    autosave(db, 1, ann, {"output": "h"}, version=0)
    autosave(db, 1, ann, {"output": "half\x00"}, version=0)
    work = work_on(db, 1, ann)
    assert work is not None
    assert (work.autosaved, work.saved, work.version) == ({"output": "half\x00"}, None, 0)
    saved(db, 1, ann)
    after = work_on(db, 1, ann)
    assert after is not None
    assert after.autosaved is None


def test_typing_in_a_window_that_is_behind_is_told(db: Database, ann: Person) -> None:
    saved(db, 1, ann)
    with pytest.raises(Stale):
        autosave(db, 1, ann, {"output": "older"}, version=0)
    work = work_on(db, 1, ann)
    assert work is not None
    assert work.autosaved is None


def test_a_save_after_the_lease_counts_when_nobody_took_the_item(db: Database, ann: Person) -> None:
    clock_of(db).forward(2 * LEASE_SECONDS)
    assert saved(db, 1, ann).version == 1


def test_a_save_after_others_took_the_item_is_refused_and_its_text_kept(db: Database, ann: Person) -> None:
    bob = person(db, "bob")
    clock_of(db).forward(LEASE_SECONDS)
    for _ in range(3):  # Bob goes through all three items, the first too
        work = next_work(db, 1, bob)
        assert work is not None
        saved(db, work.item.id, bob)
    for attempt in (
        lambda: saved(db, 1, ann, texts={"output": "an hour's work"}),
        lambda: autosave(db, 1, ann, {"output": "an hour's work"}, version=0),
    ):
        with pytest.raises(PlaceLost, match="item 1 went to somebody else after 30 minutes"):
            attempt()
    assert [revision.person_id for revision in history(db, 1)] == [bob.id]
    undo(db, 1, bob)
    clock_of(db).forward(LEASE_SECONDS)
    work = next_work(db, 1, ann)
    assert work is not None
    assert work.autosaved == {"output": "an hour's work"}


def test_undo_goes_back_save_by_save_and_keeps_the_history(db: Database, ann: Person) -> None:
    for version, word in enumerate(["one", "two", "three"]):
        saved(db, 1, ann, version=version, texts={"output": word})
    second = undo(db, 1, ann)
    assert second is not None
    assert (second.texts, second.version, second.seconds) == ({"output": "two"}, 4, 0.0)
    first = undo(db, 1, ann)
    assert first is not None
    assert (first.texts, first.version) == ({"output": "one"}, 5)
    assert undo(db, 1, ann) is None  # nothing is saved any more
    assert undo(db, 1, ann) is None  # nor was there anything to undo
    work = work_on(db, 1, ann)
    assert work is not None
    assert (work.saved, work.version, work.lease_until) == (None, 6, clock_of(db).now + LEASE_SECONDS)
    assert [one.texts["output"] for one in history(db, 1)] == ["one", "two", "three", "two", "one"]
    assert saved(db, 1, ann, version=6, texts={"output": "four"}).version == 7


def test_a_window_that_did_not_see_the_undo_is_stale(db: Database, ann: Person) -> None:
    saved(db, 1, ann)
    undo(db, 1, ann)
    with pytest.raises(Stale) as caught:
        saved(db, 1, ann, version=1)
    assert (caught.value.current, caught.value.version) == (None, 2)


def test_a_skip_is_undone_while_the_item_is_free(db: Database, ann: Person) -> None:
    bob = person(db, "bob")
    saved(db, 1, ann, decision=Decision.SKIP)
    assert work_on(db, 1, ann) is None
    assert undo(db, 1, ann) is None
    assert work_on(db, 1, ann) is not None
    saved(db, 1, ann, version=2, decision=Decision.SKIP)
    assert next_work(db, 1, bob) is not None
    with pytest.raises(PlaceLost):
        undo(db, 1, ann)


def test_export_has_every_item_with_what_counts(db: Database, ann: Person) -> None:
    bob = person(db, "bob")
    saved(db, 1, ann, texts={"output": "one"})
    saved(db, 1, ann, version=1, texts={"output": "two"})
    work = next_work(db, 1, bob)
    assert work is not None
    saved(db, work.item.id, bob, decision=Decision.REJECT)
    third = next_work(db, 1, bob)
    assert third is not None
    saved(db, third.item.id, bob)
    undo(db, third.item.id, bob)
    rows = [(item.key, made.person_id, made.decision, made.texts) for item, made in revisions(db, 1)]
    assert rows == [
        ("k1", ann.id, Decision.EDIT, {"output": "two"}),
        ("k2", bob.id, Decision.REJECT, {"output": "Mine."}),
    ]


def test_export_goes_on_over_many_pages(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewright.review.store.revisions._ITEMS_AT_ONCE", 7)
    ann, bob = person(sqlite_db, "ann"), person(sqlite_db, "bob")
    queue = queue_of(sqlite_db, 14, overlap=2)
    for who in (ann, bob):
        while (work := next_work(sqlite_db, queue.id, who)) is not None:
            saved(sqlite_db, work.item.id, who, decision=Decision.ACCEPT)
    rows = [(item.id, made.person_id) for item, made in revisions(sqlite_db, queue.id)]
    assert rows == [(item_id, who.id) for item_id in range(1, 15) for who in (ann, bob)]


@pytest.mark.parametrize(
    ("texts", "seconds", "says"),
    [
        ({"outptu": "x"}, 1.0, "'outptu' is no text of"),
        ({"output": None}, 1.0, "'output' is no text of"),
        ({}, -1.0, "-1.0 seconds"),
        ({}, float("nan"), "nan seconds"),
    ],
)
def test_nonsense_is_refused(sqlite_db: Database, texts: dict[str, str], seconds: float, says: str) -> None:
    ann, queue = person(sqlite_db, "ann"), queue_of(sqlite_db, 1)
    assert next_work(sqlite_db, queue.id, ann) is not None
    with pytest.raises(DataError, match=says):
        saved(sqlite_db, 1, ann, texts=texts, seconds=seconds)
    assert history(sqlite_db, 1) == []


def test_nobody_saves_what_they_were_never_given(db: Database, ann: Person) -> None:
    bob = person(db, "bob")
    with pytest.raises(PlaceLost):
        saved(db, 1, bob)
    assert history(db, 1) == []
