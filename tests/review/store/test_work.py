"""Who gets which item: leases, places, and what must never happen whoever does what at once."""

from __future__ import annotations

import math
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from support.stores import clock_of, new_items, person, queue_of, saved
from tunewright.review.model import Arm, Decision, Person
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.queues import add_revise_queue, close_queue
from tunewright.review.store.revisions import autosave, history, undo
from tunewright.review.store.schema import places
from tunewright.review.store.work import (
    LEASE_SECONDS,
    PlaceLost,
    begun_at,
    give_back,
    next_work,
    renew,
    work_on,
)


def item_of(db: Database, queue_id: int, who: Person) -> int | None:
    work = next_work(db, queue_id, who)
    return None if work is None else work.item.id


def test_everybody_goes_through_the_items_in_order(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 3)
    done = []
    while (work := next_work(db, queue.id, ann)) is not None:
        saved(db, work.item.id, ann)
        done.append(work.item.key)
    assert done == ["k1", "k2", "k3"]


def test_asking_again_gives_the_same_item(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 3)
    first = next_work(db, queue.id, ann)
    assert first is not None
    assert next_work(db, queue.id, ann) == first
    assert (first.place, first.version, first.lease_until) == (1, 0, clock_of(db).now + LEASE_SECONDS)


def test_an_item_goes_to_as_many_people_as_it_has_places(db: Database) -> None:
    ann, bob, eve = person(db, "ann"), person(db, "bob"), person(db, "eve")
    queue = queue_of(db, 2, overlap=2)
    assert [item_of(db, queue.id, who) for who in (ann, bob, eve)] == [1, 1, 2]
    for who in (ann, bob):
        saved(db, 1, who)
        assert item_of(db, queue.id, who) == (2 if who is ann else None)


def test_an_expired_lease_goes_to_somebody_else(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 1)
    assert item_of(db, queue.id, ann) == 1
    assert item_of(db, queue.id, bob) is None
    clock_of(db).forward(LEASE_SECONDS)
    assert item_of(db, queue.id, bob) == 1
    assert work_on(db, 1, ann) is None


def test_typing_keeps_the_lease(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 1)
    assert item_of(db, queue.id, ann) == 1
    for _ in range(3):
        clock_of(db).forward(LEASE_SECONDS - 1)
        assert autosave(db, 1, ann, {"output": "…"}, version=0) == clock_of(db).now + LEASE_SECONDS
    clock_of(db).forward(LEASE_SECONDS - 1)
    assert renew(db, 1, ann) == clock_of(db).now + LEASE_SECONDS
    assert item_of(db, queue.id, bob) is None
    assert renew(db, 1, bob) is None


def test_what_is_saved_is_theirs_for_good(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 1)
    assert item_of(db, queue.id, ann) == 1
    saved(db, 1, ann)
    clock_of(db).forward(10 * LEASE_SECONDS)
    assert item_of(db, queue.id, bob) is None
    mine = work_on(db, 1, ann)
    assert mine is not None
    assert (mine.version, mine.lease_until) == (1, math.inf)
    assert renew(db, 1, ann) == math.inf
    assert not give_back(db, 1, ann)


def test_a_skipped_item_goes_to_somebody_else_and_not_back(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 1)
    assert item_of(db, queue.id, ann) == 1
    saved(db, 1, ann, decision=Decision.SKIP, reason="not my field")
    assert item_of(db, queue.id, ann) is None
    assert item_of(db, queue.id, bob) == 1


def test_what_is_given_back_is_free_at_once_and_comes_back_to_who_gave_it(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 2)
    assert item_of(db, queue.id, ann) == 1
    assert not give_back(db, 1, bob)
    assert give_back(db, 1, ann)
    assert item_of(db, queue.id, bob) == 1
    assert give_back(db, 1, bob)
    assert item_of(db, queue.id, ann) == 1


def test_what_was_freed_behind_somebody_comes_to_them_last(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 3)
    assert item_of(db, queue.id, bob) == 1
    assert item_of(db, queue.id, ann) == 2
    give_back(db, 1, bob)
    order = []
    while (number := item_of(db, queue.id, ann)) is not None:
        saved(db, number, ann)
        order.append(number)
    assert order == [2, 3, 1]


def test_a_closed_queue_gives_out_nothing_new(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 2)
    assert item_of(db, queue.id, ann) == 1
    close_queue(db, queue.id)
    assert item_of(db, queue.id, bob) is None
    assert saved(db, 1, ann).version == 1  # who had it may finish it


def test_an_experiment_hides_the_draft_in_one_arm(sqlite_db: Database) -> None:
    ann = person(sqlite_db, "ann")
    items = [
        type(one)(one.key, one.original, one.draft, draft_reason="shorter", lineage={"draft": one.draft})
        for one in new_items(12)
    ]
    queue = add_revise_queue(sqlite_db, "pairs", items, experiment=True)
    arms = set()
    while (work := next_work(sqlite_db, queue.id, ann)) is not None:
        is_shown = work.item.arm is Arm.WITH_DRAFT
        assert (work.item.draft is not None) is is_shown
        assert (work.item.draft_reason == "shorter") is is_shown
        assert bool(work.item.lineage) is is_shown
        assert saved(sqlite_db, work.item.id, ann).shown_draft is is_shown
        arms.add(work.item.arm)
    assert arms == set(Arm)


def test_the_tables_refuse_a_second_place_of_one_person_and_a_place_too_many(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 1, overlap=2)
    both = update(places).where(places.c.item_id == 1).values(person_id=ann.id)
    again = insert(places).values(item_id=1, place=2, queue_id=queue.id, free_at=0.0)
    for statement in (both, again):
        with pytest.raises(IntegrityError):
            _run(db, statement)


def _run(db: Database, statement: object) -> None:
    with db.write() as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_many_at_once_never_get_the_same_place(db: Database) -> None:
    """8 people, 40 items of 2 places: 80 saves, and every item has two different people."""
    crew = [person(db, f"p{number}") for number in range(8)]
    queue = queue_of(db, 40, overlap=2)

    def work_through(who: Person) -> list[int]:
        done = []
        while (work := next_work(db, queue.id, who)) is not None:
            saved(db, work.item.id, who, decision=Decision.ACCEPT)
            done.append(work.item.id)
        return done

    with ThreadPoolExecutor(8) as threads:
        done = [item_id for own in threads.map(work_through, crew) for item_id in own]
    assert sorted(done) == sorted([*range(1, 41), *range(1, 41)])
    for item_id in range(1, 41):
        assert len({revision.person_id for revision in history(db, item_id)}) == 2


def test_one_person_in_many_windows_holds_one_item(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 20)
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: item_of(db, queue.id, ann), range(12)))
    assert set(found) == {1}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_people_do_places_hold_and_nothing_saved_is_lost(sqlite_db: Database, seed: int) -> None:
    """A random walk of everything people can do; after each step the laws of the store are checked."""
    db, rng = sqlite_db, random.Random(seed)
    crew = [person(db, f"p{number}") for number in range(4)]
    queue = queue_of(db, 4, overlap=2)
    kept: dict[tuple[int, int], list[str]] = {}
    for step in range(60):
        who, item_id = rng.choice(crew), rng.randint(1, 4)
        match rng.choice(["next", "next", "save", "save", "skip", "back", "undo", "time"]):
            case "next":
                next_work(db, queue.id, who)
            case "save" | "skip" as action:
                work = work_on(db, item_id, who)
                if work is not None:
                    decision = Decision.SKIP if action == "skip" else Decision.EDIT
                    saved(
                        db, item_id, who, version=work.version, decision=decision, texts={"output": f"{step}"}
                    )
                    kept.setdefault((item_id, who.id), []).append(f"{step}")
            case "back":
                give_back(db, item_id, who)
            case "undo":
                try:
                    undo(db, item_id, who)
                except PlaceLost:
                    assert work_on(db, item_id, who) is None
            case "time":
                clock_of(db).forward(rng.choice([10, LEASE_SECONDS]))
        _check_laws(db, kept)


def _check_laws(db: Database, kept: dict[tuple[int, int], list[str]]) -> None:
    with db.read() as connection:
        rows = connection.execute(select(places)).all()
    for item_id in range(1, 5):
        holders = [row.person_id for row in rows if row.item_id == item_id and row.person_id is not None]
        assert len(holders) == len(set(holders)) <= 2
        written = [(revision.person_id, revision.texts["output"]) for revision in history(db, item_id)]
        for (of_item, person_id), texts in kept.items():
            if of_item == item_id:
                assert all((person_id, text) in written for text in texts)


def test_nobody_takes_an_item_by_its_number(db: Database) -> None:
    ann = person(db, "ann")
    queue_of(db, 3)
    for _ in range(2):  # what the first call kept gives no right to the second
        with pytest.raises(PlaceLost):
            autosave(db, 2, ann, {"output": "mine"}, version=0)
    with pytest.raises(PlaceLost):
        saved(db, 3, ann)
    assert work_on(db, 2, ann) is None


def test_who_had_the_item_gets_it_back_with_a_line_in_the_audit(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 1)
    assert item_of(db, queue.id, ann) == 1
    begun = begun_at(db, 1, ann)
    clock_of(db).forward(LEASE_SECONDS)
    assert item_of(db, queue.id, bob) == 1
    assert give_back(db, 1, bob)
    saved(db, 1, ann)
    taken = [(one.person, one.action) for one in events(db, subject="item:1")]
    assert taken == [
        ("ann", "take"), ("bob", "take"), ("bob", "give back"), ("ann", "take again"), ("ann", "save")
    ]  # fmt: skip
    assert begun == clock_of(db).now - LEASE_SECONDS


def test_taking_an_item_again_to_save_it_does_not_shorten_its_time(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 1)
    assert item_of(db, queue.id, ann) == 1
    begun = begun_at(db, 1, ann)
    clock_of(db).forward(LEASE_SECONDS)
    assert item_of(db, queue.id, bob) == 1
    assert give_back(db, 1, bob)
    autosave(db, 1, ann, {"output": "typed"}, version=0)
    assert begun_at(db, 1, ann) == begun


def test_a_closed_queue_gives_nothing_back_that_was_given_up(db: Database) -> None:
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 2)
    assert [item_of(db, queue.id, who) for who in (ann, bob)] == [1, 2]
    assert give_back(db, 1, ann)
    close_queue(db, queue.id)
    clock_of(db).forward(LEASE_SECONDS + 1)
    with pytest.raises(PlaceLost):
        saved(db, 1, ann)
    saved(db, 2, bob)  # the lease is over, but nobody took it
